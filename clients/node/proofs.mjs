// Digests, Merkle paths and signed notes: RFC 8785, RFC 6962, and C2SP signed-note, tlog-checkpoint, tlog-proof.
import canonicalize from "canonicalize";
import { createHash, createPublicKey, verify } from "node:crypto";

const ED25519 = Buffer.from([1]);
const SPKI = Buffer.from("302a300506032b6570032100", "hex"); // DER before a raw Ed25519 key
export const EMPTY_ROOT = sha(Buffer.alloc(0));

export class Refused extends Error {
  constructor(reason, detail) {
    super(`${reason}: ${detail}`);
    this.reason = reason;
  }
}

export function sha(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function digest(value) {
  return sha(canonicalize(value)).toString("hex");
}

export function leafHash(value) {
  return sha(Buffer.from([0]), canonicalize(value));
}

const node = (left, right) => sha(Buffer.from([1]), left, right);

// RFC 9162 section 2.1.3.2, for the trees before the leaf, up to it, and the whole. null: the path does not fit.
export function rootsAlong(index, size, leaf, path) {
  if (index < 0 || index >= size) return null;
  let [position, last, before, upto, whole] = [BigInt(index), BigInt(size) - 1n, null, leaf, leaf];
  for (const sibling of path) {
    if (last === 0n) return null;
    if (position & 1n || position === last) {
      [whole, upto] = [node(sibling, whole), node(sibling, upto)];
      before = before ? node(sibling, before) : sibling;
      while (position && !(position & 1n)) [position, last] = [position >> 1n, last >> 1n];
    } else {
      whole = node(whole, sibling);
    }
    [position, last] = [position >> 1n, last >> 1n];
  }
  return last === 0n ? { before: before ?? EMPTY_ROOT, upto, whole } : null;
}

export function keyId(name, publicKey) {
  return sha(`${name}\n`, ED25519, publicKey).subarray(0, 4).toString("hex");
}

export function keyOfVkey(text) {
  const [name, claimed] = text.split("+", 2);
  const raw = Buffer.from(text.slice(name.length + claimed.length + 2), "base64");
  const key = { name, public: raw.subarray(1).toString("hex"), until: null };
  if (raw[0] !== 1 || raw.length !== 33 || keyId(name, raw.subarray(1)) !== claimed) throw new Error(`not a verifier key: ${text}`);
  return { ...key, id: claimed };
}

function strict(text, reason) {
  const raw = Buffer.from(text, "base64");
  if (raw.toString("base64") !== text) throw new Refused(reason, "base64 is not canonical");
  return raw;
}

function split(note) {
  const at = note.lastIndexOf("\n\n");
  const signatures = note.slice(at + 2);
  if (at < 0 || !signatures.endsWith("\n") || note.length > 65536) throw new Refused("signature", "not a signed note");
  const lines = signatures.slice(0, -1).split("\n").map((line) => {
    const [dash, name, encoded] = line.split(" ");
    const raw = strict(encoded ?? "", "signature");
    if (dash !== "—" || !name || raw.length < 5) throw new Refused("signature", "not a signature line");
    return { name, id: raw.subarray(0, 4).toString("hex"), signature: raw.subarray(4) };
  });
  return { text: note.slice(0, at + 1), lines };
}

export function signers(note) {
  return split(note).lines.map((line) => `${line.name} ${line.id}`);
}

// The text, and the trusted keys that have signed it. Refused if none has, or if any of them has signed wrongly.
export function opened(note, keys) {
  const { text, lines } = split(note);
  const signedBy = [];
  for (const line of lines) {
    const key = keys.find((one) => one.name === line.name && one.id === line.id);
    if (!key) continue;
    const spki = createPublicKey({ key: Buffer.concat([SPKI, Buffer.from(key.public, "hex")]), format: "der", type: "spki" });
    if (!verify(null, Buffer.from(text), spki, line.signature)) throw new Refused("signature", "a trusted key's is wrong");
    signedBy.push(key);
  }
  if (!signedBy.length) throw new Refused("signature", "no trusted key has signed the note");
  return { text, signedBy };
}

export function checkpointOf(text) {
  const [origin, size, encoded] = text.split("\n");
  if (!origin || !/^(0|[1-9]\d{0,15})$/.test(size ?? "")) throw new Refused("signature", "not a checkpoint");
  const root = strict(encoded ?? "", "signature");
  if (root.length !== 32) throw new Refused("signature", "not a checkpoint");
  return { origin, size: Number(size), root: root.toString("hex") };
}

export function proofOf(text) {
  const at = text.indexOf("\n\n");
  const [first, index, ...path] = text.slice(0, at).split("\n");
  const number = /^index (0|[1-9]\d{0,15})$/.exec(index ?? "");
  if (at < 0 || first !== "c2sp.org/tlog-proof@v1" || !number || path.length > 63) throw new Refused("proof", "not a tlog-proof");
  const steps = path.map((line) => strict(line, "proof"));
  if (steps.some((step) => step.length !== 32)) throw new Refused("proof", "a step is not a hash");
  return { index: Number(number[1]), path: steps, note: text.slice(at + 2) };
}
