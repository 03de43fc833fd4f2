"use strict";
/* The form of a new credential: another type shows its fields at once. Without script the button "Show fields" does. */

const itemForm = document.getElementById("item-form");
const { type: chosenType, shown: shownType } = itemForm.elements;

const showFields = () => {
  shownType.value = chosenType.value;
  for (const part of itemForm.querySelectorAll("[data-types]")) {
    part.hidden = !part.dataset.types.split(" ").includes(chosenType.value);
  }
};

itemForm.querySelector("[data-show-fields]").hidden = true;
chosenType.addEventListener("change", showFields);
/* Browsers bring back what was chosen when one comes back to the page, and say nothing. */
window.addEventListener("pageshow", showFields);
