"use strict";
/* Reveal, copy, codes, large view and generator, in place. What script and server agree on is written at the top of
   templates/macros/values.html. Values go into the page as text, never as markup, and leave it after 30 seconds. */

const VISIBLE_SECONDS = 30;
const DOTS = "••••••••••";
const CODES_SHOWN = 2; /* each code shown is an event in the audit log, so a forgotten tab must not ask forever */
const LARGE_LIMIT = 256;

class Trouble extends Error {}

/**
 * Post a form and return the JSON answer; null when the ordinary way was taken instead.
 * In tables many buttons share one form: then `part` is the button, which says where the form goes.
 */
const send = async (part) => {
  const button = part instanceof HTMLButtonElement ? part : null;
  const form = button ? button.form : part;
  let answer;
  try {
    answer = await fetch(button?.getAttribute("formaction") ?? form.getAttribute("action"), {
      method: "POST",
      body: new URLSearchParams(new FormData(form, button)),
      headers: { Accept: "application/json" },
      cache: "no-store",
    });
  } catch {
    throw new Trouble("Chatelaine cannot be reached. Check your connection and try again.");
  }
  const json = answer.headers.get("Content-Type")?.startsWith("application/json");
  if (answer.status === 401) location.reload();
  else if (json && answer.ok && !answer.redirected) return answer.json();
  else if (json) throw new Trouble((await answer.json()).error ?? "That did not work. Load the page again.");
  else sendPlainly(form, button);
  return null;
};

let goingPlainly = false;

const sendPlainly = (form, button) => {
  goingPlainly = true;
  form.requestSubmit(button);
  goingPlainly = false;
};

const report = (error) => {
  if (!(error instanceof Trouble)) throw error;
  toast(error.message, true);
};

/** Find the element that shows a field: the nearest one around the form. */
const fieldOf = (start, name) => {
  const wanted = `[data-field="${CSS.escape(name)}"]`;
  for (let part = start.parentElement; part; part = part.parentElement) {
    const found = part.querySelector(wanted);
    if (found) return found;
  }
  return null;
};

/* Showing and hiding. `shown` maps each element that shows a value to what must be undone. */

const shown = new Map();

const companions = (element) => {
  const row = element.closest("dd, tr") ?? element.parentElement;
  return {
    large: row.querySelector("[data-large]"),
    button: row.querySelector("[data-reveal] button, button[data-reveal]"),
    form: row.querySelector("[data-reveal]"),
  };
};

const hide = (element) => {
  const { large, button } = companions(element);
  clearTimeout(shown.get(element)?.timer);
  clearInterval(shown.get(element)?.ticker);
  shown.delete(element);
  element.textContent = DOTS;
  delete element.dataset.shown;
  element.parentElement.querySelector(".countdown")?.remove();
  if (large) large.hidden = true;
  button?.setAttribute("aria-pressed", "false");
  swapIcon(button, "eye");
};

const swapIcon = (button, name) => {
  const use = button?.querySelector("use");
  use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
};

const show = (element, value) => {
  const { large, button } = companions(element);
  element.textContent = value;
  element.dataset.shown = "";
  if (large) large.hidden = value.length > LARGE_LIMIT || value.includes("\n");
  button?.setAttribute("aria-pressed", "true");
  swapIcon(button, "eye-off");
};

const showText = (element, value) => {
  show(element, value);
  shown.set(element, { value, timer: setTimeout(hide, VISIBLE_SECONDS * 1000, element) });
};

/** Show a code with the seconds it has left; when it ends, fetch the next one or hide. */
const showCode = (element, code, seconds, turn = 1) => {
  element.parentElement.querySelector(".countdown")?.remove();
  show(element, code.replace(/(?=(?:...)+$)(?!^)/g, " "));
  const ends = Date.now() + seconds * 1000;
  const clock = countdown(seconds);
  element.after(clock.box);
  const tick = () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    clock.write(left);
    if (left > 0) return;
    clearInterval(ticker);
    const { form } = companions(element);
    if (turn >= CODES_SHOWN || !form) hide(element);
    else nextCode(form, element, turn + 1);
  };
  const ticker = setInterval(tick, 1000);
  tick();
  shown.set(element, { value: code, ticker });
};

const nextCode = async (form, element, turn) => {
  try {
    const answer = await send(form);
    if (answer) showCode(element, answer.value, answer.seconds, turn);
  } catch (error) {
    hide(element);
    report(error);
  }
};

const countdown = (seconds) => {
  const box = document.createElement("span");
  const bar = document.createElement("progress");
  const words = document.createElement("span");
  box.className = "countdown";
  bar.max = Math.max(seconds, 30);
  bar.setAttribute("aria-label", "Time left for this code");
  box.append(bar, words);
  return {
    box,
    write: (left) => {
      bar.value = left;
      words.textContent = `${left} s`;
    },
  };
};

const reveal = async (form) => {
  const element = fieldOf(form, form.dataset.reveal);
  if (shown.has(element)) return hide(element);
  const answer = await send(form);
  if (!answer) return undefined;
  return answer.kind === "otp" ? showCode(element, answer.value, answer.seconds) : showText(element, answer.value);
};

