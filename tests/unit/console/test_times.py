"""Every time that is typed at the desk is read by one rule: with its offset as written, without one as Beijing time."""

import re
from pathlib import Path

import pytest

from services.console.audit.asked import moment
from services.console.pages.times import form_time, moment_of, typed_time

CONSOLE = Path(__file__).parents[3] / "services" / "console"
FIELD = re.compile(r"forms\.field\([^\n]*datetime-local[^\n]*")


@pytest.mark.parametrize(
    "typed", ["2026-03-03T10:05", "2026-03-03T10:05+08:00", "2026-03-03T02:05Z", " 2026-03-03 10:05 "]
)
def test_the_same_moment_is_read_however_it_is_written(typed):
    assert moment_of(typed).timestamp() == moment_of("2026-03-03T02:05:00+00:00").timestamp()
    assert moment_of(typed_time(typed)) == moment_of(typed)
    assert moment(typed, whole_day=False) == moment_of(typed)


def test_a_time_goes_into_a_form_as_it_came_out_of_it():
    assert form_time(typed_time("2026-03-03T10:05")) == "2026-03-03T10:05"
    assert form_time("2026-03-03T10:05:00") == "2026-03-03T10:05"
    assert form_time(None) == ""


def test_what_is_no_time_stays_as_it_was_typed():
    assert typed_time("明天") == "明天"
    with pytest.raises(ValueError, match="明天"):
        moment_of("明天")


def test_every_field_for_a_time_says_whose_time_it_is():
    fields = [line for path in CONSOLE.rglob("*.html") for line in FIELD.findall(path.read_text(encoding="utf-8"))]

    assert len(fields) >= 8
    assert [line for line in fields if "北京时间" not in line] == []


def test_times_are_read_in_one_place():
    readers = [
        str(path.relative_to(CONSOLE))
        for path in CONSOLE.rglob("*.py")
        if "tzinfo=BEIJING" in path.read_text(encoding="utf-8")
    ]

    assert readers == ["pages/times.py"]
