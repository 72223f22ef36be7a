"""Reads the facts of the indicators from the services that hold them, in bounded pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from contracts.base import Json
from contracts.topology import AUDITOR
from services.console.upstream.services import Services
from shared.errors import TongyuanError
from shared.tokens.person import Person

PAGE = 1000
MOST_PAGES = 100
NEWEST_ENTRIES = 200
"""The number of newest ledger entries over which the release lag is measured."""

ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Period:
    """Days of Asia/Shanghai, both included."""

    first: date
    last: date

    @classmethod
    def half(cls, name: str) -> "Period":
        """Return `2026-1` or `2026-2`, a half year. Raises `ValueError`."""
        year, _, number = name.partition("-")
        if number == "1":
            return cls(date(int(year), 1, 1), date(int(year), 6, 30))
        if number == "2":
            return cls(date(int(year), 7, 1), date(int(year), 12, 31))
        raise ValueError(name)

    @classmethod
    def half_of(cls, day: date) -> str:
        """Return the name of the half year of a day."""
        return f"{day.year}-{1 if day.month < 7 else 2}"  # July


@dataclass(frozen=True)
class Facts:
    """What was read, and when; `problems`: service → why it told nothing. What was not read is unknown, not zero."""

    at: datetime
    period: Period
    items: Sequence[Json] | None = None
    cases: Mapping[str, Json] | None = None
    audit: Json | None = None
    lags: Sequence[float] | None = None
    problems: Mapping[str, str] = field(default_factory=dict)


def read(services: Services, person: Person, period: Period) -> Facts:
    """Read everything; a service that does not answer is told in `problems`."""
    problems: dict[str, str] = {}

    def ask(service: str, what: Callable[[Callable[..., Any]], Any]) -> Any:
        def get(path: str, **params: Any) -> Any:
            return services.send("GET", service, path, person, params=params, timeout=ANSWER_SECONDS).content

        try:
            return what(get)
        except TongyuanError as error:
            problems[service] = str(error)[:300]
            return None

    return Facts(
        at=datetime.now(UTC),
        period=period,
        items=ask("catalog", _items),
        cases=ask("applications", lambda get: _cases(get, period)),
        audit=ask(AUDITOR, lambda get: get("report")),
        lags=ask("ledger", _lags),
        problems=problems,
    )


def _items(get: Callable[..., Any]) -> list[Json]:
    found: list[Json] = []
    after = ""
    for _ in range(MOST_PAGES):
        page = get("figures/items", after=after, limit=PAGE)
        found += page["items"]
        if page["next"] is None:
            break
        after = page["next"]
    return found


def _cases(get: Callable[..., Any], period: Period) -> dict[str, Json]:
    told = get("figures/cases", first=period.first.isoformat(), last=period.last.isoformat())
    return {one["item_code"]: one for one in told["items"]}


def _lags(get: Callable[..., Any]) -> list[float]:
    size = int(get("entries", limit=1)["size"])
    if size == 0:
        return []
    entries = get("entries", **{"from": max(size - NEWEST_ENTRIES + 1, 1), "limit": NEWEST_ENTRIES})["entries"]
    return [_seconds(one["released_at"], one["recorded_at"]) for one in entries]


def _seconds(first: str, second: str) -> float:
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()
