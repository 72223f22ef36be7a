// A case on a shared screen: what is typed is masked and never in the page, the answer goes by itself after a while,
// and neither is in an address, the history, a storage, or a page that the browser keeps to go back to.
import { hide } from "./keyboard.js";
import { clear } from "./trail.js";

const SHOWN = 4;
const MORE = "[data-more-time]";
const box = document.querySelector("[data-case]");
const form = document.querySelector("[data-lookup]");
const secrets = new Map();
let timer = 0;
let uncovered = false;

const english = () => document.documentElement.lang === "en";
const notNow = () => (english() ? "Not possible right now. Please try again in a moment, or ask at the desk. What you typed is still here."
  : "现在查不了，请稍后再试，或者到服务台查询。填好的内容还在。");
const usable = (text) => text.replace(/[^0-9A-Za-z-]/g, "");

/** In groups of four, as on the receipt; who typed hyphens has made groups. */
const grouped = (text) => (text.includes("-") ? text : (text.match(/.{1,4}/g) ?? []).join(" "));

/** The field shows dots and the last characters, or all if somebody asked for it, in groups of four. */
function show(input) {
  const text = secrets.get(input);
  const dots = uncovered ? 0 : Math.max(0, text.length - SHOWN);
  input.value = grouped(text.slice(0, dots).replace(/[^-]/g, "•") + text.slice(dots));
  input.setSelectionRange(input.value.length, input.value.length);
}

function uncover(shown) {
  uncovered = shown;
  form.querySelector("[data-show]").setAttribute("aria-pressed", String(uncovered));
  for (const input of secrets.keys()) show(input);
}

/** What is typed is only here; the field has what may be seen. */
function mask(input) {
  secrets.set(input, "");
  input.addEventListener("beforeinput", (event) => {
    const text = secrets.get(input);
    const data = event.data ?? event.dataTransfer?.getData("text") ?? "";
    if (event.inputType === "insertCompositionText") return;
    event.preventDefault();
    if (event.inputType.startsWith("insert")) secrets.set(input, (text + usable(data)).slice(0, input.maxLength));
    else if (event.inputType === "deleteSoftLineBackward") secrets.set(input, "");
    else if (event.inputType.startsWith("delete")) secrets.set(input, text.slice(0, -1));
    show(input);
  });
  input.addEventListener("compositionend", (event) => {
    secrets.set(input, (secrets.get(input) + usable(event.data)).slice(0, input.maxLength));
    show(input);
  });
  input.value = "";
}

function forget() {
  uncovered = false;
  for (const input of secrets.keys()) {
    secrets.set(input, "");
    input.value = "";
  }
}

async function look(event) {
  event.preventDefault();
  const body = new URLSearchParams([...secrets].map(([input, text]) => [input.name, text]));
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body, cache: "no-store" });
    take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    problem(notNow());
  } finally {
    button.disabled = false;
  }
}

function take(page) {
  const found = page.querySelector("[data-case] .case");
  const told = page.querySelector(".problem");
  if (!found) return problem(told ? null : notNow(), told);
  forget();
  hide();
  box.replaceChildren(...document.importNode(page.querySelector("[data-case]"), true).childNodes);
  box.querySelector(MORE).hidden = false;
  box.querySelector(".state").focus();
  scrollTo(0, 0);
  count();
}

function problem(text, told = null) {
  form.parentElement.querySelector(".problem")?.remove();
  const notice = told ? document.importNode(told, true) : document.createElement("p");
  if (!told) [notice.lang, notice.textContent] = [document.documentElement.lang, text ?? ""];
  notice.className = "notice problem";
  notice.setAttribute("role", "alert");
  form.before(notice);
}

function count() {
  const line = box.querySelector("[data-closing]");
  let ends = performance.now() + Number(document.body.dataset.clear) * 1000;
  const show = () => {
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    line.hidden = false;
    line.lang = document.documentElement.lang;
    line.textContent = english() ? `Cleared in ${left} s` : `${left} 秒后自动清除`;
    if (left === 0) {
      clearInterval(timer);
      clear();
    }
  };
  clearInterval(timer);
  timer = setInterval(show, 250);
  box.querySelector(MORE).addEventListener("click", () => {
    ends = performance.now() + Number(document.body.dataset.clear) * 1000;
    show();
  });
  show();
}

/** The page leaves the screen: nothing of it may come back with the browser's own way back. */
addEventListener("pagehide", () => {
  clearInterval(timer);
  forget();
  box.replaceChildren();
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

if (form) {
  for (const input of form.querySelectorAll("[data-masked]")) mask(input);
  form.addEventListener("submit", look);
  const button = form.querySelector("[data-show]");
  button.hidden = false;
  button.addEventListener("click", () => uncover(!uncovered));
} else if (box.querySelector(".case")) {
  // Sent without a script, shown with one: the same rules.
  box.querySelector(MORE).hidden = false;
  count();
}
