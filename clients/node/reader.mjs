// The rules of a subscriber, without input and output. State is one object, which the caller stores after every input.
import { Refused } from "./proofs.mjs";
import { Halted, Trust, UnknownSigner } from "./trust.mjs";

const KINDS = ["item", "guide", "application", "act"];
const OPS = ["release", "withdraw"];
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

export const emptyState = () => ({
  position: 0, epoch: null, halted: null, versions: {}, waiting: {}, acts: {}, parked: {}, keys: [], roots: {}, statement: null,
});

export class Reader {
  // `now`: a function that returns milliseconds; `proven`: false takes everything unproven.
  constructor(state, now, proven = true) {
    [this.state, this.now, this.held] = [state, now, false];
    this.trust = proven ? new Trust(state, now) : null;
  }

  open(epoch, size) {
    return this.#guarded((out) => {
      const known = this.state.epoch;
      this.state.epoch ??= epoch;
      if ((known !== null && known !== epoch) || size < this.state.position) this.#startOver(epoch, out);
      if (size > this.state.position || out.reset) out.ask.push(this.#next());
    });
  }

  event(raw) {
    return this.#guarded((out) => {
      const event = cloudEvent(raw);
      const { data } = event;
      const next = this.state.position + 1;
      if (event.type === "tongyuan.ledger.head") {
        const size = this.trust ? this.trust.head(data).size : data.size;
        if (size > this.state.position) out.ask.push(this.#next());
      } else if ("position" in data) {
        const entry = entryOf(data);
        if (entry.position > next) out.ask.push(this.#next());
        else if (entry.position === next) this.#take(entry, out);
        else this.trust?.prove(entry);
      }
    });
  }

  page(entries, size) {
    return this.#guarded((out) => {
      if (!Array.isArray(entries) || !Number.isInteger(size)) throw new Refused("malformed", "not a page");
      if (size < this.state.position) this.#startOver(null, out);
      for (const raw of entries) {
        const entry = entryOf(raw);
        if (entry.position > this.state.position + 1) break;
        if (entry.position === this.state.position + 1) this.#take(entry, out);
      }
      if (this.state.position < size) out.ask.push(this.#next());
    });
  }

  entry(raw) {
    return this.#guarded((out) => {
      const entry = entryOf(raw);
      const waiting = this.state.waiting[entry.position];
      if (!waiting) return;
      this.trust?.prove(entry);
      if (waiting.digest !== entry.digest) throw new Refused("digest", "another entry than before");
      delete this.state.waiting[entry.position];
      this.#deliver(entry, out);
    });
  }

  keys(listed) {
    return this.#guarded((out) => {
      this.trust?.learn(listed);
      if (this.held) out.ask.push(this.#next());
      this.held = false;
    });
  }

  time() {
    return this.#guarded((out) => this.#due(out));
  }

  #guarded(take) {
    const out = { deliver: [], ask: [], parked: [], refused: [], reset: false };
    if (this.state.halted !== null) return out;
    try {
      take(out);
    } catch (error) {
      if (error instanceof UnknownSigner) {
        this.held = true;
        out.ask.push({ what: "keys" });
      } else if (error instanceof Refused) {
        out.refused.push(error.reason);
        out.ask.push(this.#next());
      } else if (error instanceof Halted) {
        this.state.halted = error.message;
      } else {
        throw error;
      }
    }
    return out;
  }

  #take(entry, out) {
    this.trust?.prove(entry);
    this.state.position = entry.position;
    if (!isKnown(entry)) {
      this.state.parked[entry.position] = entry;
      out.parked.push(entry.position);
      return;
    }
    this.#deliver(entry, out);
    if (entry.kind === "act") {
      this.state.acts[entry.key] = true;
      this.#due(out);
    }
  }

  #deliver(entry, out) {
    if (entry.version <= (this.state.versions[entry.key] ?? 0)) return;
    const times = [entry.effective_at, entry.withheld_until].filter((time) => time != null).map((time) => Date.parse(time));
    const starts = times.length ? Math.max(...times) : null;
    const set = entry.part_of ?? null;
    if (entry.no_body === "withheld" || (set !== null && !this.state.acts[set]) || (starts !== null && starts > this.now())) {
      if (starts !== null || set !== null) {
        this.state.waiting[entry.position] = { key: entry.key, version: entry.version, digest: entry.digest, starts, set };
      }
      return;
    }
    this.state.versions[entry.key] = entry.version;
    for (const [position, one] of Object.entries(this.state.waiting)) {
      if (one.key === entry.key && one.version <= entry.version) delete this.state.waiting[position];
    }
    const op = entry.no_body === "erased" ? "erase" : entry.op;
    out.deliver.push({ key: entry.key, version: entry.version, op, body: entry.body });
  }

  #due(out) {
    for (const [position, one] of Object.entries(this.state.waiting)) {
      const complete = one.set === null || this.state.acts[one.set];
      if (complete && (one.starts === null || one.starts <= this.now())) out.ask.push({ what: "entry", position: Number(position) });
    }
  }

  #startOver(epoch, out) {
    Object.assign(this.state, { position: 0, versions: {}, waiting: {}, acts: {}, parked: {} });
    this.state.epoch = epoch ?? this.state.epoch;
    out.reset = true;
  }

  #next() {
    return { what: "entries", position: this.state.position + 1 };
  }
}

function cloudEvent(raw) {
  let event = raw;
  if (typeof raw === "string") {
    try {
      event = JSON.parse(raw);
    } catch {
      throw new Refused("malformed", "not JSON");
    }
  }
  const good = isObject(event) && event.specversion === "1.0" && typeof event.type === "string" && isObject(event.data);
  if (!good) throw new Refused("malformed", "not a CloudEvents 1.0 event with an object as data");
  return event;
}

function entryOf(raw) {
  const numbers = isObject(raw) && ["position", "version"].every((name) => Number.isSafeInteger(raw[name]) && raw[name] > 0);
  const texts = ["key", "kind", "op", "region", "released_at", "recorded_at", "digest"];
  if (!numbers || !texts.every((name) => typeof raw[name] === "string" && raw[name])) throw new Refused("malformed", "not an entry");
  const body = raw.body ?? null;
  const wrong = raw.key.split(":")[0] !== raw.kind || !(body === null || isObject(body)) || (raw.op === "withdraw" && body !== null);
  if (wrong) throw new Refused("malformed", "key, kind and body do not fit");
  return { ...raw, body };
}

function isKnown(entry) {
  const reasons = entry.op === "withdraw" ? [entry.no_body] : ["erased", "withheld"];
  return KINDS.includes(entry.kind) && OPS.includes(entry.op) && (entry.body !== null || reasons.includes(entry.no_body));
}
