// Reads the page aloud where the browser has a voice for it; the button is not shown where it has none.
const PIECE = 180; // some engines fall silent in the middle of a longer text

const synthesis = window.speechSynthesis;
const button = document.querySelector("[data-speak]");

const language = () => (document.documentElement.lang === "en" ? "en" : "zh");
const voice = () => synthesis.getVoices().find((each) => each.lang.toLowerCase().startsWith(language()));

function offer() {
  button.hidden = !voice();
}

/** What the main part says, without what is hidden, in pieces that end where a sentence does. */
export function pieces(element, most = PIECE) {
  const sentences = element.innerText.split(/(?<=[。！？；\n])/).map((each) => each.trim()).filter(Boolean);
  const made = [""];
  for (const sentence of sentences) {
    if (made.at(-1).length + sentence.length > most) made.push("");
    made[made.length - 1] += `${sentence} `;
  }
  return made.map((each) => each.trim()).filter(Boolean);
}

function stop() {
  synthesis.cancel();
  button.setAttribute("aria-pressed", "false");
}

function start() {
  const said = pieces(document.getElementById("main"));
  button.setAttribute("aria-pressed", "true");
  said.forEach((text, index) => {
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.voice = voice();
    utterance.lang = utterance.voice?.lang ?? document.documentElement.lang;
    utterance.rate = 0.95;
    if (index === said.length - 1) utterance.onend = stop;
    synthesis.speak(utterance);
  });
}

if (synthesis && button) {
  offer();
  synthesis.addEventListener?.("voiceschanged", offer);
  document.addEventListener("modes", () => (stop(), offer()));
  button.addEventListener("click", () => (synthesis.speaking ? stop() : start()));
  addEventListener("pagehide", stop);
}
