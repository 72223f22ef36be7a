// What every page of the hall's screens does: no trail in the browser's history, a keyboard, hours, and an end.
import "./trail.js";
import "./idle.js";
import "./keyboard.js";
import "./opening.js";
import "./freshness.js";
import "./report.js";

const english = () => document.documentElement.lang === "en";

/** The time of day, and on paper the moment of printing. */
function tick() {
  const now = new Date();
  const clock = document.querySelector("[data-clock]");
  const locale = english() ? "en-GB" : "zh-CN";
  clock.hidden = false;
  clock.lang = document.documentElement.lang;
  clock.textContent = now.toLocaleString(locale, {
    month: "long", day: "numeric", weekday: "long", hour: "2-digit", minute: "2-digit", timeZone: "Asia/Shanghai",
  });
  const printed = document.querySelector("[data-printed]");
  if (printed) {
    const when = now.toLocaleString(locale, { dateStyle: "long", timeStyle: "short", timeZone: "Asia/Shanghai" });
    printed.lang = document.documentElement.lang;
    printed.textContent = english() ? `Printed in the hall, ${when}` : `大厅打印，${when}`;
  }
}

function offerToPrint() {
  for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
}

tick();
offerToPrint();
setInterval(tick, 10_000);
/** A folded answer is not on paper: what everybody needs is unfolded for the printer, and folded again. */
const folded = () => document.querySelectorAll("details:not(.question):not([open])");
addEventListener("beforeprint", () => {
  tick();
  const opened = [...folded()];
  for (const each of opened) each.open = true;
  addEventListener("afterprint", () => opened.forEach((each) => (each.open = false)), { once: true });
});
document.addEventListener("modes", tick);
document.addEventListener("morphed", () => (tick(), offerToPrint()));
document.addEventListener("click", (event) => event.target.closest("[data-print]") && print());
