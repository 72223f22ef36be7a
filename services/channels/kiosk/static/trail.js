// A shared screen keeps no history: every page takes the place of the one before. The way back is a list of our own
// that ends with the session, so that nobody pages back into what somebody else has read.
const KEY = "trail";
const LONGEST = 30;
const home = `/${document.body.dataset.place}/`;

function read() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY));
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function write(trail) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(trail.slice(-LONGEST)));
  } catch {
    // storage is off: back leads home
  }
}

const here = () => location.pathname + location.search;

/** Go to a page of this channel and leave this one no place in the history. */
export function go(address) {
  if (address !== here()) write([...read(), here()]);
  replace(address);
}

export function back() {
  const trail = read();
  const last = trail.pop() ?? home;
  write(trail);
  replace(last);
}

/** Without a service worker the browser's own error page would stay on the glass, and nothing leads back from it. */
async function replace(address) {
  if (navigator.serviceWorker?.controller || (await reachable(address))) location.replace(address);
}

const reachable = (address) => fetch(address, { method: "HEAD", mode: "same-origin" }).then(() => true, () => false);

/** True when nobody has done anything that would have to be cleared. */
export const isFresh = () => here() === home && read().length === 0;

/** Everything that this session has left, and home. */
export function clear() {
  for (const form of document.forms) form.reset();
  document.querySelector("[data-case]")?.replaceChildren();
  try {
    sessionStorage.clear();
  } catch {
    // storage is off: nothing was kept
  }
  window.speechSynthesis?.cancel();
  location.replace(home);
}

function ours(address) {
  const url = new URL(address, location.href);
  return url.origin === location.origin && url.pathname.startsWith(home) ? url.pathname + url.search : null;
}

addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented) return;
  if (link.getAttribute("href").startsWith("#")) return;
  event.preventDefault(); // a link that leads away from the hall's pages leads nowhere
  const address = ours(link.href);
  if (!address) return;
  if (link.dataset.back !== undefined) back();
  else if (link.dataset.finishLink !== undefined) clear();
  else if (address === home) (write([]), replace(home));
  else go(address);
});

/** Another button would open another window, which nobody could close. */
addEventListener("auxclick", (event) => event.target.closest?.("a[href]") && event.preventDefault());

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (!ours(form.action)) return event.preventDefault();
  if (form.method !== "get") return;
  event.preventDefault();
  go(`${new URL(form.action).pathname}?${new URLSearchParams(new FormData(form))}`.replace(/\?$/, ""));
});

history.scrollRestoration = "manual";
for (const link of document.querySelectorAll(".bar a[href]")) {
  if (new URL(link.href).pathname === location.pathname && link.dataset.back === undefined) {
    link.setAttribute("aria-current", "page");
  }
}
for (const link of document.querySelectorAll("[data-back]")) link.hidden = here() === home;
