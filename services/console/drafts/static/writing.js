// Keeps what is typed in the working copy, and shows what the linter says about it. Without this script, the button
// 暂存 does the same.

const PAUSE = 1500; // ms after the last key
const form = document.getElementById("writing");
const version = document.getElementById("version");
const kept = document.getElementById("kept");
const findings = document.getElementById("findings");
const csrf = document.querySelector('meta[name="csrf"]').content;
let timer = 0;
let sending = null;
let changed = false;

function texts() {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (!/^(item|guide)\./.test(name)) continue;
    const text = value.replaceAll("\r\n", "\n");
    found[name] = found[name] ? (text ? `${found[name]}\n${text}` : found[name]) : text;
  }
  return found;
}

function show(list) {
  if (list.length === 0) {
    findings.replaceChildren(line("p", "没有发现问题。"));
    return;
  }
  const items = list.map((one) => {
    const item = document.createElement("li");
    const link = line("a", one.label);
    link.href = `#${one.path}`;
    const rule = line("span", ` ${one.rule}${one.certain ? "" : "，请人工判断"}`);
    rule.className = "fine";
    item.append(link, `：${one.message}。${one.remedy}`, rule);
    return item;
  });
  const shown = document.createElement("ol");
  shown.append(...items);
  findings.replaceChildren(line("p", `${list.length} 处需要看一看：`), shown);
}

function line(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

async function keep() {
  if (sending) {
    await sending;
  }
  if (!changed) return;
  changed = false;
  sending = send();
  await sending;
  sending = null;
}

async function send() {
  try {
    const answer = await fetch(`/console/v1/working-copies/${form.dataset.code}`, {
      method: "PUT",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
      body: JSON.stringify({ texts: texts(), version: Number(version.value) }),
    });
    if (answer.ok) {
      const stored = await answer.json();
      version.value = stored.version;
      kept.textContent = "已自动暂存";
      show(stored.findings);
    } else if (answer.status === 409) {
      kept.textContent = "您在另一个窗口里改过这份内容：请点“暂存”查看不同的地方";
    } else {
      changed = true;
      kept.textContent = "没有暂存：请检查登录是否过期，不要关闭这个页面";
    }
  } catch {
    changed = true;
    kept.textContent = "没有暂存：连接断了，会再试";
    timer = setTimeout(keep, PAUSE * 4);
  }
}

function typed() {
  changed = true;
  clearTimeout(timer);
  timer = setTimeout(keep, PAUSE);
}

form.addEventListener("input", typed);
form.addEventListener("change", typed);
form.addEventListener("submit", async (event) => {
  clearTimeout(timer);
  if (!sending) return;
  // The version of the copy that is being stored comes with its answer.
  event.preventDefault();
  const button = event.submitter;
  await sending;
  changed = false;
  form.requestSubmit(button);
});
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keep());
