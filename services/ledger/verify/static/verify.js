// Is an entry of the ledger what the county signed, and does it still count? Worked out here, from what everybody may read.
// Nothing is taken for granted but the key that was remembered; what each step finds, the next ones stand on.
import { canonicalBytes } from "./canonical.js";
import { equal, hex, leafHash, pathOf, rootOfInclusion, sha256, unhex, verifyConsistency } from "./merkle.js";
import { Broken, CannotCheck, checkpointOf, endorsed, keyOf, opened } from "./note.js";

const CONTENT = ["key", "kind", "version", "op", "region", "effective_at", "expires_at", "body"];
const LEAF = ["position", "key", "kind", "version", "op", "region", "effective_at", "expires_at", "released_at", "recorded_at", "digest"];
const LEDGER = "/ledger/v1";
const TRIES = 3;
const STATEMENT_EVERY = 10_000; // see services/ledger/signing/heads.py
const HEAD_EVERY = 2_000;

/** A file did not come: nothing is wrong, and nothing is known. */
export class Unreachable extends Error {}

/** What was signed last is older than what it was asked about. `due`: when the next statement is expected, in ms. */
export class NotCovered extends Error {
  constructor(message, due = 0) {
    super(message);
    this.due = due;
  }
}

const STEPS = { entry, digest, signature, key, history, tree, newest };
const NEEDS = { digest: ["entry"], key: ["signature"], history: ["signature"], tree: ["digest", "signature"], newest: ["digest", "signature"] };

/**
 * Check `subject` = {key, version, position, printed, standing, released, size, ruling}, as the page says it.
 * `read(path)` gives a text of the county or throws Unreachable; `memory` = {get, set} keeps {vkey, note} from one visit
 * to the next. Returns [{name, state, reason, values}]; `state` is ok, new (ok, and remembered from now on), bad,
 * pending (not covered yet by what was signed last, look again at `due`), unable or skipped. `tell` hears each step.
 */
export async function check(subject, { read, memory, now = () => Date.now() }, tell = () => {}) {
  const found = { memory: memory.get() };
  const steps = [];
  for (const [name, step] of Object.entries(STEPS)) {
    const missing = (NEEDS[name] ?? []).some((each) => !steps.some((one) => one.name === each && passed(one)));
    const result = missing ? { state: "skipped" } : await tried(() => step(subject, found, { read, now }));
    steps.push({ name, state: "ok", reason: "", values: {}, ...result });
    tell(steps.at(-1));
  }
  if (steps.every(passed)) memory.set(found.remember);
  return steps;
}

/** ok, bad, pending or unable: one wrong step is enough for bad, and what is too new to be covered is never bad. */
export function outcome(steps) {
  for (const answer of ["bad", "pending"]) if (steps.some(({ state }) => state === answer)) return answer;
  return steps.every(passed) ? "ok" : "unable";
}

const passed = ({ state }) => state === "ok" || state === "new";

async function tried(step) {
  try {
    return (await step()) ?? {};
  } catch (error) {
    if (error instanceof NotCovered) return { state: "pending", reason: error.message, due: error.due };
    const unable = error instanceof Unreachable || error instanceof CannotCheck;
    return { state: unable ? "unable" : "bad", reason: error.message };
  }
}

async function entry(subject, found, { read }) {
  found.entry = JSON.parse(await read(`${LEDGER}/entries/${subject.position}`));
  for (const name of ["key", "version", "position"]) {
    need(found.entry[name] === subject[name], `${name} is ${found.entry[name]}, not ${subject[name]}`);
  }
  need(found.entry.released_at === subject.released, "the page states a different time of release");
  return { values: { position: subject.position, released_at: found.entry.released_at } };
}

async function digest(subject, found) {
  if (withheld(found.entry)) throw new CannotCheck("its content is not public yet");
  const own = hex(await contentDigest(found.entry));
  need(own === found.entry.digest, "the digest of the content differs from the entry");
  need(own.startsWith(subject.printed) || subject.standing === "altered", "the copy has a different digest");
  need(!own.startsWith(subject.printed) || subject.standing !== "altered", "the page says altered, but the content is not");
  return { values: { digest: own } };
}

