"""What waits for a department: readers' feedback about its guides, its cases by promised day; and vain searches."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from contracts.base import Json
from services.console.operations.readings import KIOSK, getting
from services.console.upstream.services import Services
from shared.errors import TongyuanError
from shared.text.dates import BEIJING
from shared.tokens.person import Person

MOST_SHOWN = 200


class Inbox:
    """Reads these lists as a person; one with departments sees only what concerns their items."""

    def __init__(self, services: Services, channels: Iterable[str]) -> None:
        self._services, self._channels = services, tuple(channels)

    def feedback(self, person: Person, state: str | None, after: int = 0) -> Json:
        """Return feedback in order of arrival; `open`: how many are open; `next`: where to go on, null at the end.

        For several departments it is the beginning of each. Raises what guides answers.
        """
        asked: Json = {"limit": MOST_SHOWN, "after": after, **({"state": state} if state else {})}
        pages = [
            getting(self._services, "guides", person)("feedback", **asked, **({"unit": unit} if unit else {}))
            for unit in _units(person)
        ]
        rows = sorted((row for page in pages for row in page["feedback"]), key=lambda row: int(row["number"]))
        following = [page["next"] for page in pages if page["next"] is not None]
        return {
            "feedback": rows[:MOST_SHOWN],
            "open": sum(page["open"] for page in pages),
            "next": following[0] if len(pages) == 1 and following else None,
        }

    def settle(self, person: Person, feedback_id: str, answer: str) -> Json:
        """Answer feedback; without an answer, close it. Raises what guides answers."""
        step, body = ("answer", {"answer": answer}) if answer else ("close", None)
        found: Json = self._services.post("guides", f"feedback/{feedback_id}/{step}", person, body).content
        return found

    def deadlines(self, person: Person, days: int) -> Json:
        """Return the cases under review that promise a day within `days`, and those whose day has passed.

        Raises what applications answers.
        """
        today = datetime.now(BEIJING).date()
        until = today + timedelta(days=days)

        def asked(*, over: bool) -> Json:
            params: dict[str, Any] = {"until": until.isoformat(), "over": over, "limit": MOST_SHOWN}
            pages = [
                getting(self._services, "applications", person)("deadlines", unit=unit, **params)
                for unit in _units(person)
            ]
            cases = sorted((case for page in pages for case in page["cases"]), key=lambda case: str(case["day"]))
            left = [
                {**case, "left": (datetime.fromisoformat(case["day"]).date() - today).days}
                for case in cases[:MOST_SHOWN]
            ]
            return {"cases": left, "count": sum(page["count"] for page in pages)}

        return {"today": today.isoformat(), "until": until.isoformat(), "over": asked(over=True),
                "due": asked(over=False)}  # fmt: skip

    def searches(self, person: Person) -> Json:
        """Return queries that found nothing, of all channels together, and channels that do not answer."""
        counts: dict[str, dict[str, int]] = {}
        since: dict[str, str] = {}
        problems: dict[str, str] = {}
        for name in self._channels:
            try:
                told = getting(self._services, name, person)("unanswered")
            except TongyuanError as error:
                problems[name] = str(error)
                continue
            since[name] = told["since"]
            for one in told["queries"]:
                counts.setdefault(one["query"], {})[name] = one["count"]
        queries = [{"query": query, "count": sum(by.values()), "channels": by} for query, by in counts.items()]
        queries.sort(key=lambda one: (-_number(one["count"]), str(one["query"])))
        return {"queries": queries, "since": since, "problems": problems}

    def screens(self, person: Person) -> Json:
        """Return the screens of the hall. Raises what the kiosk answers."""
        found: Json = getting(self._services, KIOSK, person)("screens")
        return found


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _units(person: Person) -> list[str]:
    return sorted(person.departments) or [""]


def states(found: Mapping[str, Any]) -> Mapping[str, int]:
    """Count screens by state."""
    counted: dict[str, int] = {}
    for screen in found["screens"]:
        counted[screen["state"]] = counted.get(screen["state"], 0) + 1
    return counted
