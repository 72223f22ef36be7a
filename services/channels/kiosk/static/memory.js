// What a screen knows from one page to the next, beside what its service worker keeps: the head that was proven last,
// and the catalogue. Nothing here is of a person. A browser that lends no storage knows nothing, and says so.
const STORE = "tongyuan-kiosk";
const PROVEN = "/kiosk/kept/proven";
const CATALOGUE = "/kiosk/kept/catalogue";

async function read(address) {
  try {
    return (await (await (await caches.open(STORE)).match(address))?.json()) ?? null;
  } catch {
    return null; // no storage, or something else in it
  }
}

/** What `proven` of head.js gave last, and the mark that it was proven of. */
export const recall = () => read(PROVEN);

/** The catalogue that is kept: {mark, entries, ends}; null without one. See catalogue.py and worker.js. */
export const catalogue = () => read(CATALOGUE);

/** What is kept: {kept, of} addresses of the catalogue, and {at}, when the statement that it is of was issued. */
export async function copies() {
  const held = await catalogue();
  if (!held?.entries) return { kept: 0, of: null, at: null };
  const have = new Set((await (await caches.open(STORE)).keys()).map(({ url }) => new URL(url).pathname));
  const kept = held.entries.filter(([address, digest]) => have.has(`/kiosk/kept/${digest ?? `passing/${address}`}`));
  const said = JSON.parse(held.mark.head.statement.split("\n", 1)[0]);
  return { kept: kept.length, of: held.entries.length, at: Date.parse(said.issued_at) };
}

export async function remember(proven) {
  try {
    await (await caches.open(STORE)).put(PROVEN, Response.json(proven));
  } catch {
    // no storage: the next page begins anew
  }
}
