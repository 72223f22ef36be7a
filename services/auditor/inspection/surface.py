"""Read one surface of one channel once, and compare it with what should be there."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import orjson

from contracts.base import Json
from contracts.kinds import KINDS, Kind, is_public, kind_of
from services.auditor.inspection.expectation import Expectation
from services.auditor.inspection.page_markup import seen
from services.auditor.inspection.public_client import PublicClient, UnexpectedAnswer
from services.auditor.model import ALL, EQUAL, Digesting, ExpectedDocument, Look, Observation, Surface, Verdict, judge
from shared.security.privacy import scrub
from shared.transparency.comparison import brief, differences

SPARE = 1_000
"""Rows beyond the expected number after which a list is treated as endless."""


class SurfaceInspector:
    """Reads one channel. Every method may raise `UpstreamDown`.

    `follow` brings the expectation up to the ledger. It is called after a whole surface was read, because the channel
    may have applied what the expectation had not.
    """

    def __init__(
        self,
        stranger: PublicClient,
        expectation: Expectation,
        digesting: Digesting,
        allowed: timedelta,
        follow: Callable[[], object],
    ) -> None:
        self.name, self._follow = stranger.name, follow
        self._stranger, self._expected = stranger, expectation
        self._sight, self._digesting, self._allowed = expectation.sights[stranger.name], digesting, allowed

    def whole(self, surface: Surface) -> Look:
        """Read a surface that is read as a whole."""
        read = {Surface.CHANGES: self._changes, Surface.LIST: self._list, Surface.DIGESTS: self._digests}[surface]
        try:
            return read()
        except UnexpectedAnswer as error:
            return Look(1, {ALL: _wrong(error)})

    def keys(self, surface: Surface, keys: Iterable[str]) -> Look:
        """Read some documents, or some items' pages, each at its own address."""
        look = Look()
        for key in keys:
            look.note(key, self._document(key) if surface == Surface.DOCUMENT else self._page(key))
        return look

    def _document(self, key: str) -> Observation:
        wanted = self._expected.wanted(self.name, key, _now())
        if wanted is None:
            return EQUAL
        try:
            shown, tag = self._stranger.document(key)
        except UnexpectedAnswer as error:
            return _wrong(error, wanted)
        sighting = judge(wanted, shown, _now(), self._allowed)
        if sighting is EQUAL and wanted.content is not None and tag not in ("", digest := _digest(wanted.content)):
            return Observation(
                Verdict.DIFFERENT, [{"path": "ETag", "expected": digest, "found": brief(tag)}], wanted.moment
            )
        return sighting

    def _page(self, key: str) -> Observation:
        code = key.partition(":")[2]
        now = _now()
        item = self._expected.wanted(self.name, key, now)
        guide = self._expected.wanted(self.name, f"{Kind.GUIDE}:{code}", now)
        if item is None or guide is None:
            return EQUAL
        try:
            shown = self._stranger.page(code)
        except UnexpectedAnswer as error:
            return _wrong(error, item)
        should = None if item.content is None else seen(self._sight.page(item.content, guide.content))
        found = differences(should, shown)
        if not found:
            return EQUAL
        if _late(item, _now(), self._allowed) or _late(guide, _now(), self._allowed):
            return Observation(Verdict.STALE, found)
        if should is None:
            return Observation(Verdict.ORPHAN, moment=item.moment)
        return Observation(Verdict.MISSING if shown is None else Verdict.DIFFERENT, found if shown else [], item.moment)

    def _changes(self) -> Look:
        public = self._expected.public_keys()
        shown = {row["key"]: row["document"] for row in self._stranger.changes(len(public) + SPARE)}
        self._follow()
        look, now = Look(), _now()
        for key in {*public, *shown}:
            document = shown.get(key)
            if document is not None and self._expected.is_exactly(self.name, key, document, now):
                look.note(key, EQUAL)
            elif (wanted := self._expected.wanted(self.name, key, now)) is not None:
                look.note(named(key), judge(wanted, document, now, self._allowed))
        return look

    def _list(self) -> Look:
        now = _now()
        expected = set(self._expected.shown_keys(self.name, now))
        rows = self._stranger.items(len(expected) + SPARE)
        shown = {f"{Kind.ITEM}:{row['code']}": row for row in rows}
        self._follow()
        look, now = Look(), _now()
        for key in {*shown, *(key for key in self._expected.public_keys() if key.startswith(f"{Kind.ITEM}:"))}:
            wanted = self._expected.wanted(self.name, key, now)
            if wanted is not None:
                content = None if wanted.content is None else self._sight.summary(wanted.content)
                short = ExpectedDocument(content, wanted.version, wanted.moment, wanted.ended)
                look.note(named(key), judge(short, shown.get(key), now, self._allowed))
        return look

    def _digests(self) -> Look:
        """Compare the digests bucket by bucket, except buckets with keys that may differ at this moment."""
        found = self._stranger.source()
        shown = found["digests"].get("buckets")
        if not isinstance(shown, dict) or not all(isinstance(of, dict) for of in shown.values()):
            raise UnexpectedAnswer("not a list of buckets")
        self._follow()
        now = _now()
        wanted = self._digesting.buckets(self._expected.lines(self.name, now))
        doubtful = {
            f"{key.partition(':')[0]} {self._digesting.bucket_of(key)}"
            for key in self._expected.doubtful(self.name, found["position"], now, self._allowed)
        }
        look = Look()
        for kind in {*wanted, *shown}:
            mine, theirs = wanted.get(kind, {}), shown.get(kind, {})
            for bucket in {*mine, *theirs}:
                if f"{kind} {bucket}" not in doubtful:
                    equal = mine.get(bucket) == theirs.get(bucket)
                    look.note(f"{kind} {bucket}"[:128], EQUAL if equal else Observation(Verdict.DIFFERENT))
        return look


def named(key: str) -> str:
    """Return a key as it may be stored: a case's key is hidden, and a forged key may contain anything."""
    kind = kind_of(key)
    return f"{kind}:…" if kind in KINDS and not is_public(kind) else scrub(key)[:128]


def _wrong(error: UnexpectedAnswer, wanted: ExpectedDocument | None = None) -> Observation:
    """Return the observation for an answer that is no document, even where nothing should be shown."""
    detail = [{"path": "", "found": str(error)[:200]}]
    return Observation(Verdict.DIFFERENT, detail, wanted.moment if wanted else None)


def _late(wanted: ExpectedDocument, now: datetime, allowed: timedelta) -> bool:
    return wanted.moment is not None and now - wanted.moment <= allowed


def _digest(document: Json) -> str:
    """Compute the digest as the channel does: over the JSON text in the order of its fields."""
    return hashlib.sha256(orjson.dumps(document)).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
