"use strict";
/* On every page: color theme, search shortcut, toast, copying what is already on the page. Pages work without it. */

const root = document.documentElement;

/** Show a short message; `bad` marks a failure. */
const toast = (() => {
  const box = document.getElementById("toast");
  let timer = 0;
  return (words, bad = false) => {
    clearTimeout(timer);
    box.classList.toggle("bad", bad);
    box.hidePopover();
    box.showPopover();
    box.textContent = words;
    timer = setTimeout(() => box.hidePopover(), bad ? 8000 : 4000);
  };
})();

/* Color theme: the cookie lets the server render it, so that no page flashes. */

const THEMES = ["auto", "light", "dark"];
const themeButton = document.getElementById("theme");

const nameTheme = () => {
  themeButton.title = `Color theme: ${root.dataset.theme}`;
  themeButton.querySelector(".vh").textContent = themeButton.title;
};

if (themeButton) {
  themeButton.hidden = false;
  nameTheme();
  themeButton.addEventListener("click", () => {
    root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${secure}`;
    nameTheme();
  });
}

/* Search: "/" goes there; on narrow screens the field is a popover. */

const search = document.getElementById("search");

if (search) {
  const words = document.getElementById("search-words");
  search.addEventListener("toggle", (event) => {
    if (event.newState === "open") words.focus();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    event.preventDefault();
    if (!words.checkVisibility()) search.showPopover();
    words.focus();
    words.select();
  });
}

/* The clipboard is cleared when this page may do so: at once if it has the focus, else when it gets it again. */

const CLIPBOARD_SECONDS = 30;
let clipboardTimer = 0;

const clearClipboard = () => {
  if (document.hasFocus()) navigator.clipboard.writeText("").catch(() => {});
  else window.addEventListener("focus", clearClipboard, { once: true });
};

/** Copy a text, or the promise of one, and say so. Returns false when the browser refused. */
const copyText = async (text) => {
  const blob = Promise.resolve(text).then((words) => new Blob([words], { type: "text/plain" }));
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
  } catch {
    return false;
  }
  clearTimeout(clipboardTimer);
  window.removeEventListener("focus", clearClipboard);
  clipboardTimer = setTimeout(clearClipboard, CLIPBOARD_SECONDS * 1000);
  toast(`Copied. Chatelaine tries to clear the clipboard in ${CLIPBOARD_SECONDS} seconds.`);
  return true;
};

const COPY_REFUSED = "Your browser did not allow copying. Select the text and copy it by hand.";

if (navigator.clipboard && window.ClipboardItem) {
  for (const part of document.querySelectorAll("[data-copy], [data-copy-text], [data-copy-from]")) part.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy-text], [data-copy-from]");
    if (!button) return;
    const text = button.dataset.copyFrom
      ? document.getElementById(button.dataset.copyFrom).value
      : button.closest("dd").querySelector("[data-field]").textContent;
    if (!(await copyText(text))) toast(COPY_REFUSED, true);
  });
}
