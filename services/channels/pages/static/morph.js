// Make one tree of the page like another and touch only what differs, so that focus, scroll, ticks and open parts stay.
// idiomorph, a classic script of the page, does the work. This tells it which entries are the same, and what is not the
// server's to change.
/* global Idiomorph */

/** Attributes and properties that belong to the reader. */
const READERS_OWN = {
  DETAILS: ["open"],
  DIALOG: ["open"],
  INPUT: ["checked", "value"],
  OPTION: ["selected"],
  TEXTAREA: ["value"],
};
const BY_KEY = "key ";

/**
 * Change `from` until it equals `to`. An element with `data-keep` is the script's own and is left as it is.
 * Returns how many changes were made.
 */
export function morph(from, to) {
  // idiomorph knows elements by their id only. A blank in it keeps these apart from the page's own.
  for (const tree of [from, to]) {
    for (const each of tree.querySelectorAll("[data-key]:not([id])")) each.id = BY_KEY + each.dataset.key;
  }
  const present = new Set([from, ...from.querySelectorAll("*")]);
  const observer = new MutationObserver(() => {});
  observer.observe(from, { subtree: true, childList: true, attributes: true, characterData: true });
  Idiomorph.morph(from, to, {
    callbacks: {
      beforeNodeMorphed: (node, wanted) => node.dataset?.keep === undefined && !node.isEqualNode(wanted),
      // What is new comes as the server sends it.
      beforeAttributeUpdated: (name, node) => !(present.has(node) && READERS_OWN[node.nodeName]?.includes(name)),
    },
  });
  const changes = observer.takeRecords().length;
  observer.disconnect();
  for (const each of from.querySelectorAll(`[id^="${BY_KEY}"]`)) each.removeAttribute("id");
  return changes;
}
