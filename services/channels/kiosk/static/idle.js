// Somebody walks away: after a while without a touch the screen asks, counts down aloud, clears itself and goes home.
// A touch anywhere extends it, as often as wanted (WCAG 2.2.1 asks for 20 seconds and ten times at least).
import { clear, isFresh } from "./trail.js";

const seconds = (name) => Number(document.body.dataset[name]);
const dialog = document.getElementById("leaving");
const root = document.documentElement;
let touched = performance.now();
let asking = 0;

const used = () => !isFresh() || scrollY > 0 || ["elder", "contrast", "lang"].some((mode) => root.hasAttribute(`data-${mode}`));

function touch() {
  touched = performance.now();
  if (asking) {
    clearInterval(asking);
    asking = 0;
    dialog.close();
    window.speechSynthesis?.cancel();
  }
}

function say(text) {
  const language = root.lang === "en" ? "en" : "zh";
  const voice = window.speechSynthesis?.getVoices().find((each) => each.lang.toLowerCase().startsWith(language));
  if (!voice) return;
  const utterance = new SpeechSynthesisUtterance(text);
  utterance.voice = voice;
  utterance.lang = voice.lang;
  speechSynthesis.speak(utterance);
}

function ask() {
  const ends = performance.now() + seconds("grace") * 1000;
  const count = dialog.querySelector("[data-seconds]");
  const show = () => {
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    count.lang = root.lang;
    count.textContent = root.lang === "en" ? `${left} s` : `${left} 秒`;
    if (left === 0) {
      clearInterval(asking);
      clear();
    }
  };
  dialog.showModal();
  asking = setInterval(show, 250);
  show();
  say(root.lang === "en" ? "Are you still there? Touch the screen to go on." : "您还在吗？摸一下屏幕，可以继续使用。");
}

function look() {
  const finish = document.querySelector("[data-finish]");
  if (!finish) return;
  finish.hidden = !used();
  if (!asking && used() && performance.now() - touched > seconds("idle") * 1000) ask();
}

for (const type of ["pointerdown", "keydown", "wheel", "touchstart"]) addEventListener(type, touch, { capture: true, passive: true });
document.addEventListener("modes", look);
document.addEventListener("scroll", look, { passive: true });
document.addEventListener("click", (event) => event.target.closest("[data-finish]") && clear());
dialog.addEventListener("cancel", touch);
// The wall has no bar, and nobody who could walk away.
if (document.querySelector("[data-finish]")) {
  look();
  setInterval(look, 500);
}
