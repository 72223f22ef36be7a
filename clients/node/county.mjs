// What a reader asks a county for, over HTTP, and a loop that asks until there is nothing left to ask.
import { emptyState, Reader } from "./reader.mjs";

export class County {
  constructor(base) {
    this.base = base.replace(/\/$/, "");
  }

  async read(path) {
    const answer = await fetch(this.base + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  async keys() {
    return (await this.read("/ledger/v1/keys")).keys;
  }

  entries(first, limit = 500) {
    return this.read(`/ledger/v1/entries?from=${first}&limit=${limit}&proofs=true`);
  }

  // A reader that trusts the keys listed now. Pin them, if you have them from a source of your own.
  async reader() {
    const reader = new Reader(emptyState(), () => Date.now());
    reader.keys(await this.keys());
    return reader;
  }
}

// Hand over what `reaction` delivers, and answer what it asks for, until all is said. `deliver`: called for each event.
export async function settle(county, reader, reaction, deliver) {
  for (let reactions = [reaction], rounds = 0; reactions.length; rounds += 1) {
    for (const one of reactions) one.deliver.forEach(deliver);
    if (reader.state.halted) throw new Error(`halted: ${reader.state.halted}`);
    if (rounds > 1000) throw new Error("the county keeps answering with what is refused");
    const asks = reactions.flatMap((one) => one.ask);
    const asked = [...new Map(asks.map((ask) => [`${ask.what} ${ask.position}`, ask])).values()];
    reactions = [];
    for (const ask of asked) {
      if (ask.what === "keys") {
        reactions.push(reader.keys(await county.keys()));
      } else if (ask.what === "entry") {
        reactions.push(reader.entry((await county.entries(ask.position, 1)).entries[0]));
      } else {
        const { entries, size } = await county.entries(ask.position);
        reactions.push(reader.page(entries, size));
      }
    }
  }
}
