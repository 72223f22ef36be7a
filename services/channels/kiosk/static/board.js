// The wall's board: read again when a number is called, when a thing is released, and now and then by itself, because
// calls end without anybody saying so.
const OFTEN = 4_000;
let waiting = 0;
const refresh = () => document.dispatchEvent(new CustomEvent("refresh"));

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, 50);
}

for (const event of ["board", "change"]) document.addEventListener(event, soon);
setInterval(refresh, OFTEN);
