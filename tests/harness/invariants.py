"""The checker of fault runs: a pure function from a history to the invariants that it breaks.

S1 to S15 are safety and hold at every moment; L1 to L9 (`tests.harness.liveness`) hold in time after the last fault.
Every rule is a generator of violations, named by its number; `docs/reliability.md` gives the rules' origin.
"""

from base64 import b64decode, b64encode
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.envelope.publication import Publication
from shared.transparency.canonical import canonical
from shared.transparency.merkle import EMPTY_ROOT, leaf_hash, node_hash
from tests.harness import liveness
from tests.harness.history import History, Line, Mark, chained

Rule = Callable[[History], Iterator[str]]
SHOWN_AT_MOST = 5


def check(history: History) -> dict[str, list[str]]:
    """Return the number of each broken rule with its violations. Empty: everything holds."""
    found = {name: list(rule(history)) for name, rule in RULES.items()}
    return {name: violations for name, violations in found.items() if violations}


def judge(history: History) -> None:
    """Raise AssertionError naming every broken rule, with a few of its violations."""
    broken = check(history)
    assert not broken, "\n".join(
        f"{name}: {len(violations)} violations: {'; '.join(violations[:SHOWN_AT_MOST])}"
        for name, violations in broken.items()
    )


def s1_no_loss(history: History) -> Iterator[str]:
    """No loss. Every publication acknowledged to its editor is in the log, and after convergence on every channel,
    unless superseded by a higher version of the same key. A request that timed out and takes effect later is no
    error. An acknowledgement unknown to its own source is a matter for S14.
    """
    committed = {(release.key, release.version) for release in history.releases}
    recorded = {(entry.key, entry.version) for entry in history.entries}
    due = {entry.key for entry in history.newest(len(history.entries)).values()}
    for line in history.of("release", phase="ok"):
        if (line.key, line.version) not in committed:
            continue
        if (line.key, line.version) not in recorded:
            yield f"{line.key} version {line.version} was acknowledged and is not in the ledger"
            continue
        for name, dump in history.channels.items():
            shown = dump.marks.get(line.key)
            parked = any(key == line.key and version >= line.version for key, version in dump.parked)
            if line.key in due and not parked and (shown is None or shown.version < line.version):
                yield f"{line.key} version {line.version} was acknowledged and has not reached {name}"


def s2_no_phantom(history: History) -> Iterator[str]:
    """No phantom. Every (key, version, digest) that any channel returned in any response was released by its source
    with exactly this digest, and asked for before the response. Nothing else is in the ledger either.
    """
    released = {(release.key, release.version): release.digest for release in history.releases}
    asked = {(line.key, line.version): line.began for line in history.of("release") if line.began is not None}
    for entry in history.entries:
        if released.get((entry.key, entry.version)) != entry.digest:
            yield f"ledger entry {entry.position} is nothing that a source has released"
    for line in history.of("saw"):
        for mark in line.marks:
            if mark.digest and released.get((mark.key, mark.version), mark.digest) != mark.digest:
                yield f"{line.what} showed {mark.key} version {mark.version} with another content than was released"
            elif (mark.key, mark.version) not in released:
                yield f"{line.what} showed {mark.key} version {mark.version}, which was never released"
            elif line.t < asked.get((mark.key, mark.version), line.t):
                yield f"{line.what} showed {mark.key} version {mark.version} before anybody had released it"


def s3_monotone_reads(history: History) -> Iterator[str]:
    """Monotone reads per channel. For one key, one channel never shows a lower version after a higher one, restarts
    included; withdrawn stays withdrawn. A request sees at least what any earlier answer showed; a stream, which may be
    late as a whole, at least what it has sent itself.
    """
    seen: dict[tuple[str, str], list[tuple[float, int, bool, float | None, str]]] = {}
    for line in history.of("saw"):
        for mark in line.marks:
            seen.setdefault((line.what, mark.key), []).append((line.t, mark.version, mark.gone, line.began, line.actor))
    for (place, key), looks in seen.items():
        looks.sort(key=lambda look: look[0])
        times = [look[0] for look in looks]
        best: list[tuple[int, bool]] = []
        for _, version, gone, _, _ in looks:
            best.append(max(best[-1], (version, gone)) if best else (version, gone))
        own: dict[str, tuple[int, bool]] = {}
        for t, version, gone, began, actor in looks:
            before = bisect_right(times, began) - 1 if began is not None and began < t else -1
            floor = max(own.get(actor, (0, False)), best[before] if before >= 0 else (0, False))
            if (version, gone) < floor:
                yield f"{place} showed {key} version {version} to {actor} after version {floor[0]}"
            own[actor] = max(floor, (version, gone))


