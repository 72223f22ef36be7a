"""What a request asks of the logs, and who may ask."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from services.console.accounts.rights import may
from services.console.audit.logs import Search
from services.console.pages.times import NOT_A_TIME, moment_of
from shared.errors import Invalid, Violation
from shared.tokens.person import Person, StaffRole

PLACE = re.compile(r"([a-z]{1,16}):([1-9][0-9]{0,14})")
Reader = Annotated[Person, Depends(may(StaffRole.AUDITOR, StaffRole.ADMINISTRATOR))]
"""An administrator without the role of auditor sees what was changed about people, and nothing else."""

Auditor = Annotated[Person, Depends(may(StaffRole.AUDITOR))]

Text = Annotated[str, Query(max_length=160)]
Cursor = Annotated[str, Query(max_length=200, description="`next` of the previous page.")]


def search_of(
    actor: Text = "",
    thing: Text = "",
    action: Text = "",
    address: Text = "",
    since: Annotated[str, Query(alias="from", max_length=40)] = "",
    until: Annotated[str, Query(alias="to", max_length=40)] = "",
    log: Text = "",
) -> Search:
    """Return the search of a request. Times without an offset are Beijing time; a day as `to` counts whole.

    Raises `Invalid`, which names each field.
    """
    wrong = []
    times: dict[str, datetime | None] = {}
    for name, text in (("from", since.strip()), ("to", until.strip())):
        try:
            times[name] = moment(text, whole_day=name == "to") if text else None
        except (ValueError, OverflowError):
            wrong.append(Violation(name, "time", NOT_A_TIME, text))
    if wrong:
        raise Invalid(*wrong)
    return Search(actor.strip(), thing.strip(), action.strip(), address.strip(), times["from"], times["to"], log)


Wanted = Annotated[Search, Depends(search_of)]


def moment(text: str, *, whole_day: bool) -> datetime:
    """Return a moment. Raises `ValueError`."""
    found = moment_of(text)
    if whole_day and len(text) == len("2026-03-03"):
        found += timedelta(days=1)
    return found.astimezone(UTC)


def cursor_of(text: str) -> Mapping[str, int]:
    """Return the place of a cursor such as `catalog:120,guides:33`. Raises `Invalid`."""
    places: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        log, _, number = part.partition(":")
        if (
            not re.fullmatch("[a-z]{1,16}", log)
            or not number.isascii()
            or not number.isdigit()
            or len(number) > len(str(2**53))
        ):
            raise Invalid(Violation("before", "cursor", "use `next` of the previous page", text))
        places[log] = int(number)
    return places


def cursor_text(places: Mapping[str, int] | None) -> str | None:
    """Return the cursor of a place; None at the end."""
    return None if places is None else ",".join(f"{log}:{number}" for log, number in sorted(places.items()))
