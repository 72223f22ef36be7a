// Ticks on the list of materials: kept in this browser, by guide and name of the material, until they are cleared.
// Nothing is sent. A material that a newer version renames is a new one and comes without its tick.
const KEY = "checklist";
const MOST_GUIDES = 50;

const english = () => document.documentElement.lang === "en";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // storage is off, or holds something else
  }
}

function write(code, ticked) {
  const { [code]: _, ...others } = read();
  const kept = Object.entries(others).slice(-(MOST_GUIDES - 1));
  if (ticked.length) kept.push([code, ticked]);
  try {
    if (kept.length) localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(kept)));
    else localStorage.removeItem(KEY);
  } catch {
    // storage is off: the ticks last as long as the page
  }
}

const list = () => document.querySelector("[data-checklist]");
const boxes = () => [...list().querySelectorAll("input[type=checkbox]")];

function tell() {
  const [all, ticked] = [boxes().length, boxes().filter((box) => box.checked).length];
  const said = english() ? `${ticked} of ${all} ready` : `已备好 ${ticked} 样，共 ${all} 样`;
  const line = list().querySelector("[data-ticked]");
  [line.lang, line.textContent] = [document.documentElement.lang, said];
}

/** Ticks as they were left, also for what a newer version has put on the page. */
function restore() {
  if (!list()) return;
  const ticked = new Set([].concat(read()[list().dataset.checklist] ?? []));
  for (const box of boxes()) box.checked = ticked.has(box.value);
  list().querySelector("[data-list-tools]").hidden = false;
  tell();
}

function keep() {
  write(list().dataset.checklist, boxes().filter((box) => box.checked).map((box) => box.value));
  tell();
}

document.addEventListener("change", (event) => event.target.closest?.("[data-checklist]") && keep());
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-checklist] [data-print]")) print();
  if (event.target.closest?.("[data-checklist] [data-clear]")) {
    for (const box of boxes()) box.checked = false;
    keep();
  }
});
document.addEventListener("morphed", restore);
document.addEventListener("modes", () => list() && tell());
addEventListener("storage", (event) => event.key === KEY && restore());
restore();
