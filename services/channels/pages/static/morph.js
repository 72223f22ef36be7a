// Make one tree of the page like another and touch only what differs, so that focus, scroll, ticks and open parts stay.

/** Attributes that belong to the reader, not to the server. */
const READERS_OWN = { DETAILS: ["open"], INPUT: ["checked", "value"], DIALOG: ["open"] };

/**
 * Change `from` until it equals `to`. An element with `data-keep` is the script's own and is left as it is.
 * Returns how many places were changed.
 */
export function morph(from, to) {
  if (from.isEqualNode(to) || from.dataset?.keep !== undefined) return 0;
  return attributes(from, to) + children(from, to);
}

function attributes(from, to) {
  const kept = READERS_OWN[from.nodeName] ?? [];
  let changed = 0;
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !kept.includes(name)) {
      from.removeAttribute(name);
      changed += 1;
    }
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !kept.includes(name)) {
      from.setAttribute(name, value);
      changed += 1;
    }
  }
  return changed;
}

function children(from, to) {
  let changed = 0;
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const found = match(place, wanted);
    if (found) {
      while (place !== found) place = removed(place);
      changed += found.nodeType === Node.ELEMENT_NODE ? morph(found, wanted) : text(found, wanted);
      place = found.nextSibling;
    } else {
      from.insertBefore(document.importNode(wanted, true), place);
      changed += 1;
    }
  }
  while (place) {
    place = removed(place);
    changed += 1;
  }
  return changed;
}

/** The next sibling from `place` on that stands for the same thing; one without a name only if it is next in line. */
function match(place, wanted) {
  for (let node = place; node; node = node.nextSibling) {
    if (node.nodeName === wanted.nodeName && nameOf(node) === nameOf(wanted)) return node;
    if (!nameOf(wanted) && node.nodeType === Node.ELEMENT_NODE) return null;
  }
  return null;
}

const nameOf = (node) => node.id || node.dataset?.key || "";

function text(from, to) {
  if (from.data === to.data) return 0;
  from.data = to.data;
  return 1;
}

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}