async function signature(_subject, found, { read }) {
  found.note = await read(`${LEDGER}/checkpoint`);
  found.listed = JSON.parse(await read(`${LEDGER}/keys`)).keys;
  found.keys = await Promise.all(found.listed.map(({ vkey }) => keyOf(vkey)));
  const { text, signers } = await opened(found.note, found.keys);
  found.head = checkpointOf(text);
  found.signers = signers;
  need(signers.every(({ name }) => name === found.head.origin), "the checkpoint belongs to another log");
  return { values: { checkpoint: found.note, keys: signers.map(({ vkey }) => vkey).join("\n") } };
}

/** The key that was remembered has signed, or has endorsed one that has: else somebody may stand in between. */
async function key(_subject, found) {
  const newest = found.signers.at(-1);
  found.remember = { vkey: newest.vkey, note: found.note };
  const values = { fingerprint: await fingerprint(newest) };
  if (!found.memory) return { state: "new", values };
  const trusted = await endorsed([await keyOf(found.memory.vkey)], found.listed, found.head.origin);
  need(found.signers.some(({ vkey }) => trusted.has(vkey)), "the key differs from last time, and the old key does not endorse it");
  return { values };
}

/** The ledger continues the one of the last visit: nothing that stood in it was changed or taken out. */
async function history(_subject, found, { read }) {
  if (!found.memory) return { state: "new", values: { size: found.head.size } };
  const before = checkpointOf(found.memory.note);
  need(before.origin === found.head.origin, "the ledger differs from last time");
  await continued(before, found.head, read);
  return { values: { before: before.size, size: found.head.size } };
}

async function tree(subject, found, { read }) {
  const { leaf, path } = await included(found.entry, subject.position, found.head, read);
  return { values: { leaf: hex(leaf), path: path.join("\n"), root: hex(found.head.root) } };
}

/** The entry's leaf and its path, which must lead to the signed root. */
async function included(entry, position, { size, root }, read) {
  covered(position <= size, "the signed head does not reach this entry yet");
  const proof = JSON.parse(await read(`${LEDGER}/proof/inclusion?position=${position}&size=${size}`));
  need(proof.position === position && proof.size === size, "the proof belongs to another entry or size");
  const leaf = await leafHash(canonicalBytes(only(LEAF, entry)));
  const own = await rootOfInclusion(position - 1, size, leaf, pathOf(proof.path));
  need(own && equal(own, root), "the path does not lead to the signed root");
  need(equal(unhex(proof.root), root), "the proof states a different root");
  return { leaf, path: proof.path };
}

/** The content of what is to come is not public: its leaf says with the same weight when it comes. */
async function standsInTree(later, state, found, read) {
  covered(state.position <= found.head.size, "the signed head does not reach the newest version yet");
  need(later.position === state.position && later.digest === state.digest, "the newest version has a different digest");
  await included(later, state.position, found.head, read);
}

const withheld = ({ body, op, no_body }) => body === null && op === "release" && no_body === "withheld";

/** The signed list of what counts says that this is the newest version, or which one is; it must fit what the page says. */
async function newest(subject, found, { read, now }) {
  const { said, proof } = await statement(subject, found, read);
  const expires = Date.parse(said.expires_at);
  need(expires > now(), "the signed list has expired: newer ones are being withheld from you, or your clock is wrong");
  await continued(...[{ size: said.size, root: unhex(said.root) }, found.head].sort((one, other) => one.size - other.size), read);
  const leaf = proof.leaves.find(({ state }) => state.key === subject.key);
  const due = Date.parse(said.issued_at) + STATEMENT_EVERY + HEAD_EVERY;
  covered(subject.position <= said.size, "the signed list is older than this version", due);
  need(leaf, "the signed list does not contain this key");
  const own = await rootOfInclusion(leaf.index, proof.count, await leafHash(canonicalBytes(leaf.state)), pathOf(leaf.path));
  need(own && equal(own, unhex(said.state_root)), "the path does not lead to the signed list");
  need(leaf.state.version >= subject.version, "the signed list contains only older versions");
  if (leaf.state.version === subject.version) need(leaf.state.digest === found.entry.digest, "the signed list has a different digest");
  await fits(subject, leaf.state, { said, size: said.size, due }, found, read, now);
  return { values: { newest: leaf.state.version, issued_at: said.issued_at, state_root: said.state_root } };
}

