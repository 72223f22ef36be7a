// What a mark of the channel (`sync`, `head`, the kept catalogue) proves: both notes are signed by the ledger's key, the
// statement says the time, and nothing goes back behind what was proven before. Pure: no page, no clock of its own.
import { equal, unhex } from "./merkle.js";
import { Broken, checkpointOf, endorsed, keyOf, opened } from "./note.js";

const TYPE = "tongyuan-head-statement/1";

/** The ledger's keys did not come: nothing is wrong, and nothing is known. */
export class Unreachable extends Error {}

/** It is signed, and older than what this screen has proven before. */
export class WentBack extends Broken {}

/**
 * Check a mark against `before`, what `proven` gave last (null: nothing yet). `listed()` gives the ledger's keys, and is
 * asked only when no known key has signed. Returns {epoch, keys, origin, sequence, size, root, issued, expires, position}:
 * times in milliseconds, root in hex. Throws Broken, WentBack, CannotCheck, and whatever `listed` throws.
 */
export async function proven(mark, before, listed) {
  const { head, position, cursor } = mark;
  const epoch = cursor.slice(0, cursor.lastIndexOf("."));
  // Another life of the channel was begun by an operator; what was proven of the one before does not bind it.
  const last = before?.epoch === epoch ? before : null;
  const keys = await trusted(head, before, listed);
  const checkpoint = checkpointOf((await opened(head.checkpoint, keys)).text);
  const said = parsed((await opened(head.statement, keys)).text);
  need(said.type === TYPE && said.origin === checkpoint.origin, "not a statement of this log");
  need(keys.every(({ name }) => name === checkpoint.origin), "the checkpoint belongs to another log");
  need(checkpoint.size === head.size && equal(checkpoint.root, unhex(head.root)), "the head does not match its note");
  need(said.size <= checkpoint.size, "the statement is ahead of the head");
  need(said.size < checkpoint.size || said.root === head.root, "statement and head belong to different histories");
  need(checkpoint.size <= position, "the channel has not reached the head yet");
  if (last) continues(said, last);
  return {
    epoch,
    keys: keys.map(({ vkey }) => vkey),
    origin: checkpoint.origin,
    sequence: said.sequence,
    size: said.size,
    root: said.root,
    issued: moment(said.issued_at),
    expires: moment(said.expires_at),
    position,
  };
}

function continues(said, last) {
  if (said.sequence < last.sequence || said.size < last.size) throw new WentBack("older than the last verified statement");
  need(said.size > last.size || said.root === last.root, "the ledger has rewritten its history");
}

/** The keys of last time; at first those that the ledger lists; later also those that a known one endorses. */
async function trusted(head, before, listed) {
  const known = await Promise.all((before?.keys ?? []).map(keyOf));
  const signed = await Promise.all([head.checkpoint, head.statement].map((note) => opened(note, known).then(() => true, (error) => {
    if (!known.length || error.message === "no known key has signed this") return false;
    throw error;
  })));
  if (signed.every(Boolean)) return known;
  const list = await listed();
  if (!known.length) return Promise.all(list.map(({ vkey }) => keyOf(vkey)));
  return [...(await endorsed(known, list, before.origin)).values()];
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Broken("signed, but not a statement");
  }
}

function moment(text) {
  const found = Date.parse(text);
  need(Number.isFinite(found), "not a valid time");
  return found;
}

function need(condition, complaint) {
  if (!condition) throw new Broken(complaint);
}