def s4_drafts_never_leave(history: History) -> Iterator[str]:
    """Drafts never leave. No byte of a draft or an unapproved version on any public surface, exchange, feed, log or
    metric, also after each repair, replay and rebuild.
    """
    for line in history.of("found"):
        if line.note in history.drafts:
            yield f"{line.what} says what only a draft holds: {line.note}"


def s5_gapless(history: History) -> Iterator[str]:
    """Gapless. Sequences of a lane, positions of the ledger and versions of a key are 1..n without holes; a lane's
    counter is the number of its releases.
    """
    for (source, lane), end in history.lanes.items():
        numbers = sorted(one.sequence for one in history.releases if (one.source, one.lane) == (source, lane))
        if numbers != list(range(1, end.head + 1)):
            yield f"{source}/{lane} counts {end.head} releases and has {len(numbers)}"
    if [entry.position for entry in history.entries] != list(range(1, len(history.entries) + 1)):
        yield "the ledger's positions are not contiguous"
    newest: Counter[str] = Counter()
    for entry in history.entries:
        if entry.version != newest[entry.key] + 1:
            yield f"{entry.key} version {entry.version} follows version {newest[entry.key]} in the ledger"
        newest[entry.key] = entry.version


def s6_prefix(history: History) -> Iterator[str]:
    """Prefix property. Each channel's state equals the fold of a prefix of the log, plus nothing; every document is
    what the pure projection makes of its entry (which is what a rebuild would put there).
    """
    for name, dump in history.channels.items():
        state = history.newest(dump.position)
        for key, entry in state.items():
            mark = dump.marks.get(key)
            if (key, entry.version) in dump.parked:
                continue
            if mark is None or mark.version != entry.version:
                yield f"{name} shows version {mark.version if mark else None} of {key}, its prefix has {entry.version}"
            elif not mark.gone and history.is_gone(entry):
                yield f"{name} shows {key}, which is withdrawn or over"
        yield from (f"{name} shows {key}, which its prefix does not have" for key in dump.marks.keys() - state.keys())
        for key in dump.content.keys() | dump.projected.keys():
            if dump.content.get(key) != dump.projected.get(key) and key in state:
                yield f"{name} shows {key} other than the projection of its entry"


def s7_exactly_once_effect(history: History) -> Iterator[str]:
    """Exactly-once effect. Side effects carry an idempotency key; each takes place at most once inside our system."""
    effects = Counter(line.key for line in history.of("effect"))
    yield from (f"the effect {key} took place {count} times" for key, count in effects.items() if count > 1)


def s8_append_only(history: History) -> Iterator[str]:
    """Append-only. Every checkpoint ever seen by anybody is consistent with the final one: all are compared with the
    root that the final log's leaves give for their size.
    """
    heads = {(int(line.value), line.digest) for line in history.of("head")}
    roots = _roots(history, {size for size, _ in heads})
    for size, root in sorted(heads):
        if roots.get(size) != root:
            yield f"a head of size {size} was seen whose root is not that of the log"


def s9_authentic(history: History) -> Iterator[str]:
    """Authentic. Every shown document is an entry, with this position and digest, of the tree of a head that is
    signed by a known key; nobody accepted any other head.
    """
    signed = 0
    for line in history.of("head"):
        if _is_signed(history, line):
            signed = max(signed, int(line.value))
        else:
            yield f"{line.actor} showed a head of size {int(line.value)} without a good signature"
    by_position = {entry.position: entry for entry in history.entries}
    places = [(line.what, line.marks) for line in history.of("saw")]
    places += [(name, tuple(dump.marks.values())) for name, dump in history.channels.items()]
    for place, marks in places:
        for mark in marks:
            if not mark.gone and not _is_entry(mark, by_position, signed):
                yield f"{place} showed {mark.key} version {mark.version}, which no signed head covers as such"


def s10_no_personal_data(history: History) -> Iterator[str]:
    """No personal data outside the private store, no secret in any answer, log, metric, command line or database."""
    for line in history.of("found"):
        if line.note in history.persons | history.secrets:
            yield f"{line.what} says {'what belongs to a person' if line.note in history.persons else 'a secret'}"


