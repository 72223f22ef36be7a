"""Days in the county's time zone: a planned date begins at midnight, Asia/Shanghai."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

COUNTY_TIME = ZoneInfo("Asia/Shanghai")


def begin(day: date) -> datetime:
    """Return the moment at which a day begins in the county, in UTC."""
    return datetime.combine(day, time(), COUNTY_TIME).astimezone(UTC)


def today(now: datetime) -> date:
    """Return the county's date at a moment."""
    return now.astimezone(COUNTY_TIME).date()
