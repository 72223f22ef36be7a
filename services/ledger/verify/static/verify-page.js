// Shows what verify.js finds. Words in both languages; the style sheet shows one of them.
import { check, outcome, Unreachable } from "./verify.js";

const MEMORY = "ledger"; // the ledger's key and head; never which guide somebody looked at
const MARKS = { ok: "✓", new: "✓", bad: "✗", pending: "…", unable: "?", skipped: "–" };
const SOONEST = 2_000; // heads are signed every two seconds
const LATEST = 12_000; // statements every ten
const MOST_LOOKS = 10; // about two minutes without a newer statement: then nothing was confirmed
const STALE = 10_000; // what was checked before so long is looked at again when somebody comes back to it
const TITLES = {
  entry: ["取到总账里的条目", "The entry is in the ledger"],
  digest: ["内容和摘要一致", "Its content fits its digest"],
  signature: ["总账的签名有效", "The ledger is signed"],
  key: ["签名的钥匙和上次一样", "Signed with the key of last time"],
  history: ["总账没有改写过去", "The ledger has not rewritten its past"],
  tree: ["条目确实在签过名的总账里", "The entry is under that signature"],
  newest: ["签名的清单和结论一致", "The signed list of what counts agrees"],
};
const FIRST = {
  key: ["第一次来，还没有上次的钥匙可比", "First visit: there is no key of last time to compare with"],
  history: ["第一次来，还没有上次的总账可比", "First visit: there is no ledger of last time to compare with"],
};
const WRONG = {
  entry: ["总账里的条目和这一页说的不一样", "The ledger's entry is not what this page says"],
  digest: ["内容和摘要对不上", "Its content does not match its digest"],
  signature: ["总账的签名不对", "The ledger's signature is wrong"],
  key: ["签名的钥匙换了，旧钥匙没有为它作证", "Another key than last time, and the old one does not vouch for it"],
  history: ["总账改写了过去", "The ledger has rewritten its past"],
  tree: ["条目不在签过名的总账里", "The entry is not under that signature"],
  newest: ["签名的清单和结论不一致", "The signed list of what counts does not agree"],
};
const EARLY = {
  tree: ["刚刚发布，签名还没有覆盖到这一条", "Just released: what is signed does not reach this entry yet"],
  newest: ["签名的清单还没有写到最新的发布", "The signed list does not contain the newest release yet"],
};
const WORDS = { new: FIRST, bad: WRONG, pending: EARLY };
const OUTCOMES = {
  waiting: ["正在核对……", "Checking …"],
  ok: ["您的设备已核对，全部对得上。", "Your device has checked it: everything agrees."],
  bad: ["核对不通过！有东西对不上，请不要相信这一页。", "The check failed! Something does not agree: do not trust this page."],
  pending: ["刚刚发布，还不能全部核对；{at} 自动再核对一次。", "Just released and not all can be checked yet; it is checked again at {at}."],
  overdue: ["签名的清单一直没有写到最新的发布，没能核对。上面的结论只是服务器说的，请过几分钟再看。", "The signed list still does not contain the newest release. The verdict above is only what the server says: look again in a few minutes."],
  unable: ["没能全部核对。上面的结论只是服务器说的。", "Not all could be checked. The verdict above is only what the server says."],
};
const AGREES_IT_IS_ALTERED = ["您的设备已核对：发布的内容确实和您那份不一样。", "Your device has checked it: what was released is indeed not what you hold."];
const WARNING = ["请不要照着办，到政务服务大厅问一问。", "Do not rely on it; ask at the service hall."];
const EARLY_VERDICT = ["刚刚发布，请稍等再看", "Just released: look again in a moment"];
const EARLY_ADVICE = ["签名的清单每十秒写一次，还没有写到最新的发布；这不说明您手里的是假的。{at} 这一页会自己再核对。", "The signed list is written every ten seconds and does not contain the newest release yet; this does not mean that your copy is a fake. This page checks again by itself at {at}."];
const DISTRUST = ["核对不通过，不能相信", "The check failed: do not trust this"];

const section = document.getElementById("proof");
const list = document.getElementById("steps");
const status = document.getElementById("outcome");

const memory = {
  get() {
    try {
      return JSON.parse(localStorage.getItem(MEMORY));
    } catch {
      return null; // storage is off, or holds something else
    }
  },
  set(value) {
    try {
      localStorage.setItem(MEMORY, JSON.stringify(value));
    } catch {
      // storage is off: every visit is the first
    }
  },
};

async function read(path) {
  const answer = await fetch(path, { cache: "no-store", credentials: "omit" }).catch((error) => {
    throw new Unreachable(error.message);
  });
  if (!answer.ok) throw new Unreachable(`${path}: ${answer.status}`);
  return answer.text();
}

