// Keeps the open page as it is released: hears of changes on the channel's event stream and makes the page like its
// newest version, in place. Only a page that somebody looks at holds a stream: browsers allow six to one host.
import { morph } from "./morph.js";

const place = document.body.dataset.place;
const RETRY = 2_000;
let stream = null;
let pending = null;

/** Every event of the stream, for who shows more of it: `freshness.js`, the kiosk. */
const tell = (type, detail) => document.dispatchEvent(new CustomEvent(type, { detail }));

function listen() {
  if (stream) return;
  stream = new EventSource(`/${place}/v1/stream`);
  for (const type of ["sync", "head"]) stream.addEventListener(type, (event) => tell("head", JSON.parse(event.data)));
  stream.addEventListener("change", (event) => hear(JSON.parse(event.data)));
  stream.addEventListener("reset", refresh);
  stream.addEventListener("board", () => tell("board", {}));
  stream.addEventListener("open", () => tell("stream", { open: true }));
  stream.addEventListener("error", () => {
    tell("stream", { open: false });
    if (stream?.readyState === EventSource.CLOSED) {
      silence();
      setTimeout(() => document.visibilityState === "visible" && listen(), RETRY);
    }
  });
}

function silence() {
  stream?.close();
  stream = null;
}

/** Nobody looks: the stream is closed on purpose, and what the page says of its age is not known until it is read again. */
function pause() {
  silence();
  tell("paused", {});
}

function hear(change) {
  tell("change", change);
  const main = document.getElementById("main");
  const shown = [...document.querySelectorAll("[data-key]")].filter((each) => each.dataset.key === change.key);
  if (shown.some((each) => Number(each.dataset.version) < change.version || !change.document)) refresh();
  else if (main.dataset.watch?.split(" ").includes(change.key)) refresh();
}

/** Read the page again and take over what differs. Changes that come meanwhile make it read once more. */
export async function refresh() {
  if (pending) {
    pending.again = true;
    return;
  }
  pending = { again: false };
  try {
    do {
      pending.again = false;
      take(await read());
      tell("read", { again: pending.again });
    } while (pending.again);
  } catch (error) {
    console.info("page not reloaded", String(error)); // without network the stream tells when it is back
    setTimeout(() => stream?.readyState === EventSource.OPEN && refresh(), RETRY);
  } finally {
    pending = null;
  }
}

async function read() {
  const answer = await fetch(location.href, { cache: "no-cache", headers: { Accept: "text/html" } });
  // An error of the moment is no newer version of the page.
  if (answer.status >= 500 || answer.status === 429) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function take(fresh) {
  let changed = 0;
  for (const id of ["main", "foot"]) {
    const [from, to] = [document.getElementById(id), fresh.getElementById(id)];
    const differences = from && to ? morph(from, to) : 0;
    if (id === "main") changed += differences; // the footer says how fresh it is: nobody is told of that
  }
  document.title = fresh.title || document.title;
  if (changed) {
    tell("morphed", { changed });
    announce();
  }
}

/** Who does not see the page is told; who does, sees it. */
function announce() {
  const status = document.getElementById("status");
  const time = new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });
  status.lang = document.documentElement.lang;
  status.textContent = document.documentElement.lang === "en" ? `Updated at ${time}` : `内容已于 ${time} 更新`;
}

if (document.getElementById("main")?.hasAttribute("data-live")) {
  listen();
  document.addEventListener("refresh", refresh); // of scripts that know a reason of their own
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") return pause();
    listen(); // an open stream has the page read again, see freshness.js
  });
  addEventListener("pagehide", pause);
  addEventListener("pageshow", (event) => event.persisted && listen());
}