const copy = async (form) => {
  let failure = null;
  const value = send(form).then((answer) => {
    if (answer) return answer.value;
    throw new Trouble("");
  });
  value.catch((error) => { failure = error; });
  const copied = await copyText(value);
  if (failure?.message) throw failure;
  if (!copied && !failure) throw new Trouble(COPY_REFUSED);
};

/* Large view: groups of four, each character with the word one says on the telephone. */

const LETTERS = "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec "
  + "Romeo Sierra Tango Uniform Victor Whiskey X-ray Yankee Zulu";
const DIGITS = "zero one two three four five six seven eight nine";
const SIGNS = {
  " ": "space", "!": "exclamation mark", "\"": "double quote", "#": "hash", "$": "dollar", "%": "percent",
  "&": "and sign", "'": "single quote", "(": "open bracket", ")": "close bracket", "*": "asterisk", "+": "plus",
  ",": "comma", "-": "hyphen", ".": "dot", "/": "slash", ":": "colon", ";": "semicolon", "<": "less than",
  "=": "equals", ">": "greater than", "?": "question mark", "@": "at", "[": "open square", "\\": "backslash",
  "]": "close square", "^": "caret", "_": "underscore", "`": "backtick", "{": "open brace", "|": "bar",
  "}": "close brace", "~": "tilde", "\t": "tab",
};

/** Say what kind of character this is and how it is spelled. */
const spell = (glyph) => {
  if (/^[a-z]$/i.test(glyph)) {
    const word = LETTERS.split(" ")[glyph.toLowerCase().charCodeAt(0) - 97];
    return glyph === glyph.toLowerCase() ? ["letter", word.toLowerCase()] : ["letter", `capital ${word}`];
  }
  if (/^\d$/.test(glyph)) return ["digit", DIGITS.split(" ")[Number(glyph)]];
  const code = glyph.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return ["sign", SIGNS[glyph] ?? `U+${code}`];
};

const glyphItem = (glyph) => {
  const item = document.createElement("li");
  const sign = document.createElement("b");
  const word = document.createElement("small");
  const [kind, spelled] = spell(glyph);
  item.className = kind;
  sign.textContent = glyph;
  sign.setAttribute("aria-hidden", "true");
  word.textContent = spelled;
  item.append(sign, word);
  return item;
};

const large = document.getElementById("large");
let largeTimer = 0;

const showLarge = (button) => {
  const glyphs = [...shown.get(fieldOf(button, button.dataset.large)).value];
  const groups = [];
  for (let start = 0; start < glyphs.length; start += 4) {
    const group = document.createElement("li");
    const list = document.createElement("ol");
    list.append(...glyphs.slice(start, start + 4).map(glyphItem));
    group.append(list);
    groups.push(group);
  }
  large.querySelector(".glyphs").replaceChildren(...groups);
  large.querySelector("h2").textContent = button.title.replace(/^Show | large$/g, "");
  large.showModal();
  largeTimer = setTimeout(() => large.close(), VISIBLE_SECONDS * 1000);
};

large.addEventListener("close", () => {
  clearTimeout(largeTimer);
  large.querySelector(".glyphs").replaceChildren();
});

/* Generator: a panel beside the password field. */

let generateFor = null;

const generate = async (form) => {
  const answer = await send(form);
  if (!answer) return;
  form.querySelector("[data-generated]").textContent = answer.value;
  form.querySelector("[data-bits]").textContent = answer.bits ? `About ${Math.floor(answer.bits)} bits of randomness.` : "";
};

const openGenerator = (link, event) => {
  const panel = document.getElementById(link.dataset.panel);
  if (!panel) return;
  event.preventDefault();
  generateFor = document.getElementById(link.dataset.generate);
  panel.showPopover();
  generate(panel.querySelector("[data-generator]")).catch(report);
};

const useGenerated = (button) => {
  const output = button.form.querySelector("[data-generated]");
  generateFor.value = output.textContent;
  generateFor.dispatchEvent(new Event("input", { bubbles: true }));
  output.textContent = "";
  button.closest("[popover]").hidePopover();
  generateFor.focus();
};

/* Wiring */

const ACTS = [["reveal", reveal], ["copy", copy], ["generator", generate]];

document.addEventListener("submit", (event) => {
  const form = event.target;
  const part = [event.submitter, form].find((one) => one && ACTS.some(([name]) => name in one.dataset));
  if (!part || goingPlainly) return;
  event.preventDefault();
  const [, act] = ACTS.find(([name]) => name in part.dataset);
  act(part).catch(report);
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && "generator" in form.dataset) generate(form).catch(report);
});

document.addEventListener("click", (event) => {
  const part = event.target.closest("[data-large], [data-generate], [data-use]");
  if (!part) return;
  if ("large" in part.dataset) showLarge(part);
  else if ("use" in part.dataset) useGenerated(part);
  else openGenerator(part, event);
});

/* Values that the server wrote into the page (a reveal without script) leave it as well. */
for (const element of document.querySelectorAll("[data-field][data-shown]")) {
  const { seconds } = element.dataset;
  if (seconds) showCode(element, element.textContent, Number(seconds), CODES_SHOWN);
  else showText(element, element.textContent);
}

/* Nothing revealed may wait in the back-and-forward cache. */
window.addEventListener("pagehide", () => {
  large.close();
  for (const element of [...shown.keys()]) hide(element);
});
