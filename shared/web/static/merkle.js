// The Merkle tree of RFC 6962: leaf = SHA-256(0x00 ‖ bytes), node = SHA-256(0x01 ‖ left ‖ right). Proofs as RFC 9162
// section 2.1.3.2 and 2.1.4.2 check them. The same as shared/transparency/merkle.py; sizes stay below 2^53, so they are divided, not
// shifted: JavaScript shifts 32 bits.

const HASH_SIZE = 32;

/** SHA-256 of bytes. */
export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

export const leafHash = (bytes) => sha256(joined(Uint8Array.of(0), bytes));
export const nodeHash = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

/** The root that a proof of inclusion leads to, from leaf `index` of a tree of `size`; null when it leads nowhere. */
export async function rootOfInclusion(index, size, leaf, path) {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return null;
  let [position, last, result] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return null;
    if (odd(position) || position === last) {
      result = await nodeHash(sibling, result);
      while (position && !odd(position)) [position, last] = [half(position), half(last)];
    } else {
      result = await nodeHash(result, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 ? result : null;
}

/** Whether the tree of `second` entries with its root continues the one of `first`. */
export async function verifyConsistency(first, second, firstRoot, secondRoot, path) {
  if (![first, second].every((size) => Number.isSafeInteger(size) && size >= 0) || first > second) return false;
  if (first === second) return equal(firstRoot, secondRoot) && path.length === 0;
  if (first === 0) return path.length === 0 && equal(firstRoot, await sha256(new Uint8Array()));
  const proof = powerOfTwo(first) ? [firstRoot, ...path] : path;
  if (!proof.length) return false;
  let [position, last] = [first - 1, second - 1];
  while (odd(position)) [position, last] = [half(position), half(last)];
  let [older, newer] = [proof[0], proof[0]];
  for (const sibling of proof.slice(1)) {
    if (last === 0) return false;
    if (odd(position) || position === last) {
      older = await nodeHash(sibling, older);
      newer = await nodeHash(sibling, newer);
      while (position && !odd(position)) [position, last] = [half(position), half(last)];
    } else {
      newer = await nodeHash(newer, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  return last === 0 && equal(older, firstRoot) && equal(newer, secondRoot);
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A SHA-256 in hex as bytes. Throws for anything else. */
export function unhex(text) {
  if (typeof text !== "string" || !/^[0-9a-f]{64}$/.test(text)) throw new TypeError("not a SHA-256 in hex");
  return Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16));
}

export const equal = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A proof as the ledger sends it. Throws when a step is no hash. */
export const pathOf = (steps) => steps.map(unhex);

export { HASH_SIZE };

const odd = (number) => number % 2 === 1;
const half = (number) => Math.floor(number / 2);

function powerOfTwo(number) {
  let rest = number;
  while (!odd(rest)) rest = half(rest);
  return rest === 1;
}
