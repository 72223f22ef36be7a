"""Find what a guide quotes differently from other guides: the telephone of a window, the price of a fee.

What the released guides quote is kept in memory and follows the releases: it is read once, and then anew for the codes
that were released since. A large import compares each of its rows without reading all guides each time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json
from contracts.content.gates import Gate
from contracts.content.guide_quotes import Quote, QuotedFact, quotes
from shared.feeds.outbox import CounterRow, ReleaseRow
from shared.publishing.editions.model import CODES_A_STATEMENT, EditionRow, EditionState
from shared.publishing.reviews.findings.finding import ReviewFinding

RULE = "quoted_elsewhere"
WORDS: Mapping[QuotedFact, str] = {
    QuotedFact.WINDOW_PHONE: "窗口“{what}”的电话，这里是 {own}",
    QuotedFact.WINDOW_HOURS: "窗口“{what}”的办公时间，这里是 {own}",
    QuotedFact.FEE: "费用“{what}”，这里是 {own}",
    QuotedFact.PHONE: "咨询电话 {what}，这里是“{own}”的",
}
Place = tuple[QuotedFact, str]


class QuotedFacts:
    """What released guides quote. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read: dict[str, int] | None = None
        self._quoted: dict[str, frozenset[tuple[Place, str]]] = {}
        self._said: dict[Place, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def differing(self, session: Session, code: str, body: Json) -> Iterator[ReviewFinding]:
        """Yield a finding for each quotation of which other guides in force say something else."""
        with self._lock:
            self._catch_up(session)
            found = [(one, others) for one in quotes(body) if (others := self._others(code, one))]
        for one, others in found:
            own = WORDS[one.fact].format(what=one.what, own=one.value)
            told = "，".join(_told(value, codes) for value, codes in sorted(others.items()))
            message = f"{own}；{told}。请核对哪一处对"
            yield ReviewFinding(Gate.POLICY, code, one.field, RULE, message, one.value)

    def _others(self, code: str, quote: Quote) -> dict[str, list[str]]:
        said = self._said.get((quote.fact, quote.what), {})
        others = {value: sorted(codes - {code}) for value, codes in said.items() if value != quote.value}
        return {value: codes for value, codes in others.items() if codes}

    def _catch_up(self, session: Session) -> None:
        # The counters are read first: what is released after that is read again by the next one who asks.
        now = dict(session.exec(select(CounterRow.lane, CounterRow.value)).all())
        if self._read is None:
            self._take(session.exec(select(EditionRow.code, EditionRow.state, EditionRow.released)))
        else:
            self._take_anew(session, {lane: self._read.get(lane, 0) for lane in now}, now)
        self._read = now

    def _take_anew(self, session: Session, before: Mapping[str, int], now: Mapping[str, int]) -> None:
        codes: set[str] = set()
        for lane, number in before.items():
            if now[lane] > number:
                released = (ReleaseRow.lane == lane, col(ReleaseRow.sequence) > number)
                keys = session.exec(select(ReleaseRow.key).where(*released).distinct())
                codes |= {key.partition(":")[2] for key in keys}
        wanted = sorted(codes)
        for start in range(0, len(wanted), CODES_A_STATEMENT):
            some = col(EditionRow.code).in_(wanted[start : start + CODES_A_STATEMENT])
            self._take(session.exec(select(EditionRow.code, EditionRow.state, EditionRow.released).where(some)))

    def _take(self, rows: Iterable[tuple[str, str, str | None]]) -> None:
        for code, state, released in rows:
            body = orjson.loads(released) if released and state == EditionState.RELEASED else {}
            self._replace(code, frozenset(((one.fact, one.what), one.value) for one in quotes(body)))

    def _replace(self, code: str, quoted: frozenset[tuple[Place, str]]) -> None:
        for place, value in self._quoted.pop(code, ()):
            self._said[place][value].discard(code)
        for place, value in quoted:
            self._said[place][value].add(code)
        if quoted:
            self._quoted[code] = quoted


def _told(value: str, codes: list[str]) -> str:
    return f"另有 {len(codes)} 份指南（如 {codes[0]}）是 {value}"
