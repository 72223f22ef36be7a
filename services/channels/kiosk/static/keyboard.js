// The screen's keyboard, for a hall that has none: letters for pinyin, digits for codes. It writes into the field that
// was touched last and tells it so by the same events as a real keyboard, which works beside it.
const ROWS = ["1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm-"];
const ROOMY = matchMedia("(min-width: 48rem)"); // a phone has its own
let field = null;
let board = null;

const word = (zh, en) => `<span class="zh" lang="zh-CN">${zh}</span><span class="en" lang="en">${en}</span>`;

function key(label, action, style = "") {
  const button = document.createElement("button");
  button.type = "button";
  button.className = style;
  button.dataset.key = action;
  button.innerHTML = label;
  return button;
}

function build() {
  const made = document.createElement("div");
  made.className = "keyboard";
  made.setAttribute("role", "group");
  const english = document.documentElement.lang === "en";
  made.setAttribute("aria-label", english ? "Keyboard" : "屏幕键盘");
  Object.assign(made.dataset, { ariaLabelZh: "屏幕键盘", ariaLabelEn: "Keyboard" }); // for modes.js
  for (const letters of ROWS) {
    const row = document.createElement("div");
    row.className = "row";
    for (const letter of letters) row.append(key(letter, letter, /\d/.test(letter) ? "digit" : ""));
    if (letters === ROWS.at(-1)) {
      row.prepend(key(word("清空", "Clear"), "clear", "wide"));
      row.append(key(word("← 删除", "← Delete"), "delete", "wide"));
    }
    made.append(row);
  }
  // The field keeps the focus, so that what is typed is read out as it would be with a real keyboard.
  made.addEventListener("pointerdown", (event) => event.preventDefault());
  made.addEventListener("click", (event) => press(event.target.closest("button")?.dataset.key));
  document.querySelector(".bar").before(made);
  return made;
}

/** Like a real key: `beforeinput` may take it over (masked fields do), else the text changes and `input` tells. */
function write(inputType, data) {
  const before = new InputEvent("beforeinput", { inputType, data, bubbles: true, cancelable: true });
  if (!field.dispatchEvent(before)) return;
  const room = field.maxLength < 0 || field.value.length < field.maxLength;
  if (inputType === "insertText" && room) field.setRangeText(data, field.selectionStart, field.selectionEnd, "end");
  if (inputType === "deleteContentBackward") field.setRangeText("", Math.max(0, field.selectionStart - (field.selectionStart === field.selectionEnd)), field.selectionEnd, "end");
  if (inputType === "deleteSoftLineBackward") field.value = "";
  field.dispatchEvent(new InputEvent("input", { inputType, data, bubbles: true }));
}

function press(what) {
  if (!what || !field?.isConnected) return;
  if (what === "delete") write("deleteContentBackward", null);
  else if (what === "clear") write("deleteSoftLineBackward", null);
  else write("insertText", field.dataset.keyboard === "code" ? what.toUpperCase() : what);
}

export function show(wanted) {
  if (!ROOMY.matches) return;
  field = wanted;
  field.setAttribute("inputmode", "none");
  board ??= build();
  board.classList.toggle("code", field.dataset.keyboard === "code");
  board.hidden = false;
  document.documentElement.setAttribute("data-keyboard", "");
}

export function hide() {
  if (board) board.hidden = true;
  document.documentElement.removeAttribute("data-keyboard");
}

document.addEventListener("focusin", (event) => event.target.matches?.("input[data-keyboard]") && show(event.target));
const first = document.querySelector("input[data-keyboard]");
if (first && ROOMY.matches) {
  show(first);
  first.focus({ preventScroll: true });
}
