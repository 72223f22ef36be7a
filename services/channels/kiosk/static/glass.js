// What a person reads on this page, as one digest; `services/channels/kiosk/displayed_digest.py` is its twin and says the rule.
import { hex, sha256 } from "./merkle.js";

/** The text of `main` without what scripts put there. */
export function textOf(main) {
  const reader = document.createTreeWalker(main, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, {
    acceptNode: (node) => (node.dataset?.keep === undefined ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT),
  });
  let text = "";
  while (reader.nextNode()) if (reader.currentNode.nodeType === Node.TEXT_NODE) text += reader.currentNode.data;
  return text.replace(/[ \t\n\f\r]+/g, " ").replace(/^ | $/g, "");
}

/** Its digest; null where the browser lends its cryptography to nobody (a page without TLS). */
export async function digestOf(main) {
  return globalThis.crypto?.subtle ? hex(await sha256(new TextEncoder().encode(textOf(main)))) : null;
}
