// Signed notes (C2SP signed-note) and the checkpoints in them: the same rules as shared/transparency/checkpoint.py, with WebCrypto.
import { HASH_SIZE, hex, joined, sha256 } from "./merkle.js";

const ED25519 = 1;
const LONGEST = 64 * 1024;
const MOST_SIGNATURES = 100;
const encoder = new TextEncoder();

/** What a note or key must be and is not. */
export class Broken extends Error {}

/** This browser cannot check Ed25519 signatures: nothing is wrong, and nothing is known. */
export class CannotCheck extends Error {}

/** A verifier key, `name+hash+base64(kind ‖ key)` → {name, id (hex), key (32 bytes), vkey}. Throws Broken. */
export async function keyOf(vkey) {
  const [, name, claimed, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey) ?? [];
  if (!name) throw new Broken("not a verifier key");
  const raw = base64(encoded);
  if (raw.length !== HASH_SIZE + 1 || raw[0] !== ED25519) throw new Broken("not an Ed25519 key");
  const id = hex((await sha256(joined(encoder.encode(`${name}\n`), raw))).slice(0, 4));
  if (id !== claimed) throw new Broken(`the hash in the key of ${name} is wrong`);
  return { name, id, key: raw.slice(1), vkey };
}

/** Text of a note, and the keys that have signed it: at least one known key, and no known key wrongly. Throws Broken. */
export async function opened(note, keys) {
  const { text, signatures } = parted(note);
  const signers = [];
  for (const { name, id, signature } of signatures) {
    const key = keys.find((each) => each.name === name && each.id === id);
    if (!key) continue;
    if (!(await verifies(key, signature, text))) throw new Broken(`an invalid signature of ${name}+${id}`);
    signers.push(key);
  }
  if (!signers.length) throw new Broken("no known key has signed this");
  return { text, signers };
}

/**
 * The trusted keys, and those of `listed` (as `/ledger/v1/keys` lists them) that one of them endorses for the log
 * `origin`, by verifier key. Throws Broken for a listed key that is none.
 */
export async function endorsed(trusted, listed, origin) {
  const found = new Map(trusted.map((key) => [key.vkey, key]));
  for (const { vkey, endorsement } of listed) {
    if (!endorsement || found.has(vkey)) continue;
    const key = await keyOf(vkey);
    const said = await opened(endorsement, [...found.values()]).then(({ text }) => JSON.parse(text), () => null);
    const meant = said?.type === "tongyuan-key/1" && said.origin === origin && said.public_key === hex(key.key);
    if (meant) found.set(vkey, key);
  }
  return found;
}

/** Text and signature lines of a note, unchecked. Throws Broken for what is no note. */
export function parted(note) {
  const end = note.lastIndexOf("\n\n");
  if (note.length > LONGEST || end < 0 || !note.endsWith("\n")) throw new Broken("not a signed note");
  const lines = note.slice(end + 2, -1).split("\n");
  if (lines.length > MOST_SIGNATURES) throw new Broken("too many signatures");
  return { text: note.slice(0, end + 1), signatures: lines.map(signatureOf) };
}

/** {origin, size, root} of a checkpoint's text. Throws Broken. */
export function checkpointOf(text) {
  const [origin, size, root] = text.split("\n");
  if (!origin || !/^(0|[1-9][0-9]{0,14})$/.test(size ?? "")) throw new Broken("not a checkpoint");
  const bytes = base64(root ?? "");
  if (bytes.length !== HASH_SIZE) throw new Broken("the root of a checkpoint must be a SHA-256 hash");
  return { origin, size: Number(size), root: bytes };
}

function signatureOf(line) {
  const [, name, encoded] = /^— ([^\s+]+) (\S+)$/.exec(line) ?? [];
  const raw = name ? base64(encoded) : [];
  if (raw.length < 5) throw new Broken("a line at the end of the note is not a signature");
  return { name, id: hex(raw.slice(0, 4)), signature: raw.slice(4) };
}

async function verifies(key, signature, text) {
  let known;
  try {
    known = await crypto.subtle.importKey("raw", key.key, "Ed25519", false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") throw new CannotCheck("this browser does not support Ed25519");
    throw new Broken("not an Ed25519 key");
  }
  return crypto.subtle.verify("Ed25519", known, signature, encoder.encode(text));
}

/** Strict: one spelling a value, so that no byte can be altered unnoticed. */
function base64(text) {
  try {
    const raw = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    if (btoa(String.fromCharCode(...raw)) === text) return raw;
  } catch {
    // not base64 at all
  }
  throw new Broken("base64 that is not canonical");
}