def s11_atomic_publish(history: History) -> Iterator[str]:
    """Atomic publish. No answer mixes two moments: with P the highest position in it, every other document of the
    answer is the newest of its key at P. Keys with scheduled versions, and streams (one document each), are left
    out.
    """
    timed = {entry.key for entry in history.entries if entry.effective_at or entry.expires_at}
    positions: dict[str, list[int]] = {}
    for entry in history.entries:
        positions.setdefault(entry.key, []).append(entry.position)
    for line in history.of("saw"):
        moment = max((mark.position for mark in line.marks), default=0)
        for mark in line.marks:
            own = positions.get(mark.key, [])
            newest = own[bisect_right(own, moment) - 1] if own and own[0] <= moment else mark.position
            if mark.key not in timed and mark.position < newest:
                yield f"{line.what} showed {mark.key} of {mark.position} in one answer with something of {moment}"


def s12_audit_completeness(history: History) -> Iterator[str]:
    """Audit completeness. Each state-changing administrative act has one record, in a hash chain that verifies; there
    are as many records as acts.
    """
    acts = Counter(line.note for line in history.of("act", phase="ok"))
    records = list(history.of("audit"))
    written = Counter(line.note for line in records)
    for act in (acts - written) + (written - acts):
        yield f"{act}: {acts[act]} acts, {written[act]} records"
    if [line.digest for line in records] != chained([line.note for line in records]):
        yield "the chain of audit records does not verify"


def s13_dead_letters_accounted(history: History) -> Iterator[str]:
    """Dead letters are accounted for. accepted = applied + superseded + dead; nothing disappears in between, neither
    what the ledger took from a lane nor what was refused. What a channel took from the ledger is a matter for S6.
    """
    recorded = {(entry.key, entry.version) for entry in history.entries}
    for release in history.releases:
        end = history.lanes.get((release.source, str(release.lane)))
        taken = end is not None and release.sequence <= end.taken
        buried = f"{release.key}/{release.version}" in history.dead
        if taken and not buried and (release.key, release.version) not in recorded:
            yield f"{release.key} version {release.version} was taken by the ledger and is nowhere"
    for line in history.of("inject"):
        if (line.key in history.dead) != (line.what == "dead"):
            yield f"{line.key} should be {line.what}; dead letters have it: {line.key in history.dead}"


def s14_fail_closed(history: History) -> Iterator[str]:
    """Fail closed. No 2xx without a durable commit; no write taken from somebody without the right to it."""
    released = {(release.key, release.version) for release in history.releases}
    for line in history.of("release", phase="ok"):
        if (line.key, line.version) not in released:
            yield f"{line.key} version {line.version} was acknowledged and its source does not have it"
    for line in history.of("write", phase="ok"):
        yield f"{line.actor} may not write {line.what}, and did"


def s15_bounded(history: History) -> Iterator[str]:
    """Bounded. Memory, file descriptors, queue depth and WAL size stay under fixed limits during the run."""
    for line in history.of("sample"):
        if line.value > history.limits.get(line.what, line.value):
            yield f"{line.actor}: {line.what} reached {line.value:.0f}, the limit is {history.limits[line.what]:.0f}"


def _roots(history: History, sizes: set[int]) -> dict[int, str]:
    """Return the root of each of these sizes, from the leaves alone: the peaks of the tree, folded from the right."""
    roots = {0: EMPTY_ROOT.hex()}
    peaks: list[tuple[int, bytes]] = []
    for size, entry in enumerate(history.entries, 1):
        peaks.append((1, leaf_hash(canonical(entry.leaf()))))
        while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
            (count, right), (_, left) = peaks.pop(), peaks.pop()
            peaks.append((2 * count, node_hash(left, right)))
        if size in sizes:
            root = peaks[-1][1]
            for _, peak in reversed(peaks[:-1]):
                root = node_hash(peak, root)
            roots[size] = root.hex()
    return roots


def _is_signed(history: History, line: Line) -> bool:
    """Whether a known key signed the note, and the note agrees with the head. Computed here, not by our code."""
    text, _, signatures = line.note.partition("\n\n")
    body = text.split("\n")[:3]
    if body[1:] != [str(int(line.value)), b64encode(bytes.fromhex(line.digest)).decode()]:
        return False
    for signature in signatures.splitlines():
        blob = b64decode(signature.rpartition(" ")[2])
        for key in history.keys:
            with suppress(InvalidSignature):
                Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(blob[4:], f"{text}\n".encode())
                return True
    return False


def _is_entry(mark: Mark, entries: dict[int, Publication], signed: int) -> bool:
    entry = entries.get(mark.position)
    if entry is None or mark.position > signed:
        return False
    return (mark.key, mark.version, mark.digest) == (entry.key, entry.version, entry.digest)


RULES: dict[str, Rule] = {
    name.partition("_")[0].upper(): rule
    for name, rule in [*globals().items(), *vars(liveness).items()]
    if name[:1] in "sl" and name.partition("_")[0][1:].isdigit()
}
