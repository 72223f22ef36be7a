"""The audit logs of the desk and of the sources, read as one list, newest first.

An auditor sees all of them; an administrator without that role only what was changed about people.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contracts.base import Json, format_time
from contracts.codes.identifiers import ITEM_CODE_LENGTHS
from contracts.topology import CONSOLE, SOURCES, SUBSCRIPTIONS
from services.console.accounts.changes import ACCOUNT
from services.console.desk import Desk
from shared.audit.queries import AuditFilter, page
from shared.errors import Invalid, TongyuanError, Violation
from shared.tokens.person import Person, StaffRole

LEDGER = "ledger"
KIND_OF: Mapping[str, str] = {
    "catalog": "item",
    "guides": "guide",
    "applications": "application",
    LEDGER: "key",
    SUBSCRIPTIONS: "subscription",
}
"""Kind of the objects of a log that people search by code or name; of a channel it is a screen."""
SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; empty or None: anything. Exact names; `since` inclusive, `until` exclusive.

    `thing`: a code, an account, or an object such as `act:catalog-set-1`. `log`: the service that keeps it.
    """

    actor: str = ""
    thing: str = ""
    action: str = ""
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None
    log: str = ""

    def object_in(self, log: str) -> str | None:
        """Return the name under which a log knows `thing`; None: anything."""
        if not self.thing or ":" in self.thing:
            return self.thing or None
        if log == CONSOLE:
            return f"{'preview' if len(self.thing) in ITEM_CODE_LENGTHS else ACCOUNT}:{self.thing}"
        return f"{KIND_OF.get(log, SCREEN)}:{self.thing}"


@dataclass(frozen=True, slots=True)
class Found:
    """Rows, each with its `log`; `following`: where the next page begins, None at the end.

    `problems`: log → why it did not answer; the list has none of its rows.
    """

    rows: list[Json]
    following: Mapping[str, int] | None
    problems: Mapping[str, str]


class AuditLogs:
    """Reads the logs as a person."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.names = (CONSOLE, *SOURCES, LEDGER, *desk.channels, SUBSCRIPTIONS)

    def find(self, person: Person, wanted: Search, before: Mapping[str, int], limit: int) -> Found:
        """Return the newest rows; `before`: by log, the number of the last row of the previous page."""
        candidates: list[Json] = []
        problems: dict[str, str] = {}
        for log in self.of(person, wanted):
            try:
                candidates += [{"log": log, **row} for row in self.rows(person, log, wanted, before.get(log), limit)]
            except TongyuanError as error:
                problems[log] = str(error) or type(error).__name__
        candidates.sort(key=lambda row: (row["at"], row["sequence"]), reverse=True)
        shown = candidates[:limit]
        # A log without a row on this page goes on where it stood.
        following = {**before, **{row["log"]: row["sequence"] for row in shown}}
        return Found(shown, following if len(shown) == limit else None, problems)

    def every(self, person: Person, wanted: Search, size: int) -> Iterator[list[Json]]:
        """Yield all rows in pages of `size`. Raises what a log answers, at the page that lacks it."""
        before: Mapping[str, int] | None = {}
        while before is not None:
            found = self.find(person, wanted, before, size)
            for log in found.problems:
                # Ask again, so that its error is raised.
                self.rows(person, log, wanted, before.get(log), 1)
            yield found.rows
            before = found.following

    def of(self, person: Person, wanted: Search) -> list[str]:
        """Return the logs that the person may search. Raises `Invalid` for a log that there is not."""
        if wanted.log and wanted.log not in self.names:
            raise Invalid(Violation("log", "choice", f"日志是 {'、'.join(self.names)} 之一", wanted.log))
        mine = self.names if StaffRole.AUDITOR in person.roles else (CONSOLE,)
        return [log for log in mine if wanted.log in ("", log)]

    def rows(self, person: Person, log: str, wanted: Search, before: int | None, limit: int) -> list[Json]:
        """Return rows of one log, newest first. Raises what its service answers."""
        if log == CONSOLE:
            named = AuditFilter(
                wanted.actor or None, wanted.action or None, wanted.object_in(log), wanted.since, wanted.until,
                wanted.address or None,
            )  # fmt: skip
            if StaffRole.AUDITOR not in person.roles:
                named = replace(named, kind=ACCOUNT)
            with self._desk.db.read() as session:
                return page(session, named, before, limit, with_changes=True)
        params: dict[str, Any] = {
            "actor": wanted.actor,
            "action": wanted.action,
            "object": wanted.object_in(log),
            "address": wanted.address,
            "from": wanted.since and format_time(wanted.since),
            "to": wanted.until and format_time(wanted.until),
            "before": before,
            "limit": limit,
        }
        asked = {name: value for name, value in params.items() if value}
        found: list[Json] = self._desk.services.get(log, "audit", person, **asked).content["rows"]
        return found