function subject() {
  const { key, version, position, printed, standing, released, size, ruling } = section.dataset;
  const numbers = { version: Number(version), position: Number(position), size: Number(size), ruling: Number(ruling) };
  return { key, printed, standing, released, ...numbers };
}

function show(step) {
  const item = element("li", step.state);
  item.dataset.step = step.name;
  const told = element("p", "told");
  told.append(...words(WORDS[step.state]?.[step.name] ?? TITLES[step.name]));
  if (step.values.fingerprint) told.append(" ", element("code", "", step.values.fingerprint));
  item.append(element("span", "mark", MARKS[step.state]), told);
  const values = Object.entries({ ...step.values, ...(step.reason && { reason: step.reason }) });
  if (values.length) item.append(details(values));
  list.append(item);
}

function details(values) {
  const folded = element("details");
  const summary = element("summary");
  summary.append(...words(["数值", "Values"]));
  const table = element("dl");
  for (const [name, value] of values) table.append(element("dt", "", name), element("dd", "", String(value)));
  folded.append(summary, table);
  return folded;
}

function conclude(state, at = "") {
  const confirmed = state === "ok" && section.dataset.standing === "altered";
  status.hidden = false;
  status.className = `outcome ${confirmed ? "" : state}`;
  status.replaceChildren(...words(told(confirmed ? AGREES_IT_IS_ALTERED : OUTCOMES[state], at)));
  section.dataset.outcome = state;
  if (state === "bad") replaceVerdict("bad", DISTRUST, WARNING);
  // Another content than the one released is another one whatever the list says.
  if (state === "pending" && section.dataset.standing !== "altered") replaceVerdict("pending", EARLY_VERDICT, told(EARLY_ADVICE, at));
  if (state === "ok") document.getElementById("again")?.remove();
}

const told = (pair, at) => pair.map((text) => text.replace("{at}", at));

/** What the server said first does not stand beside what this device has found. */
function replaceVerdict(state, headline, advice) {
  const verdict = document.getElementById("verdict");
  verdict.className = `verdict ${state === "bad" ? "bad" : "warn"}`;
  verdict.querySelector(".sign").textContent = MARKS[state];
  verdict.querySelector("h1").replaceChildren(...words(headline));
  const [first, ...others] = verdict.querySelectorAll("div > p");
  first.replaceChildren(...words(advice));
  for (const other of others) other.remove();
}

function words([zh, en]) {
  const made = [element("span", "zh", zh), element("span", "en", en)];
  [made[0].lang, made[1].lang] = ["zh-CN", "en"];
  return made;
}

function element(name, className = "", text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

let checked = 0; // when the last check was done, in the time of the page
let looks = 0; // how often it was looked at again without a newer statement
let timer = 0;
let running = false;

async function run() {
  running = true;
  delete section.dataset.done;
  list.replaceChildren();
  conclude("waiting");
  // A page without TLS: the browser lends its cryptography to nobody.
  const steps = globalThis.crypto?.subtle ? await check(subject(), { read, memory }, show) : [];
  end(steps.length ? outcome(steps) : "unable", steps);
  checked = performance.now();
  running = false;
  section.dataset.done = "";
}

function end(state, steps) {
  if (state !== "pending") {
    looks = 0;
    return conclude(state);
  }
  if (looks >= MOST_LOOKS) return conclude("overdue");
  looks += 1;
  const due = Math.max(...steps.map((step) => step.due ?? 0)) - Date.now();
  const wait = Math.min(Math.max(due, SOONEST), LATEST);
  const clock = { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  conclude(state, new Date(Date.now() + wait).toLocaleTimeString("zh-CN", clock));
  timer = setTimeout(again, wait);
}

/** The server's verdict as it is now, and then the check of it. */
async function again() {
  if (running) return;
  running = true;
  clearTimeout(timer);
  conclude("waiting");
  const fresh = await fetch(location.href, { cache: "no-cache", credentials: "omit" })
    .then((answer) => answer.text())
    .then((text) => new DOMParser().parseFromString(text, "text/html"))
    .catch(() => null); // no network: the steps say so
  if (fresh) take(fresh);
  await run();
}

/** Everything but the section of the check, which people may be reading, and whose status a screen reader listens to. */
function take(fresh) {
  const proof = fresh.getElementById("proof");
  if (!proof) return; // an error of the server: it says nothing about the copy
  Object.assign(section.dataset, proof.dataset);
  while (section.previousElementSibling) section.previousElementSibling.remove();
  section.before(...[...fresh.getElementById("main").children].filter((each) => each !== proof));
}

document.getElementById("forget").addEventListener("click", () => {
  localStorage.removeItem(MEMORY);
  if (!running) run();
});
document.addEventListener("visibilitychange", () => {
  const old = performance.now() - checked > STALE;
  if (document.visibilityState === "visible" && old && "done" in section.dataset) afresh();
});
addEventListener("pageshow", (event) => event.persisted && afresh());

function afresh() {
  looks = 0;
  again();
}

run();
