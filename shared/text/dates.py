"""Dates and times as written in China: Beijing time, in both languages."""

from datetime import date, datetime, timedelta, timezone

from markupsafe import Markup

from shared.text.bilingual import t

BEIJING = timezone(timedelta(hours=8))
"""Asia/Shanghai has had no summer time since 1991, so no time zone files are needed."""


def day(value: str | date) -> Markup:
    """Format a date or its ISO 8601 text: `2026年3月1日`, in English `1 March 2026`."""
    given = date.fromisoformat(value) if isinstance(value, str) else value
    return t(f"{given.year}年{given.month}月{given.day}日", f"{given.day} {given:%B} {given.year}")


def moment_day(moment: datetime) -> Markup:
    """Format the day of a moment, like `day`."""
    return day(moment.astimezone(BEIJING).date())


def minute(value: str | datetime) -> Markup:
    """Format a moment or its RFC 3339 text: `2026年3月1日 09:05`, in English `1 March 2026, 09:05`."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    there = moment.astimezone(BEIJING)
    return t(
        f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}",
        f"{there.day} {there:%B} {there.year}, {there:%H:%M}",
    )


def clock(moment: str) -> str:
    """`2026-03-01T01:05:00.000000Z` → `09:05`."""
    return f"{datetime.fromisoformat(moment).astimezone(BEIJING):%H:%M}"
