"""Earlier versions are read from the ledger once, however many ask for them at the same time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services.channels.api.cached import SingleFlight
from services.channels.pages.version_history import VersionHistory
from shared.errors import Unavailable, UpstreamDown
from tests.harness.pipeline import Pipeline, code_of, item, pipeline

READERS = 12
KEY = f"item:{code_of(1)}"


class SlowLedger:
    """A channel's ledger whose histories are read only when all readers have asked."""

    def __init__(self, ledger: Any, fails: bool = False) -> None:
        self._ledger, self._fails = ledger, fails
        self.histories = 0
        self.go_on = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def history(self, key: str) -> Iterator[Any]:
        self.histories += 1
        self.go_on.wait(30)
        if self._fails:
            raise UpstreamDown("the ledger is away")
        yield from self._ledger.history(key)


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path, channels=("web",)) as made:
        made.release(item(1, "旧名"))
        made.release(item(1, "新名"))
        made.flow()
        yield made


def asked_together(history: VersionHistory, ledger: SlowLedger) -> list[Any]:
    """Ask from many threads; let the ledger answer once all of them wait."""
    waiting = threading.Barrier(READERS + 1)

    def ask(_number: int) -> Any:
        waiting.wait(30)
        try:
            return history.step(KEY)
        except Unavailable as error:
            return error

    with ThreadPoolExecutor(READERS) as readers:
        asked = [readers.submit(ask, number) for number in range(READERS)]
        waiting.wait(30)
        ledger.go_on.set()
        return [one.result() for one in asked]


def test_many_who_open_a_page_at_once_read_the_ledger_once(county: Pipeline) -> None:
    channel = county.channels["web"]
    channel.ledger = ledger = SlowLedger(channel.ledger)
    steps = asked_together(VersionHistory(channel), ledger)

    assert [(step.before["name"], step.now["name"]) for step in steps] == [("旧名", "新名")] * READERS
    assert ledger.histories == 1


def test_an_error_is_told_to_all_who_asked(county: Pipeline) -> None:
    channel = county.channels["web"]
    channel.ledger = ledger = SlowLedger(channel.ledger, fails=True)
    answers = asked_together(VersionHistory(channel), ledger)

    assert {type(answer) for answer in answers} == {Unavailable}
    assert ledger.histories == 1


def test_what_was_computed_together_is_not_kept() -> None:
    flight, made = SingleFlight[str, int](), []
    for number in range(3):
        assert flight.get("key", lambda number=number: made.append(number) or number) == number
    assert made == [0, 1, 2]
