// Has the service worker keep the catalogue: whenever a head is proven, and soon after something is released. Says what is
// kept: a browser may lend too little storage or none, and that is told while there is a network, not when it is gone.
import { copies } from "./memory.js";

const PLACE = `/${document.body.dataset.place}/`;
const SOON = 1_000;
const EVERY = 60_000; // what a browser gives up by itself is noticed within a minute
let newest = null;
let waiting = 0;
let told = { kept: null, of: null, at: null }; // null: not known yet

const ready = navigator.serviceWorker?.register(`${PLACE}worker.js`, { scope: PLACE, updateViaCache: "none" })
  .then(() => navigator.serviceWorker.ready)
  .catch((error) => (console.info("no offline copy", String(error)), count(true)));

/** Keep what is there now; `mark` was proven before it is read, so it is at least as new as the mark says. */
export function keep(mark) {
  newest = mark;
  ready?.then((registration) => registration?.active?.postMessage({ type: "keep", mark, after: Number(document.body.dataset.keepAfter) }));
}

/** {kept, of, at}: addresses kept, of how many, and of when (ms); `kept` null until it is known. */
export const kept = () => told;

/** Nothing is a finding only after it was tried: a new screen has not kept anything yet. */
async function count(tried, of = null) {
  const found = await copies().catch(() => ({ kept: 0, of: null, at: null }));
  if (found.kept || tried) told = { ...found, of: found.of ?? of };
  document.dispatchEvent(new CustomEvent("kept"));
}

navigator.serviceWorker?.addEventListener("message", ({ data }) => data?.type === "kept" && count(true, data.of));
count(!ready);
setInterval(() => count(told.kept !== null, told.of), EVERY);
document.addEventListener("change", () => {
  clearTimeout(waiting);
  if (newest) waiting = setTimeout(() => keep(newest), SOON);
});
