"""Parses opening hours (办理时间) from a guide's free text, so that a screen can say “open now”. Pure.

A text that is not understood completely gives None, and people read the text instead: no answer is better than a wasted
trip. Legal holidays are not considered; whoever displays the result must say so.
"""

import re
from dataclasses import dataclass, field

from contracts.base import Json

WEEK = [1, 2, 3, 4, 5, 6, 7]
"""Monday is 1, as in ISO 8601."""

_DAYS: dict[str, list[int]] = {
    "工作日": WEEK[:5],
    "周一至周五": WEEK[:5],
    "星期一至星期五": WEEK[:5],
    "周一至周六": WEEK[:6],
    "周一至周日": WEEK,
    "每天": WEEK,
    "每日": WEEK,
    "周六": [6],
    "周日": [7],
    "周末": [6, 7],
}
_CLAUSE = re.compile(r"[；;。]")
_ALWAYS = re.compile(r"^(全天|7[×x*]24小时|24小时|全天24小时)(（含节假日）)?(服务|开放)?$")
_SUMMER = re.compile(r"（夏令时(?P<spans>[^）]*)）")
_SPAN = re.compile(r"(上午|下午|晚上)?(\d{1,2})[:：](\d{2})(?:[-—–－~～至到]+)(上午|下午|晚上)?(\d{1,2})[:：](\d{2})")
_NOON = 12


@dataclass(slots=True)
class _Found:
    """The parsed clauses: spans by day, spans that apply in summer, and days about which nothing certain is stated."""

    spans: dict[int, list[list[str]]] = field(default_factory=dict)
    summer: dict[int, list[list[str]]] = field(default_factory=dict)
    unsure: set[int] = field(default_factory=set)


def opening(hours: str | None) -> Json | None:
    """Return `{"week": {"1": [["08:30", "12:00"], …], …}, "summer": {…} | null, "unsure": [6]}`; None if not
    understood.

    A day in none of them is closed. `summer` replaces `week` for part of the year, on dates that the text does
    not give. `unsure`: the text mentions the day without a time (周六上午预约办理).
    """
    text = re.sub(r"\s+", "", hours or "")
    if _ALWAYS.match(text):
        return {"week": {str(day): [["00:00", "24:00"]] for day in WEEK}, "summer": None, "unsure": []}
    found = _Found()
    clauses = [clause for clause in _CLAUSE.split(text) if clause]
    if not clauses or not all(_take(clause, found, first=at == 0) for at, clause in enumerate(clauses)):
        return None
    summer = {str(day): spans for day, spans in (found.spans | found.summer).items()} if found.summer else None
    week = {str(day): spans for day, spans in found.spans.items()}
    return {"week": week, "summer": summer, "unsure": sorted(found.unsure - found.spans.keys())}


def _take(clause: str, found: _Found, *, first: bool) -> bool:
    """Parse one clause. Return False if it is not understood and could change the result."""
    name = next((name for name in sorted(_DAYS, key=len, reverse=True) if clause.startswith(name)), None)
    if name is None:
        # A clause without a known day (2月14日照常办理) can only open on days that would be closed.
        found.unsure |= set() if first else set(WEEK)
        return not first
    rest = clause.removeprefix(name)
    other = _SUMMER.search(rest)
    spans = _spans(_SUMMER.sub("", rest))
    if spans is None:
        found.unsure |= set(_DAYS[name])
        return not first
    for day in _DAYS[name]:
        found.spans[day] = spans
    if other:
        changed = _spans(other["spans"])
        if changed is None:
            return False
        for day in _DAYS[name]:
            found.summer[day] = _afternoon_changed(spans, changed)
    return True


def _spans(text: str) -> list[list[str]] | None:
    """`上午8:30—12:00，下午1:30—5:30` → times of a 24-hour clock; None if the text contains anything else."""
    if re.sub(r"[，,、和]", "", _SPAN.sub("", text)):
        return None
    spans = [
        [_time(half, hour, minute), _time(other or half, end, last)]
        for half, hour, minute, other, end, last in _SPAN.findall(text)
    ]
    good = spans and all("00:00" <= begin < end <= "24:00" for begin, end in spans)
    return spans if good else None


def _time(half: str, hour: str, minute: str) -> str:
    late = _NOON if half in ("下午", "晚上") and int(hour) < _NOON else 0
    return f"{int(hour) + late:02}:{minute}"


def _afternoon_changed(spans: list[list[str]], changed: list[list[str]]) -> list[list[str]]:
    """Return the spans with those of summer replacing the ones in the same half of the day."""
    halves = {begin >= "12:00" for begin, _ in changed}
    return sorted([span for span in spans if (span[0] >= "12:00") not in halves] + changed)
