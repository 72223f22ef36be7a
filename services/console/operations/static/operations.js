// Keeps the part #live of an operations page current; without this script the page is as it was loaded.
const live = document.getElementById("live");
const notice = document.getElementById("live-notice");

function tell(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

const source = new EventSource(live.dataset.stream);
source.addEventListener("part", (event) => {
  // Rendered by our own server with every value escaped.
  live.innerHTML = JSON.parse(event.data).html;
  tell("");
});
source.addEventListener("end", () => {
  source.close();
  tell("登录已过期，画面不再更新。请刷新页面重新登录。");
});
source.addEventListener("error", () => {
  tell(source.readyState === EventSource.CLOSED ? "画面不再更新，请刷新页面。" : "与服务器的连接断了，正在重新连接；画面可能已经旧了。");
});
