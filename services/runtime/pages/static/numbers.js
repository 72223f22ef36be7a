// The live numbers of the start page: the ledger's entries, and how far each channel shows them. Unknown while no answer comes.
const EVERY_MS = 2000;
const places = [...document.querySelectorAll("[data-number]")];

async function refresh() {
  let numbers = {};
  try {
    const answer = await fetch("/numbers", { cache: "no-store" });
    if (answer.ok) numbers = await answer.json();
  } catch {
    // no network: the numbers are unknown, and the next round asks again
  }
  for (const place of places) place.textContent = numbers[place.dataset.number] ?? "未知";
}

setInterval(() => document.hidden || refresh(), EVERY_MS);
