// RFC 8785, JSON Canonicalization Scheme: one spelling a value, so that everybody's digest of it is the same.
// ECMAScript writes numbers and strings as the RFC wants them, and its default order of keys is that of UTF-16 units.

const encoder = new TextEncoder();

/** The canonical text of a JSON value. Throws TypeError for what JSON cannot say and for lone surrogates. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw new TypeError("a lone surrogate cannot be encoded");
      return JSON.stringify(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${value} is no JSON number`);
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "object":
      return value === null ? "null" : `{${members(value).join(",")}}`;
    default:
      throw new TypeError(`${typeof value} has no place in JSON`);
  }
}

/** Its bytes in UTF-8. */
export const canonicalBytes = (value) => encoder.encode(canonical(value));

const members = (object) => Object.keys(object).sort().map((key) => `${canonical(key)}:${canonical(object[key])}`);
