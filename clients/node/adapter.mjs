// This reader behind the protocol of the conformance kit: JSON lines on standard input and output.
import { createInterface } from "node:readline";
import { keyOfVkey } from "./proofs.mjs";
import { emptyState, Reader } from "./reader.mjs";

let reader, stored, now, level;

// As after a start of the program: nothing is left but what was stored.
function begin() {
  reader = new Reader(JSON.parse(stored), () => now, level === 2);
}

function reaction(out) {
  stored = JSON.stringify(reader.state);
  const { position, halted } = reader.state;
  return { ...out, position, halted: halted !== null, stale: reader.trust?.stale ?? false };
}

const commands = {
  start: () => ({ protocol: 1, name: "tongyuan-node-examples", language: "JavaScript", level: 2 }),
  case: (command) => {
    [now, level] = [Date.parse(command.now), command.level];
    stored = JSON.stringify({ ...emptyState(), keys: command.keys.map(keyOfVkey) });
    begin();
    return { ready: true };
  },
  restart: () => {
    begin();
    return reaction({ deliver: [], ask: [], parked: [], refused: [], reset: false });
  },
  open: (command) => reaction(reader.open(command.epoch, command.size)),
  event: (command) => reaction(reader.event(command.raw ?? command.event)),
  page: (command) => reaction(reader.page(command.entries, command.size)),
  entry: (command) => reaction(reader.entry(command.entry)),
  keys: (command) => reaction(reader.keys(command.keys)),
  time: (command) => {
    now = Date.parse(command.now);
    return reaction(reader.time());
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.cmd === "stop") break;
  process.stdout.write(`${JSON.stringify(commands[command.cmd](command))}\n`);
}
process.exit(0);
