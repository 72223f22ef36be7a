// A screen gives its code: typed, or behind the # of the address, which no server and no log ever sees.
const form = document.querySelector("[data-enrol]");
const input = document.getElementById("code");
const outcome = document.querySelector("[data-outcome]");
const place = document.body.dataset.place;

function tell(zh, en) {
  outcome.hidden = false;
  outcome.replaceChildren(...[["zh", "zh-CN", zh], ["en", "en", en]].map(([className, lang, textContent]) =>
    Object.assign(document.createElement("span"), { className, lang, textContent })));
}

async function give() {
  const answer = await fetch(`/${place}/v1/screen/enrol`, {
    method: "POST", body: JSON.stringify({ code: input.value }), headers: { "Content-Type": "application/json" }, cache: "no-store",
  });
  input.value = "";
  if (answer.ok) {
    const { name } = await answer.json();
    tell(`登记好了：这台屏幕叫 ${name}。`, `Done: this screen is ${name}.`);
    form.hidden = true;
  } else if (answer.status === 429) {
    tell("试得太多了，请过一分钟再试。", "Too many tries: wait a minute.");
  } else {
    tell("这个登记码不能用。登记码只能用一次，半小时内有效，请让管理员再发一个。", "This code does not work. It works once, within half an hour: ask for a new one.");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  give().catch(() => tell("现在连不上，请稍后再试。", "No connection right now: try again."));
});
const given = location.hash.slice(1);
if (given) {
  history.replaceState(null, "", location.pathname);
  input.value = given;
  form.requestSubmit();
}
