// The service worker of the hall's screens: keeps the whole catalogue and answers from it while there is no network.
// A copy lies under the digest of its bytes, and the catalogue that names the copies is written last: until then the one
// before holds, whole. Nothing is kept but what the catalogue lists; what somebody looks up is sent with POST, and is
// never touched here.
const PLACE = "/kiosk/";
const STORE = "tongyuan-kiosk";
const KEPT = `${PLACE}kept/`;
const CATALOGUE = `${KEPT}catalogue`;
const PROVEN = `${KEPT}proven`; // the pages' own, see memory.js
const PATIENCE = 4_000;
const AT_ONCE = 4;
const CHOICES = ["audience", "theme", "department", "event"];
const OFFLINE = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>离线</title>
<p>暂时连不上，正在重试。请到服务台办理。</p><p lang="en">No connection; trying again. Please go to the desk.</p>`;

let wanted = null;
let keeping = null;
let downUntil = 0;
let listedNow = null; // addresses in the newest catalogue that came

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => {
  if (event.data?.type === "keep") event.waitUntil(keep(event.data));
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || !url.pathname.startsWith(PLACE)) return;
  const name = nameOf(url);
  if (request.mode === "navigate" ? name !== "enrol" : name === "v1/finder" || name.startsWith("static/")) {
    event.respondWith(answer(request, name));
  }
});

/** An address as the catalogue spells it: lists by what they are chosen by, everything else without its query. */
function nameOf(url) {
  const path = url.pathname.slice(PLACE.length);
  if (path !== "items") return path;
  const given = CHOICES.map((each) => url.searchParams.get(each) ?? "");
  return ["items", ...given, url.searchParams.get("page") ?? "1"].join("\n");
}

const nameIn = (address) => nameOf(new URL(PLACE + address, location.origin));

/** The network first, for it has what is new; a copy when it does not answer. */
async function answer(request, name) {
  if (Date.now() > downUntil) {
    try {
      const fresh = await within(PATIENCE, own(request));
      if (fresh.status < 500) return fresh;
    } catch {
      downUntil = Date.now() + PATIENCE; // the other files of this page do not wait each for itself
    }
  }
  const copy = await copyOf(name);
  if (!copy) return request.mode === "navigate" ? lost(request) : fetch(request);
  if (request.mode !== "navigate") return copy;
  const html = (await copy.text()).replace("<html ", "<html data-copy ");
  return new Response(html, { headers: copy.headers });
}

/** A page that is not kept: home, which is; or a line to read until there is a network. */
async function lost(request) {
  const home = await copyOf("");
  if (home && new URL(request.url).pathname !== PLACE) return Response.redirect(PLACE);
  return new Response(OFFLINE, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } });
}

/** A page may be led elsewhere in the county's site, and never to another: the login page of a network is no answer. */
async function own(request) {
  if (request.mode !== "navigate") return fetch(request);
  const sent = await fetch(request.url, {
    headers: request.headers, cache: request.cache, credentials: "same-origin", mode: "same-origin",
  });
  if (!sent.redirected) return sent;
  return new URL(sent.url).pathname.startsWith(PLACE) ? Response.redirect(sent.url) : Response.redirect(PLACE);
}

async function copyOf(name) {
  const store = await caches.open(STORE);
  const entry = (await listed(store))?.entries.find(([address]) => nameIn(address) === name);
  return entry && store.match(placeOf(entry));
}

const listed = async (store) => (await store.match(CATALOGUE))?.json();
const placeOf = ([address, digest]) => KEPT + (digest ?? `passing/${address}`);

/** One at a time; marks that come meanwhile are one more turn, of the newest. */
function keep({ mark, after }) {
  wanted = mark;
  keeping ??= turns(after).finally(() => (keeping = null));
  return keeping;
}

async function turns(after) {
  await new Promise((done) => setTimeout(done, (after || 0) * 1000));
  while (wanted) {
    const mark = wanted;
    wanted = null;
    try {
      await take(mark);
      await tell({ failed: "" });
    } catch (error) {
      console.info("catalogue not stored; the previous one stays in use", String(error)); // tried again at the next head
      await tell({ failed: error.name, of: listedNow });
    }
  }
}

/** The pages say on the glass and in their reports what is kept, see keep.js. */
async function tell(what) {
  for (const page of await self.clients.matchAll({ includeUncontrolled: true })) page.postMessage({ type: "kept", ...what });
}

async function take(mark) {
  const store = await caches.open(STORE);
  const sent = await fetch(`${PLACE}v1/catalogue`, { cache: "no-cache", credentials: "omit" });
  if (!sent.ok) throw new Error(`catalogue: ${sent.status}`);
  const fresh = await sent.json();
  listedNow = fresh.entries.length;
  const moved = JSON.stringify((await listed(store))?.entries) !== JSON.stringify(fresh.entries);
  const have = new Set((await store.keys()).map(({ url }) => new URL(url).pathname));
  const missing = fresh.entries.filter((entry) => !have.has(placeOf(entry)) || (moved && !entry[1]));
  await inTurn(missing, (entry) => bring(store, entry));
  await store.put(CATALOGUE, Response.json({ ...fresh, mark }));
  const needed = new Set([CATALOGUE, PROVEN, ...fresh.entries.map(placeOf)]);
  await Promise.all([...have].filter((each) => !needed.has(each)).map((each) => store.delete(each)));
}

/** A few at once, until all are there or one is not. */
async function inTurn(entries, bring) {
  const rest = [...entries];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (rest.length) await bring(rest.pop());
  }));
}

async function bring(store, entry) {
  const [address, digest] = entry;
  const sent = await fetch(PLACE + address, { cache: "no-cache", credentials: "omit" });
  const content = await sent.arrayBuffer();
  if (!sent.ok || (digest && (await hexOf(content)) !== digest)) throw new Error(`${address} is not what was listed`);
  const headers = new Headers(sent.headers);
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  await store.put(placeOf(entry), new Response(content, { headers }));
}

async function hexOf(content) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const within = (most, promise) => Promise.race([
  promise, new Promise((_, fail) => setTimeout(() => fail(new Error("too slow")), most)),
]);
