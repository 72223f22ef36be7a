// The line that says how old the data are. It speaks from the signed head that came with the data and was checked here,
// never from the socket: an open line with nothing on it is old, and says so. What no longer holds is taken off the glass.
import { proven, Unreachable, WentBack } from "./head.js";
import { endedHere } from "./ends.js";
import { keep, kept } from "./keep.js";
import { catalogue, recall, remember } from "./memory.js";
import { CannotCheck } from "./note.js";

const root = document.documentElement;
const line = document.getElementById("freshness");
const notice = document.getElementById("aged");
const live = document.getElementById("main").hasAttribute("data-live");
const PATIENCE = 3_000; // a line that is gone for a moment is not worth a word
const CLOCKS = 60_000;
const LONG = 15_000; // for so long the first head may take to come and be checked
const seconds = (name) => Number(document.body.dataset[name]) * 1000;

let known = null; // what is proven: see head.js
let trouble = null; // why the newest mark was not: wrong, back, unable, clock
let lost = 0; // since when nothing comes, in the time of the page
let comparing = false; // nobody saw the page, and it has not been read since its stream is open again
let open = false;
let checking = Promise.resolve();
let shown = "";

const WORDS = {
  unknown: ["○", ["正在核对数据……", "Checking the data …"]],
  unproven: ["○", ["还没能核对这里的数据，重要事项请向服务台核实", "The data here are not checked yet: please ask at the desk before you rely on them"]],
  now: ["●", ["数据截至 {at} · 与发布源一致", "As of {at} · the same as the source"]],
  late: ["▲", ["数据停在 {at}，之后的还没有收到，重要事项请向服务台核实", "As of {at}, nothing newer has come: please ask at the desk before you rely on it"]],
  offline: ["▲", ["离线，自 {at} 起没有新数据；显示的是当时核对过的内容", "Offline, nothing new since {at}: this is what was checked then"]],
  expired: ["✗", ["{at} 的数据已经过期，请到服务台办理", "The data of {at} have expired: please go to the desk"]],
  wrong: ["✗", ["数据的签名核对不通过，请以服务台的答复为准", "The signature of the data is wrong: go by what the desk says"]],
  back: ["✗", ["收到的数据比 {at} 的还旧，请以服务台的答复为准", "What comes is older than {at}: go by what the desk says"]],
  unable: ["○", ["这台机器不能核对签名，重要事项请向服务台核实", "This machine cannot check signatures: please ask at the desk before you rely on it"]],
  clock: ["○", ["这台机器的时钟不准，无法核对数据的时间，请告诉服务台", "The clock of this machine is wrong, so the data's time cannot be checked: please tell the desk"]],
};
const COPY = {
  none: ["本机没有离线内容，断网后不能用，请告诉服务台", "nothing is kept on this machine for a time without a network: please tell the desk"],
  partial: ["本机的离线内容不全，请告诉服务台", "not everything is kept on this machine for a time without a network: please tell the desk"],
  old: ["本机的离线内容停在 {at}，请告诉服务台", "what is kept on this machine is of {at}: please tell the desk"],
};
const OLD_COPY = 600_000;
const GONE = {
  day: ["数据已经旧了：费用、窗口和时间可能有变，这里不再显示，请问服务台。", "The data are old: fees, windows and hours may have changed and are not shown. Please ask at the desk."],
  ended: ["数据已经过期，这里的内容不再显示，请到服务台办理。", "The data have expired and are no longer shown. Please go to the desk."],
};

/** How it stands now: {state, issued (ms or null), position}. `state` is a key of WORDS; report.js tells it. */
export function freshness() {
  return { state: state(), issued: known?.issued ?? null, position: known?.position ?? 0 };
}

/** Settled as soon as every mark that has come is checked. */
export const settled = () => checking;

/** How much of what is shown may still be shown: "" all, then less: moments, day, ended. */
export function age() {
  if (!known) return "";
  const old = Date.now() - known.issued;
  if (Date.now() >= known.expires) return "ended";
  return old > seconds("holdDay") ? "day" : old > seconds("holdMoments") ? "moments" : "";
}

function state() {
  if (trouble) return trouble;
  if (!known) return performance.now() < LONG ? "unknown" : "unproven";
  if (Date.now() >= known.expires) return "expired";
  if (known.issued - Date.now() > CLOCKS) return "clock";
  if (root.hasAttribute("data-copy") || (lost && performance.now() - lost > PATIENCE)) return "offline";
  if (comparing) return "unknown";
  return Date.now() - known.issued > seconds("holdMoments") ? "late" : "now";
}

/** A mark that has come by the stream. One after the other: each is held against the one before. */
function hear(mark) {
  if (mark.head?.statement) checking = checking.then(() => check(mark)).then(show);
}

