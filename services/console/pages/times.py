"""Times that people type: one reader for every form and address of the desk.

The rule: a time with an offset is taken as it is written; one without is the county's time, which is Beijing time.
"""

from datetime import datetime

from shared.text.dates import BEIJING

NOT_A_TIME = "请填日期和时间，例如 2026-03-03T10:05；没有写时区的按北京时间"


def moment_of(text: str) -> datetime:
    """Return the moment of a typed time or day (its beginning). Raises `ValueError`, `OverflowError`."""
    found = datetime.fromisoformat(text.strip())
    return found if found.tzinfo else found.replace(tzinfo=BEIJING)


def typed_time(text: str) -> str:
    """Return a typed time as RFC 3339; what is no time is left as it is, and refused at its field."""
    try:
        return moment_of(text).isoformat()
    except (ValueError, OverflowError):
        return text


def form_time(moment: str | None) -> str:
    """Return a time as a form's field of type datetime-local shows it, in Beijing time; "" for none."""
    return f"{moment_of(moment).astimezone(BEIJING):%Y-%m-%dT%H:%M}" if moment else ""
