// Has the service worker keep the catalogue: whenever a head is proven, and soon after something is released.
const PLACE = `/${document.body.dataset.place}/`;
const SOON = 1_000;
let newest = null;
let waiting = 0;

const ready = navigator.serviceWorker?.register(`${PLACE}worker.js`, { scope: PLACE, updateViaCache: "none" })
  .then(() => navigator.serviceWorker.ready)
  .catch((error) => console.info("no offline copy", String(error)));

/** Keep what is there now; `mark` was proven before it is read, so it is at least as new as the mark says. */
export function keep(mark) {
  newest = mark;
  ready?.then((registration) => registration?.active?.postMessage({ type: "keep", mark, after: Number(document.body.dataset.keepAfter) }));
}

document.addEventListener("change", () => {
  clearTimeout(waiting);
  if (newest) waiting = setTimeout(() => keep(newest), SOON);
});