async function check(mark) {
  if (!globalThis.crypto?.subtle) return (trouble = "unable");
  try {
    const before = (await recall()) ?? known;
    known = { ...(await proven(mark, before, listed)), mark };
    trouble = null;
    await remember(known);
    keep(mark);
  } catch (error) {
    if (error instanceof WentBack) trouble = "back";
    else if (error instanceof CannotCheck) trouble = "unable";
    else if (!(error instanceof Unreachable)) trouble = "wrong";
    console.info("head not verified", String(error));
  }
}

async function listed() {
  const answer = await fetch("/ledger/v1/keys", { cache: "no-store", credentials: "omit" }).catch(() => null);
  if (!answer?.ok) throw new Unreachable(`the ledger's keys: ${answer?.status ?? "no network"}`);
  return (await answer.json()).keys;
}

/** A page out of the store is as old as the catalogue that it was kept with; any other as what was proven last. */
async function begin() {
  const kept = root.hasAttribute("data-copy") ? (await catalogue())?.mark : null;
  const last = await recall();
  if (kept) known = await proven(kept, last && { ...last, epoch: "" }, listed).catch(() => null);
  else known = last;
  show();
}

/** What is wrong with what this machine keeps, for the staff: a key of COPY; "" if nothing is, or nothing is known. */
function copyTrouble() {
  const { kept: count, of, at } = kept();
  if (count === null) return "";
  if (count === 0) return "none";
  if (count < of) return "partial";
  return known && known.issued - at > OLD_COPY ? "old" : "";
}

function clock(moment) {
  const day = { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric" };
  const time = { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const written = (language) => {
    const at = new Intl.DateTimeFormat(language, time).format(moment);
    const [then, today] = [moment, Date.now()].map((each) => new Intl.DateTimeFormat(language, day).format(each));
    return then === today ? at : `${then} ${at}`;
  };
  return [written("zh-CN"), written("en-GB")];
}

function show() {
  const now = state();
  const [mark, words] = WORDS[now];
  const at = known ? clock(known.issued) : ["", ""];
  const lacking = now === "now" ? copyTrouble() : "";
  const copyAt = lacking === "old" ? clock(kept().at) : ["", ""];
  const said = words.map((text, index) => {
    const more = lacking && ` · ${COPY[lacking][index].replace("{at}", copyAt[index])}`;
    return text.replace("{at}", at[index]) + more;
  });
  // What is new here and not yet in the catalogue is not ended by the catalogue.
  const old = now !== "now" && now !== "unknown" && endedHere() ? "ended" : age();
  if (shown === said.join() + old) return;
  shown = said.join() + old;
  line.dataset.state = now;
  line.dataset.copy = lacking;
  line.className = `freshness ${now === "now" || now === "unknown" ? now : "late"}`;
  line.replaceChildren(Object.assign(document.createElement("span"), { ariaHidden: "true", textContent: `${mark} ` }), ...both(said));
  root.toggleAttribute("data-aged", old !== "");
  root.dataset.aged = old;
  if (!old) delete root.dataset.aged;
  notice.hidden = !GONE[old];
  notice.replaceChildren(...both(GONE[old] ?? []));
  document.dispatchEvent(new CustomEvent("aged", { detail: old }));
}

function both(words) {
  return words.map((text, index) => {
    const made = document.createElement("span");
    [made.className, made.lang, made.textContent] = [["zh", "en"][index], ["zh-CN", "en"][index], text];
    return made;
  });
}

document.addEventListener("head", ({ detail }) => hear(detail));
document.addEventListener("kept", show);
/** Whatever came between this page and its stream, or while the line was gone, is read now: nothing is missed. */
function online(open) {
  if (!open) return (lost ||= performance.now());
  lost = 0;
  if (live) document.dispatchEvent(new CustomEvent("refresh"));
  else if (root.hasAttribute("data-copy")) location.reload();
}

/** A page without a stream (somebody may be typing) asks. */
async function ask() {
  try {
    const answer = await fetch(`/${document.body.dataset.place}/v1/position`, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    online(true);
    hear(await answer.json());
    compared();
  } catch {
    online(false);
  }
}

function compare() {
  [comparing, open] = [true, false];
  show();
}

function compared() {
  comparing = false;
  show();
}

document.addEventListener("stream", ({ detail }) => {
  open = detail.open;
  online(open);
});
document.addEventListener("paused", compare);
document.addEventListener("read", ({ detail }) => {
  root.removeAttribute("data-copy");
  if (open && !detail.again) return compared();
  show();
});
checking = begin();
if (!live) {
  ask();
  setInterval(ask, 10_000);
  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? compare() : ask()));
}
setInterval(show, 1_000);
