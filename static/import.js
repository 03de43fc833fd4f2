"use strict";
/* An import that is under way goes on by itself; without this, by its button. */

document.getElementById("go-on").requestSubmit();
