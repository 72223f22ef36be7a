// Results while typing, from the finder's document: no server is asked for what somebody looks for.
import { find, normal, prepare, suggest } from "./finder.js";

const place = document.body.dataset.place;
const input = document.getElementById("q");
const [words, count, results] = ["[data-words]", "[data-found]", "[data-results]"].map((each) => document.querySelector(each));
let prepared = null;

function element(name, style, ...inside) {
  const made = document.createElement(name);
  if (style) made.className = style;
  made.append(...inside);
  return made;
}

const both = (zh, en) => {
  const [one, two] = [element("span", "zh", zh), element("span", "en", en)];
  [one.lang, two.lang] = ["zh-CN", "en"];
  return [one, two];
};

function card(item) {
  const link = element("a", "", element("strong", "", item.names[0]));
  link.href = `/${place}/items/${encodeURIComponent(item.code)}`;
  const facts = item.facts.map(([zh, en]) => element("span", "", ...(en ? both(zh, en) : [zh])));
  for (const fact of facts) fact.dataset.until = "day";
  link.append(element("span", "facts", element("span", "", item.unit), ...facts));
  return element("li", "", link);
}

function chip(word) {
  const button = element("button", "", word);
  button.type = "button";
  button.addEventListener("click", () => {
    input.value = word;
    show();
    input.focus({ preventScroll: true });
  });
  return button;
}

function show() {
  const typed = normal(input.value);
  words.replaceChildren(...suggest(prepared, typed).map(chip));
  if (!typed) {
    count.replaceChildren(...both("常用的词，点一下就能找；也可以在下面打首字母。", "Common words: touch one, or type initials below."));
    results.replaceChildren();
    return;
  }
  const found = find(prepared, typed);
  count.replaceChildren(...(found.length
    ? both(`找到 ${found.length} 项，最相关的在前`, `Found ${found.length}, best first`)
    : both("没有找到。换个说法，或者只打首字母；也可以问服务台。", "Nothing was found. Try other words or initials, or ask at the desk.")));
  results.replaceChildren(...(found.length ? [element("ul", "cards", ...found.map(card))] : []));
}

async function start() {
  const answer = await fetch(`/${place}/v1/finder`, { cache: "no-cache" });
  prepared = prepare(await answer.json());
  input.addEventListener("input", show);
  if (input.value || !results.children.length) show();
}

input.form.addEventListener("submit", (event) => {
  if (prepared) event.preventDefault(); // what is found is there already; offline there is no server to ask
});
/** What is released while somebody types is found too. */
let reading = 0;
function again() {
  clearTimeout(reading);
  reading = setTimeout(() => start().catch(() => null), 300);
}

/** A stream that is opened anew does not tell what was released while there was none. */
let missed = false;
document.addEventListener("change", again);
document.addEventListener("paused", () => (missed = true));
document.addEventListener("stream", ({ detail: { open } }) => {
  if (open && missed) again();
  missed = !open;
});
start().catch((error) => console.info("falling back to search by the server", String(error)));
