"use strict";
/* Shows how far a re-encryption has come, each second, without loading the page again until it is done. */

const LOOK_AGAIN = 1000;

const showTurn = (cell, turn) => {
  const bar = cell.querySelector("progress");
  if (bar) {
    bar.max = turn.rows;
    bar.value = turn.done;
  }
  cell.querySelector("[data-words]").textContent = `${turn.done} of ${turn.rows} rows`;
};

const follow = async () => {
  const cells = [...document.querySelectorAll("[data-running]")];
  if (!cells.length) return;
  const answer = await fetch("/instance/keys/progress", { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok || answer.redirected) return;
  const turns = await answer.json();
  for (const cell of cells) showTurn(cell, turns[cell.dataset.turn]);
  if (cells.some((cell) => !turns[cell.dataset.turn].running)) location.reload();
  else setTimeout(follow, LOOK_AGAIN);
};

follow();
