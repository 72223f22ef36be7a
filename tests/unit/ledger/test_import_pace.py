"""Imports wait for the slowest channel, but not for one that stands still."""

import pytest

from services.ledger.log import intake
from services.ledger.log.intake import LONGEST_PAUSE, ImportPace

LIMIT = 100


class Place:
    """A ledger and its channels, at a clock of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, size: int, *channels: int) -> None:
        self.size, self.channels, self.asked, self.clock = size, list(channels), 0, 1000.0
        monkeypatch.setattr(intake.time, "monotonic", lambda: self.clock)
        self.pace = ImportPace(lambda: self.size, self.positions, LIMIT)

    def positions(self) -> list[int]:
        self.asked += 1
        return self.channels


def test_an_import_waits_while_a_channel_is_far_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(monkeypatch, 1_000, 1_000, 899)
    assert not place.pace.is_ready()
    place.channels[1] = 900
    assert place.pace.is_ready()


def test_while_every_channel_is_near_none_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(monkeypatch, 1_000, 1_000, 1_000)
    assert place.pace.is_ready()
    for place.size in range(1_000, 1_101):
        assert place.pace.is_ready()
    assert place.asked == 1


def test_a_channel_that_stands_still_is_waited_for_once_and_again_after_it_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Place(monkeypatch, 1_000, 1_000, 5)
    assert not place.pace.is_ready()
    place.clock += LONGEST_PAUSE - 1
    assert not place.pace.is_ready()
    place.clock += 2
    place.pace.is_ready()
    assert place.pace.is_ready(), "it was given up"

    place.channels[1], place.size = 6, 2_000
    assert not place.pace.is_ready(), "it moves again"


def test_without_an_answer_from_any_channel_imports_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Place(monkeypatch, 1_000).pace.is_ready()
