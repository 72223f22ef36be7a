"""What happened in a fault run: an append-only list of observations, and at its end what every place holds.

`Line`      one observation: who, what, when, and how it ended
`Dump`      what one channel shows at the end
`History`   all of it; `tests.harness.invariants.check` judges it, and `save` keeps it for a second look

op          actor            the line says
release     editor           asked for a release; ok: key and version were acknowledged; info: the answer was lost
write       editor           sent a write without the right to; ok: it was taken
saw         reader           `what` (a channel) answered with `marks`; `began` is null for what a stream brought
found       reader           the secret `note`, or what belongs to a person, was read at the place `what`
head        reader           a head of size `value` with root `digest`, whose signed note is `note`
effect      system           the side effect with the idempotency key `key` took place
act         operator         did `note`; `audit` (in order): `note` is the act, `digest` chains it
inject      nemesis          put the message `key` where it does not belong; `what` is its due fate: dead or harmless
read        reader           asked `what`; ok: it answered, fail: it did not
fault       nemesis          `what` began; `note`: name of the alarm that must rise
healed      nemesis          the last fault is over
down, up    process          does not run (from, to)
state       process          `what` (one of STATES) is `value`; 0 is good
count       process          the counter `what` stands at `value`
sample      process          `what` (a resource) is at `value`
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from contracts.envelope.publication import Op, Publication, Release

STATES = ("outbox", "behind", "queue", "canary", "unready", "alarm", "lock")


@dataclass(frozen=True, slots=True)
class Mark:
    """One document in an answer: the version of its key, and whether it is shown or gone."""

    key: str
    version: int
    position: int = 0
    digest: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One observation, see the table above. Times are seconds since the run began."""

    t: float
    actor: str
    op: str
    phase: str = "ok"
    began: float | None = None
    key: str = ""
    version: int = 0
    digest: str = ""
    what: str = ""
    value: float = 0.0
    note: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass
class Dump:
    """One channel at the end. `content`, `projected`: digests of documents by key.

    `content`: as shown; `projected`: as the pure projection of the ledger gives them (no entry: shows nothing).
    """

    position: int = 0
    marks: dict[str, Mark] = field(default_factory=dict)
    parked: set[tuple[str, int]] = field(default_factory=set)
    content: dict[str, str] = field(default_factory=dict)
    projected: dict[str, str] = field(default_factory=dict)


@dataclass
class LaneEnd:
    """One lane of one source at the end: its counter, and how far the ledger has recorded it."""

    head: int = 0
    taken: int = 0


@dataclass
class History:
    """A whole run. `keys`: the ledger's public keys in hex; `dead`: ids of refused messages.

    `limits`: bounds of resources. `patience` multiplies every stated time, for slow machines.
    """

    lines: list[Line] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    lanes: dict[tuple[str, str], LaneEnd] = field(default_factory=dict)
    entries: list[Publication] = field(default_factory=list)
    channels: dict[str, Dump] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    drafts: set[str] = field(default_factory=set)
    persons: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    limits: dict[str, float] = field(default_factory=dict)
    patience: float = 1.0
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))
    _start: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self._start

    def add(self, actor: str, op: str, phase: str = "ok", **said: Any) -> Line:
        """Record an observation now. Thread-safe."""
        line = Line(said.pop("t", self.now()), actor, op, phase, **said)
        self.lines.append(line)
        return line

    def of(self, *ops: str, phase: str | None = None) -> Iterator[Line]:
        """Yield the lines of these kinds, in order of writing."""
        return (line for line in list(self.lines) if line.op in ops and phase in (None, line.phase))

    def saw(self, reader: str, place: str, marks: Iterable[Mark], began: float | None) -> None:
        """Record an answer with documents."""
        self.add(reader, "saw", what=place, marks=tuple(marks), began=began)

    def search(self, reader: str, place: str, text: str) -> None:
        """Search a public answer for every secret."""
        for secret in self.drafts | self.persons | self.secrets:
            if secret in text:
                self.add(reader, "found", what=place, note=secret)

    def save(self, file: Path) -> None:
        """Save one JSON line per observation, to examine a failed run."""
        with file.open("wb") as sink:
            for line in self.lines:
                sink.write(orjson.dumps(line) + b"\n")

    def newest(self, position: int) -> dict[str, Publication]:
        """Return the state after the first `position` entries: the highest effective version of each key.

        As at the end of the run.
        """
        state: dict[str, Publication] = {}
        for entry in self.entries:
            due = entry.effective_at is None or entry.effective_at <= self.ended
            if entry.position <= position and due and entry.version >= state.get(entry.key, entry).version:
                state[entry.key] = entry
        return state

    def is_gone(self, entry: Publication) -> bool:
        """Whether nobody may see the entry any more at the end of the run."""
        return entry.op == Op.WITHDRAW or (entry.expires_at is not None and entry.expires_at <= self.ended)


def fingerprint(document: Any) -> str:
    """Return the digest of a document, independent of the order of fields."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def mark_of_change(change: dict[str, Any]) -> Mark:
    """Return the mark of a row of `/v1/changes`, or of a stream's `change`."""
    document = change["document"]
    if document is None:
        return Mark(change["key"], change["version"], change["position"], gone=True)
    return mark_of_document(document)


def mark_of_document(document: dict[str, Any]) -> Mark:
    """Return the mark of a served document, from its own provenance."""
    source = document["source"]
    return Mark(source["key"], source["version"], source["position"], source["digest"])


def chained(acts: Sequence[str]) -> list[str]:
    """Return digests of a chain of audit records: each covers the one before."""
    digests, last = [], ""
    for act in acts:
        last = hashlib.sha256(f"{last}{act}".encode()).hexdigest()
        digests.append(last)
    return digests
