"""The calendar of working days, in which legal deadlines are counted, from the holiday notices of each year."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from shared.errors import Invalid, Violation

# A fixed offset instead of zoneinfo: China has one time zone without summer time; slim images have no tz database.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")

_ONE_DAY = timedelta(days=1)
_MAX_DAYS = 3650


class TimeUnit(StrEnum):
    """时限单位 (promise_type, anticipate_type), domain section 4.2."""

    WORKING = "1"
    NATURAL = "2"


def local_date(moment: datetime) -> date:
    """Return the date of an aware time in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).date()


def start_of(day: date) -> datetime:
    """Return midnight at the start of `day` in Asia/Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


@dataclass(frozen=True)
class Calendar:
    """The working days. A year without a notice counts Monday to Friday, and `missing_years` reports it."""

    off_days: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()

    @classmethod
    def from_notices(cls, notices: Iterable[Mapping[str, Any]]) -> "Calendar":
        """Merge holiday notices of several years.

        Format of a notice: `{"year": 2020, "days": [{"name": "春节", "date": "2020-01-24", "isOffDay": true}, …]}`;
        other keys are ignored. A notice may contain days of the previous or the next year. One without days means that
        the year is not announced yet. Raises `Invalid` with every broken rule; fields are named like
        `2020.days[3].date`.
        """
        given = list(notices)
        violations = [v for index, notice in enumerate(given) for v in _check_notice(index, notice)]
        if violations:
            raise Invalid(*violations)
        if clashes := list(_clashes(given)):
            raise Invalid(*clashes)
        days = [(date.fromisoformat(row["date"]), row["isOffDay"]) for notice in given for row in notice["days"]]
        return cls(
            off_days=frozenset(day for day, off in days if off),
            make_up_days=frozenset(day for day, off in days if not off),
            years=frozenset(notice["year"] for notice in given if notice["days"]),
        )

    def is_working_day(self, day: date) -> bool:
        """Return whether `day` is a working day: Monday to Friday except holidays, or a made-up weekend day."""
        if day in self.off_days:
            return False
        return day in self.make_up_days or day.weekday() < 5

    def add_working_days(self, day: date, count: int) -> date:
        """Return the `count`-th working day after `day`; counting starts with the next working day. 0 returns `day`."""
        _check_count(count)
        while count > 0:
            day += _ONE_DAY
            count -= self.is_working_day(day)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Count the working days after `start` up to and including `end`, as `add_working_days` does.

        Negative if reversed.
        """
        if end < start:
            return -self.working_days_between(end, start)
        return sum(self.is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))

    def on_or_after(self, day: date) -> date:
        """Return `day`, or the next working day if the office is closed on it (民法典 art. 203)."""
        while not self.is_working_day(day):
            day += _ONE_DAY
        return day

    def deadline(self, day: date, count: int, unit: TimeUnit = TimeUnit.WORKING) -> date:
        """Return the last day of a period of `count` days that begins with an event on `day`; it never ends on a closed
        day.
        """
        _check_count(count)
        if unit == TimeUnit.NATURAL:
            return self.on_or_after(day + timedelta(days=count))
        return self.on_or_after(self.add_working_days(day, count))

    def missing_years(self, first: date, last: date) -> tuple[int, ...]:
        """Return the years of the span without a notice, whose working days are assumed."""
        return tuple(year for year in range(first.year, last.year + 1) if year not in self.years)


def _check_count(count: int) -> None:
    if not 0 <= count <= _MAX_DAYS:
        raise Invalid(Violation("count", "day-count", f"a period has 0 to {_MAX_DAYS} days", str(count)))


def _check_notice(index: int, notice: Any) -> Iterator[Violation]:
    if not isinstance(notice, Mapping):
        yield Violation(f"[{index}]", "calendar-object", "a holiday notice must be a JSON object")
        return
    year = notice.get("year")
    if type(year) is not int or not 1949 <= year <= 9998:
        yield Violation(f"[{index}].year", "calendar-year", "must be a whole number such as 2020", repr(year)[:40])
        return
    days = notice.get("days")
    if not isinstance(days, list):
        yield Violation(f"{year}.days", "calendar-days", "must be a list of days")
        return
    for position, row in enumerate(days):
        yield from _check_day(f"{year}.days[{position}]", year, row)


def _check_day(field: str, year: int, row: Any) -> Iterator[Violation]:
    if not isinstance(row, Mapping):
        yield Violation(field, "calendar-day", "must be an object with date and isOffDay")
        return
    flag = row.get("isOffDay")
    if not isinstance(flag, bool):
        yield Violation(
            f"{field}.isOffDay", "calendar-flag", "must be true (closed) or false (working day)", repr(flag)[:40]
        )
    day = _parse(row.get("date"))
    if day is None:
        yield Violation(
            f"{field}.date", "calendar-date", "must be a date such as 2020-01-24", repr(row.get("date"))[:40]
        )
    elif abs(day.year - year) > 1:
        yield Violation(f"{field}.date", "calendar-span", f"must be in {year - 1} to {year + 1}", day.isoformat())


def _parse(text: Any) -> date | None:
    if not isinstance(text, str) or len(text) != 10:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _clashes(notices: list[Mapping[str, Any]]) -> Iterator[Violation]:
    for year, times in Counter(notice["year"] for notice in notices).items():
        if times > 1:
            yield Violation(
                f"{year}.year", "calendar-year-once", "there is one notice per year: a second one replaces the first"
            )
    known: dict[str, bool] = {}
    for notice in notices:
        inside: set[str] = set()
        for position, row in enumerate(notice["days"]):
            field, day = f"{notice['year']}.days[{position}].date", row["date"]
            if day in inside:
                yield Violation(field, "calendar-date-once", "occurs twice in one notice", day)
            elif known.setdefault(day, row["isOffDay"]) != row["isOffDay"]:
                yield Violation(field, "calendar-agree", "another notice states the opposite for this day", day)
            inside.add(day)
