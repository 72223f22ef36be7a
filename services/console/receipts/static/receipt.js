// Fills the page of a receipt by itself: at each event the page is read again, and its section replaced.
const part = document.getElementById("receipt");
const stream = new EventSource(part.dataset.stream);
let again = false;
let reading = false;

async function refresh() {
  again = true;
  if (reading) return;
  reading = true;
  while (again) {
    again = false;
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) break;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("receipt");
    if (fresh) document.getElementById("receipt").replaceChildren(...fresh.childNodes);
  }
  reading = false;
}

stream.addEventListener("receipt", refresh);
stream.addEventListener("settled", () => {
  stream.close();
  refresh();
});
