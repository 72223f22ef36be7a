// While a set is on its way its page is read again every second; once it is complete, its receipt is opened.
const PAUSE = 1000; // ms
const part = document.getElementById("set");

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("set");
  if (!fresh) return;
  if (fresh.dataset.receipt) {
    location.replace(`/console/release/receipts/${fresh.dataset.receipt}`);
    return;
  }
  if (fresh.dataset.state !== part.dataset.state) location.reload();
  else setTimeout(refresh, PAUSE);
}

setTimeout(refresh, PAUSE);
