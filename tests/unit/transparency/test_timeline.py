"""The one rule of time says how each version stands, and agrees with what a reader would have seen moment by moment."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.kinds import Op
from shared.transparency.timeline import Standing, Term, Timed, in_force, is_overtaken, shows, stands, term

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def release(version, hours=-9, ends=None, *, scheduled=False):
    return Timed(version, Op.RELEASE, NOW + hours * HOUR, None if ends is None else NOW + ends * HOUR, scheduled)


def withdrawal(version):
    return Timed(version, Op.WITHDRAW, NOW - HOUR)


FIRST = release(1)
THEN = NOW - 9 * HOUR


@pytest.mark.parametrize(
    ("one", "others", "item", "expected"),
    [
        pytest.param(FIRST, [], None, Term(Standing.IN_FORCE, 1, THEN), id="alone"),
        pytest.param(FIRST, [], [], Term(Standing.IN_FORCE, 1, THEN), id="nothing known of its item"),
        pytest.param(release(1, ends=2), [], None, Term(Standing.IN_FORCE, 1, THEN, NOW + 2 * HOUR), id="ends later"),
        pytest.param(release(1, ends=0), [], None, Term(Standing.EXPIRED, 1, THEN, NOW), id="ends now"),
        pytest.param(FIRST, [release(2, -1)], None, Term(Standing.SUPERSEDED, 1, THEN, NOW - HOUR, 2), id="replaced"),
        pytest.param(
            FIRST, [release(2, 3, scheduled=True)], None, Term(Standing.IN_FORCE, 1, THEN, NOW + 3 * HOUR), id="planned"
        ),
        pytest.param(FIRST, [withdrawal(2)], None, Term(Standing.WITHDRAWN, 1, THEN, NOW - HOUR, 2), id="withdrawn"),
        pytest.param(
            release(2, 3, scheduled=True), [], None, Term(Standing.NOT_YET, 2, NOW + 3 * HOUR), id="planned itself"
        ),
        pytest.param(
            release(1, 3, scheduled=True),
            [release(2, -1)],
            None,
            Term(Standing.SUPERSEDED, 1, None, NOW - HOUR, 2),
            id="overtaken before its time",
        ),
        pytest.param(
            FIRST, [], [release(1, ends=4)], Term(Standing.IN_FORCE, 1, THEN, NOW + 4 * HOUR), id="until its item ends"
        ),
        pytest.param(FIRST, [], [release(1, ends=-1)], Term(Standing.DEPARTED, 1, THEN, NOW - HOUR), id="item ended"),
        pytest.param(
            FIRST,
            [],
            [release(1), withdrawal(2)],
            Term(Standing.DEPARTED, 1, THEN, NOW - HOUR),
            id="item withdrawn",
        ),
        pytest.param(FIRST, [], [release(1, 5, scheduled=True)], Term(Standing.DEPARTED, 1, THEN), id="item not begun"),
    ],
)
def test_how_a_version_stands(one, others, item, expected):
    assert term(one, [one, *others], NOW, item) == expected


hours = st.integers(-6, 6)


@st.composite
def histories(draw):
    """Draw the versions of a key, recorded one after another and some of them planned."""
    recorded = sorted(draw(st.lists(st.integers(-6, 2), max_size=5)))
    made = []
    for number, hour in enumerate(recorded, 1):
        start, end = draw(st.none() | hours), draw(st.none() | hours)
        scheduled = start is not None and start > hour
        ends = None if end is None else NOW + end * HOUR
        made.append(
            Timed(number, draw(st.sampled_from(Op)), NOW + (start if scheduled else hour) * HOUR, ends, scheduled)
        )
    return made


@given(histories().filter(bool), histories() | st.none(), hours)
def test_exactly_what_counts_and_shows_is_in_force_and_only_while_its_item_stands(versions, item, hour):
    now = NOW + hour * HOUR
    current = in_force(versions, now)
    shown = current if current and shows(current, now) and (not item or stands(item, now)) else None

    standing = [one for one in versions if term(one, versions, now, item).standing == Standing.IN_FORCE]

    assert standing == ([shown] if shown else [])


@given(histories().filter(bool), histories())
def test_what_is_in_force_stays_so_until_the_moment_that_is_named(versions, item):
    for one in versions:
        found = term(one, versions, NOW, item)
        if found.standing == Standing.IN_FORCE:
            later = [NOW + half * HOUR / 2 for half in range(16)]
            kept = [term(one, versions, at, item).standing == Standing.IN_FORCE for at in later]
            assert all(stay for at, stay in zip(later, kept, strict=True) if found.until is None or at < found.until)
            assert not any(stay for at, stay in zip(later, kept, strict=True) if at == found.until)


@given(histories())
def test_what_was_overtaken_never_counts(versions):
    counted = {in_force(versions, NOW + half * HOUR / 2) for half in range(-14, 15)}

    assert not [one for one in versions if one in counted and is_overtaken(one, versions)]
