// “Open now”, by the hours that guides give and the clock of China; silent wherever the words leave a doubt.
const ZONE = "Asia/Shanghai";
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Day of the week (Monday 1) and time of the day in China. */
export function now(moment = new Date()) {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).formatToParts(moment);
  const part = (type) => parts.find((each) => each.type === type).value;
  return { day: DAYS.indexOf(part("weekday")) + 1, time: `${part("hour")}:${part("minute")}` };
}

/** "always", "open", "closed", or "" when summer's hours or words beside the hours would give another answer. */
export function state(opening, { day, time }) {
  if (opening.unsure.includes(day)) return "";
  const open = (week) => (week[day] ?? []).some(([begin, end]) => begin <= time && time < end);
  const answers = [opening.week, ...(opening.summer ? [opening.summer] : [])].map(open);
  if (new Set(answers).size > 1) return "";
  const always = DAYS.every((_, at) => opening.week[at + 1]?.[0]?.join() === "00:00,24:00");
  return always ? "always" : answers[0] ? "open" : "closed";
}

const WORDS = {
  always: ["全天开放", "Open day and night"],
  open: ["办公时间内（节假日除外）", "Open now, unless a holiday"],
  closed: ["现在不在办公时间", "Closed now"],
};

function show() {
  const at = now();
  for (const label of document.querySelectorAll("[data-open-now]")) {
    const given = label.closest("[data-opening]")?.dataset.opening;
    const found = given ? state(JSON.parse(given), at) : "";
    label.hidden = !found;
    if (!found || label.dataset.state === found) continue;
    label.dataset.state = found;
    const [zh, en] = WORDS[found];
    label.innerHTML = `<span class="zh" lang="zh-CN">${zh}</span><span class="en" lang="en">${en}</span>`;
  }
}

show();
setInterval(show, 20_000);
document.addEventListener("morphed", show);
