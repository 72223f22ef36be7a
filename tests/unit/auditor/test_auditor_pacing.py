"""The auditor completes its round in time when nobody else waits, and slows down when somebody does."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.auditor.inspection.pacing import CALM_SECONDS, RequestPace, Stopped, Turn

ITEMS, CHANNELS, QUESTIONS = 2_135, 4, 3
INTERVAL = 600.0


class Time:
    """A clock that advances when somebody waits; replaces the event that stops the auditor."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return False


def pace_of(time: Time, rate: float = 20, peak: float = 80) -> RequestPace:
    return RequestPace(rate, peak, time, time)  # type: ignore[arg-type]  # it waits like an event


def walk(pace: RequestPace, time: Time, answer, items: int = ITEMS) -> float:
    """Return the seconds of one whole round; `answer()` is the duration of the next answer."""
    turn = Turn([str(number) for number in range(items)], began=time.now)
    while not turn.is_done():
        pace.need(1.1 * turn.needs(QUESTIONS * CHANNELS, time.now, INTERVAL))
        for _ in range(QUESTIONS * CHANNELS):
            pace.wait()
            taken = answer()
            time.now += taken
            pace.took("web items", taken)
        turn.at += 1
    return time.now - turn.began


def test_a_county_of_2135_items_has_its_turn_within_the_interval_while_answers_are_quick():
    time = Time()
    assert walk(pace_of(time), time, lambda: 0.005) < INTERVAL


def test_a_small_county_is_never_asked_faster_than_the_base_rate():
    time = Time()
    pace = pace_of(time)
    taken = walk(pace, time, lambda: 0.005, items=50)

    assert pace.rate == 20
    assert taken >= (50 * QUESTIONS * CHANNELS - 1) / 20


def test_while_answers_are_slow_the_base_rate_counts_and_the_turn_takes_longer():
    time = Time()
    pace = pace_of(time)
    for _ in range(100):
        pace.took("web items", 0.005)
    slow = walk(pace, time, lambda: 0.045, items=300)

    assert slow >= (300 * QUESTIONS * CHANNELS - 1) / 20
    assert pace.rate == 20


def test_it_is_fast_again_when_they_are_quick_again():
    time = Time()
    pace = pace_of(time)
    pace.need(60)
    for seconds in (0.005, 0.5, 0.5):
        pace.took("web items", seconds)
    assert pace.rate == 20
    for _ in range(100):
        pace.took("web items", 0.005)
    time.now += CALM_SECONDS
    assert pace.rate == 60


def test_a_page_that_takes_longer_than_a_document_is_no_sign_of_anything():
    pace = pace_of(Time())
    pace.need(60)
    for _ in range(100):
        pace.took("web v1", 0.003)
        pace.took("web items", 0.050)
    assert pace.rate == 60


def test_a_machine_that_has_become_slower_for_good_is_not_spared_for_ever():
    time = Time()
    pace = pace_of(time)
    pace.need(60)
    pace.took("web items", 0.005)
    for _ in range(5_000):
        time.now += 0.1
        pace.took("web items", 0.060)
    assert pace.rate == 60


@settings(max_examples=100, deadline=None)
@given(
    answers=st.lists(st.floats(0, 2), min_size=1, max_size=50),
    wanted=st.lists(st.floats(0, 5_000), min_size=1, max_size=5),
)
def test_in_no_second_are_there_more_requests_than_the_peak(answers, wanted):
    time = Time()
    pace = pace_of(time)
    asked = []
    for number, taken in enumerate(answers * 4):
        pace.need(wanted[number % len(wanted)])
        pace.wait()
        asked.append(time.now)
        time.now += taken
        pace.took("web items", taken)
        assert 20 <= pace.rate <= 80
    assert all(later - earlier > 1 - 1e-6 for earlier, later in zip(asked, asked[81:], strict=False))


def test_a_peak_below_the_base_rate_does_not_count():
    pace = pace_of(Time(), rate=100, peak=10)
    pace.need(10_000)
    assert pace.rate == 100


def test_waiting_ends_when_it_is_told_to_stop():
    stop = threading.Event()
    pace = RequestPace(0.001, 1, stop)
    pace.wait()
    stop.set()
    with pytest.raises(Stopped):
        pace.wait()
