// What has come to its end is off the glass, also when nobody tells: the kept catalogue says when each thing ends.
import { catalogue } from "./memory.js";

const EVERY = 30_000;
const main = document.getElementById("main");
const gone = new Set();
let ends = {};

const codeOf = (link) => decodeURIComponent(new URL(link.href).pathname.split("/").pop());

// An announcement holds until its time; the page that replaces it may come later, without a network.
function overdue() {
  for (const told of main.querySelectorAll("[data-ends]")) if (Date.parse(told.dataset.ends) <= Date.now()) told.remove();
}

/** Whether what this page shows has ended; rows of a list that have are taken out of it. */
export function endedHere() {
  for (const [key, moment] of Object.entries(ends)) if (Date.parse(moment) <= Date.now()) gone.add(key);
  if (!gone.size) return false;
  for (const link of main.querySelectorAll(`a[href*="/items/"]`)) {
    if (gone.has(`item:${codeOf(link)}`)) (link.closest("li") ?? link).hidden = true;
  }
  return [...main.querySelectorAll("[data-key]")].some(({ dataset }) => gone.has(dataset.key));
}

async function read() {
  overdue();
  ends = (await catalogue())?.ends ?? {};
}

read();
setInterval(read, EVERY);
