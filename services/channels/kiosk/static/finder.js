// Finds items by what somebody types without an input method: initials, pinyin, both mixed, Chinese words, codes.
// Pure: no page, no network; the document is the channel's /v1/finder.
const CJK = /[\u3400-\u9fff]/;

/** The same document, its syllables parted once. */
export function prepare({ items, common }) {
  const parted = (sound) => sound.split(" ").map((syllable) => syllable.split("/"));
  return {
    items: items.map((item) => ({ ...item, spoken: item.sounds.map(parted) })),
    common: common.map((each) => ({ ...each, spoken: parted(each.sound) })),
  };
}

/** Whether `typed` spells the syllables from `start` on, each by one letter or more: `sfz`, `shenfz`, `shenfenzheng`. */
export function spells(syllables, start, typed) {
  let reached = new Set([0]);
  for (let at = start; at < syllables.length && reached.size; at += 1) {
    const next = new Set();
    for (const from of reached) {
      for (const reading of syllables[at]) {
        for (let n = 1; n <= reading.length && typed.startsWith(reading.slice(0, n), from); n += 1) {
          if (from + n === typed.length) return true;
          next.add(from + n);
        }
      }
    }
    reached = next;
  }
  return false;
}

/** Where the typed letters begin in the syllables; -1 when nowhere. */
function spelledAt(syllables, typed) {
  for (let start = 0; start < syllables.length; start += 1) if (spells(syllables, start, typed)) return start;
  return -1;
}

/** What a place is worth: the item's own name before its other names, the beginning before the middle, short before long. */
function worth(nameIndex, at, length, typed) {
  if (at < 0) return 0;
  return (nameIndex === 0 ? 60 : 50) + (at === 0 ? 30 : 0) + Math.min(20, (20 * typed) / length);
}

function score(item, typed, meanings) {
  let best = 0;
  if (CJK.test(typed)) {
    item.names.forEach((name, index) => {
      best = Math.max(best, worth(index, name.indexOf(typed), name.length, typed.length));
      for (const meaning of meanings) best = Math.max(best, 0.7 * worth(index, name.indexOf(meaning), name.length, meaning.length));
    });
    return Math.max(best, 0.5 * worth(1, item.unit.indexOf(typed), item.unit.length, typed.length));
  }
  if (typed.length > 3 && item.code.toLowerCase().includes(typed)) best = 100;
  item.spoken.forEach((syllables, index) => {
    best = Math.max(best, worth(index, spelledAt(syllables, typed), syllables.length, Math.min(typed.length, syllables.length)));
  });
  for (const meaning of meanings) best = Math.max(best, 0.5 * worth(1, item.names[0].indexOf(meaning), item.names[0].length, meaning.length));
  return best;
}

export const normal = (query) => query.normalize("NFKC").toLowerCase().replace(/[^0-9a-z\u3400-\u9fff]/g, "");

/** Items for what was typed, best first. */
export function find(prepared, query, most = 12) {
  const typed = normal(query);
  if (!typed) return [];
  // Letters find what the words that they suggest find; one letter suggests too many.
  const means = (each) => (CJK.test(typed) ? each.word === typed : typed.length > 1 && spells(each.spoken, 0, typed));
  const meanings = prepared.common.filter(means).flatMap((each) => each.means);
  const found = prepared.items.map((item) => ({ item, points: score(item, typed, meanings) })).filter((each) => each.points > 0);
  found.sort((a, b) => b.points - a.points || a.item.names[0].length - b.item.names[0].length || (a.item.code < b.item.code ? -1 : 1));
  return found.slice(0, most).map((each) => each.item);
}

/** Words to touch instead of typing on: what people say that begins like what was typed; the usual ones at first. */
export function suggest(prepared, query, most = 8) {
  const typed = normal(query);
  if (!typed) return prepared.common.slice(0, most).map((each) => each.word);
  if (CJK.test(typed)) return [];
  const said = new Map();
  for (const each of prepared.common) if (spells(each.spoken, 0, typed)) said.set(each.word, 0);
  for (const item of prepared.items) {
    item.names.slice(1).forEach((name, index) => {
      if (name.length <= 8 && spells(item.spoken[index + 1], 0, typed) && !said.has(name)) said.set(name, name.length);
    });
  }
  return [...said].sort((a, b) => a[1] - b[1]).slice(0, most).map(([name]) => name);
}
