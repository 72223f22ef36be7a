// The footer's line about freshness. The server says it of the page that it sends; whatever came between page and stream,
// or while the stream was gone, is read before the line says it again. The hall's screens have a file of their own.
const PATIENCE = 3_000; // a stream that is gone for a moment is not worth a word

let mark = null; // newest {position, head} of the stream
let lost = 0; // since when the stream is gone, in the time of the page
let open = false;
let comparing = false; // nobody saw the page, and it has not been read since its stream is open again

const line = () => document.getElementById("freshness");
const zone = { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit" };
const minute = (time) => new Date(time).toLocaleTimeString("zh-CN", zone);

function both(...words) {
  return words.map((text, index) => {
    const made = document.createElement("span");
    [made.className, made.lang, made.textContent] = [["zh", "en"][index], ["zh-CN", "en"][index], text];
    return made;
  });
}

/** When the page was compared last, and up to which entry: it changes with every head, so it is not in the page. */
function tellMark() {
  const told = document.getElementById("checked");
  if (!told || !mark?.head) return;
  const [time, entry] = [minute(mark.head.time), mark.position.toLocaleString("en")];
  told.replaceChildren(...both(`核对于 ${time}，同步到第 ${entry} 条。`, `Checked at ${time}, up to entry ${entry}.`));
}

/** The page is not compared with its channel now, so it does not say how new it is. */
function tellComparing() {
  if (line().dataset.state === "lost") return;
  line().dataset.state = "comparing";
  line().className = "freshness unknown";
  const sign = Object.assign(document.createElement("span"), { ariaHidden: "true", textContent: "○ " });
  line().replaceChildren(sign, ...both("正在核对……", "Checking …"));
}

function tellLost() {
  if (!lost || performance.now() - lost < PATIENCE || line().dataset.state === "lost") return;
  line().dataset.state = "lost";
  line().className = "freshness late";
  const sign = Object.assign(document.createElement("span"), { ariaHidden: "true", textContent: "▲ " });
  const since = minute(Date.now());
  line().replaceChildren(
    sign,
    ...both(
      `自 ${since} 起收不到更新，这里的内容可能不是最新的；恢复后会自动核对。`,
      `No updates since ${since}: this may not be the newest. It is compared as soon as the connection is back.`,
    ),
  );
}

document.addEventListener("stream", ({ detail }) => {
  open = detail.open;
  if (!detail.open) {
    lost ||= performance.now();
    setTimeout(tellLost, PATIENCE + 100);
    return;
  }
  lost = 0;
  document.dispatchEvent(new CustomEvent("refresh"));
});
document.addEventListener("head", ({ detail }) => {
  mark = detail;
  tellMark();
});
function compare() {
  [comparing, open] = [true, false];
  tellComparing();
}

document.addEventListener("paused", compare);
document.addEventListener("read", ({ detail }) => {
  tellMark(); // the line is as the server says it now
  comparing &&= !open || detail.again;
  if (comparing) tellComparing();
  tellLost();
});
// The browser may show what it has of a page that somebody goes back to, without a question to the channel.
if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") compare();