/** The newest statement and the proof under it; issued every ten seconds, the two may be of different ones. */
async function statement(subject, found, read) {
  for (let tries = 1; ; tries += 1) {
    const { note } = JSON.parse(await read(`${LEDGER}/statement`));
    const said = JSON.parse((await opened(note, found.keys)).text);
    need(said.type === "tongyuan-head-statement/1" && said.origin === found.head.origin, "not a statement of this log");
    const proof = JSON.parse(await read(`${LEDGER}/state/${subject.key}`));
    if (proof.state_root === said.state_root) return { said, proof };
    need(tries < TRIES || proof.size !== said.size, "the proof does not belong to the signed list");
    covered(tries < TRIES, "proof and signed list are of different sizes");
  }
}

async function fits(subject, state, list, found, read, now) {
  const replaced = subject.standing === "superseded" || subject.standing === "withdrawn";
  covered(subject.ruling <= list.size, "the signed list is older than the version in force", list.due);
  covered(state.position <= subject.size, "the page is older than the signed list");
  if (state.version === subject.version) {
    need(!replaced || state.op === "withdraw", "the page says replaced, but the signed list says newest");
  } else if (!replaced && subject.standing !== "altered") {
    const later = JSON.parse(await read(`${LEDGER}/entries/${state.position}`));
    if (withheld(later)) await standsInTree(later, state, found, read);
    else need(hex(await contentDigest(later)) === state.digest, "the newest version has a different digest");
    const ahead = later.effective_at && Date.parse(later.effective_at) > now();
    need(ahead || (await waitsForItsSet(later, list, read)), `version ${state.version} is in force`);
  }
}

/** A version of a set counts once the set's act is recorded. The signed list proves that there is no such act yet. */
async function waitsForItsSet(later, list, read) {
  if (!later.part_of) return false;
  const proof = JSON.parse(await read(`${LEDGER}/state/${later.part_of}`));
  covered(proof.state_root === list.said.state_root, "proof and signed list are of different sizes", list.due);
  const [left, right] = neighbours(proof, later.part_of);
  for (const leaf of [left, right].filter(Boolean)) {
    const own = await rootOfInclusion(leaf.index, proof.count, await leafHash(canonicalBytes(leaf.state)), pathOf(leaf.path));
    need(own && equal(own, unhex(list.said.state_root)), "the path does not lead to the signed list");
  }
  return Boolean(left || right);
}

/** The leaves before and after a key that is not in the list: next to each other, or at its ends. */
function neighbours({ leaves, count }, key) {
  const left = leaves.find(({ state }) => state.key < key);
  const right = leaves.find(({ state }) => state.key > key);
  const absent = leaves.every(({ state }) => state.key !== key);
  const adjacent = (left ? left.index + 1 : 0) === (right ? right.index : count);
  return absent && adjacent ? [left, right] : [];
}

async function continued(before, after, read) {
  need(before.size <= after.size, `the ledger has shrunk, from ${before.size} entries to ${after.size}`);
  const { path } = JSON.parse(await read(`${LEDGER}/proof/consistency?first=${before.size}&second=${after.size}`));
  const same = await verifyConsistency(before.size, after.size, before.root, after.root, pathOf(path));
  need(same, "the ledger does not continue the previous one: its history was changed");
}

/** The digest also covers the set that a version belongs to, where it belongs to one. */
const contentDigest = (of) => sha256(canonicalBytes(only(of.part_of ? [...CONTENT, "part_of"] : CONTENT, of)));

/** SHA-256 of the verifier key's bytes, in groups that two people can read to each other. */
const fingerprint = async ({ vkey }) => hex(await sha256(new TextEncoder().encode(vkey))).slice(0, 32).match(/.{4}/g).join(" ");

function only(names, object) {
  return Object.fromEntries(names.map((name) => {
    need(object[name] !== undefined, `the entry has no ${name}`);
    return [name, object[name]];
  }));
}

function covered(condition, complaint, due) {
  if (!condition) throw new NotCovered(complaint, due);
}

function need(condition, complaint) {
  if (!condition) throw new Broken(complaint);
}
