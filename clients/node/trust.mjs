// The ledger's keys that a reader trusts, and what it checks with them.
import { checkpointOf, digest, keyId, leafHash, opened, proofOf, Refused, rootsAlong, signers, EMPTY_ROOT } from "./proofs.mjs";

const CONTENT = ["key", "kind", "version", "op", "region", "effective_at", "expires_at", "body"];
const LEAF = ["position", "key", "kind", "version", "op", "region", "effective_at", "expires_at", "released_at", "recorded_at", "digest"];
const pick = (entry, names) => Object.fromEntries(names.map((name) => [name, entry[name] ?? null]));

export class Halted extends Error {}
export class UnknownSigner extends Error {}

// `state`: { keys, roots, statement }, stored by the reader; `now`: a function.
export class Trust {
  constructor(state, now) {
    [this.state, this.now, this.asked] = [state, now, new Set()];
  }

  learn(listed) {
    const offers = listed.map((one) => ({ ...one, id: keyId(one.name, Buffer.from(one.public_key, "hex")) }));
    const known = () => this.state.keys;
    if (!known().length) this.state.keys = offers.map(({ name, id, public_key }) => ({ name, id, public: public_key, until: null }));
    for (let more = true; more; ) {
      more = false;
      for (const one of offers) {
        if (known().some((key) => key.id === one.id) || !this.#endorsed(one)) continue;
        known().push({ name: one.name, id: one.id, public: one.public_key, until: null });
        more = true;
      }
    }
    for (const key of known()) key.until = offers.find((one) => one.id === key.id)?.signs_until ?? key.until;
  }

  prove(entry) {
    const names = entry.part_of == null ? CONTENT : [...CONTENT, "part_of"];
    if (entry.body !== null && digest(pick(entry, names)) !== entry.digest) throw new Refused("digest", "the body is another");
    if (typeof entry.proof !== "string") throw new Refused("proof", "the entry comes without one");
    const proof = proofOf(entry.proof);
    const checkpoint = this.checkpoint(proof.note);
    const roots = rootsAlong(proof.index, checkpoint.size, leafHash(pick(entry, LEAF)), proof.path);
    if (proof.index !== entry.position - 1 || roots?.whole.toString("hex") !== checkpoint.root) {
      throw new Refused("proof", "the entry is not in the signed tree");
    }
    const before = this.#root(entry.position - 1);
    if (before && before !== roots.before.toString("hex")) throw new Halted("another history came before this entry");
    this.#witness(entry.position, roots.upto.toString("hex"));
    this.#witness(checkpoint.size, checkpoint.root);
  }

  head(data) {
    const checkpoint = this.checkpoint(String(data.checkpoint));
    if (data.size !== checkpoint.size || data.root !== checkpoint.root) throw new Refused("signature", "the head says otherwise");
    this.#witness(checkpoint.size, checkpoint.root);
    if (data.statement != null) this.#statement(data.statement);
    return checkpoint;
  }

  checkpoint(note) {
    const found = this.#opened(note);
    const checkpoint = checkpointOf(found.text);
    if (!found.signedBy.some((key) => key.name === checkpoint.origin)) throw new Refused("signature", "another log");
    return checkpoint;
  }

  get stale() {
    return this.state.statement !== null && Date.parse(this.state.statement.expires_at) <= this.now();
  }

  #statement(note) {
    const found = this.#opened(note);
    const said = JSON.parse(found.text);
    const own = found.signedBy.some((key) => key.name === said.origin);
    if (said.type !== "tongyuan-head-statement/1" || !own) throw new Refused("signature", "not a statement of this log");
    this.#witness(said.size, said.root);
    if (said.sequence > (this.state.statement?.sequence ?? 0)) {
      this.state.statement = { sequence: said.sequence, expires_at: said.expires_at };
    }
  }

  #opened(note) {
    const named = signers(note);
    const known = this.state.keys.map((key) => `${key.name} ${key.id}`);
    const all = [...named].sort().join();
    if (!named.some((one) => known.includes(one)) && !this.asked.has(all)) {
      this.asked.add(all);
      throw new UnknownSigner();
    }
    const found = opened(note, this.state.keys);
    const retired = (key) => key.until !== null && Date.parse(key.until) <= this.now();
    if (found.signedBy.every(retired)) throw new Refused("signature", "only a retired key has signed it");
    return found;
  }

  #endorsed(one) {
    if (!one.endorsement) return false;
    try {
      const said = JSON.parse(opened(one.endorsement, this.state.keys.filter((key) => key.name === one.name)).text);
      const same = said.origin === one.name && said.key_id === one.id && said.public_key === one.public_key;
      return said.type === "tongyuan-key/1" && same;
    } catch (error) {
      if (error instanceof Refused) return false;
      throw error;
    }
  }

  #root(size) {
    return size === 0 ? EMPTY_ROOT.toString("hex") : this.state.roots[size];
  }

  #witness(size, root) {
    const known = this.#root(size);
    if (known && known !== root) throw new Halted(`two roots of ${size} entries are signed`);
    if (size) this.state.roots[size] = root;
  }
}
