// `node follow.mjs COUNTY`: every event, proven, as a JSON line. Server-sent events of a channel say when to look.
import { EventSource } from "eventsource";
import { County, settle } from "./county.mjs";

const county = new County(process.argv[2]);
const reader = await county.reader();
const print = (event) => console.log(JSON.stringify({ key: event.key, version: event.version, op: event.op }));
let work = Promise.resolve();

function look(hint) {
  work = work.then(async () => {
    const { size } = await county.entries(1, 1);
    // A ledger has no epochs: it never begins anew under its name.
    await settle(county, reader, reader.open("ledger", size), print);
    if (hint !== "head") console.log(JSON.stringify({ hint, position: reader.state.position }));
  });
}

const stream = new EventSource(`${county.base}/web/v1/stream`);
for (const name of ["sync", "change", "head", "reset"]) stream.addEventListener(name, () => look(name));
