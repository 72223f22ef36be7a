"""Clocks that step: order, versions and heads follow numbers, never the time; only what has a date follows the clock.

The clock of one part is set by replacing `datetime` in its module: the kernel here lets nobody set the wall clock of a
single process (a time namespace has the monotonic clocks only).
"""

from datetime import UTC, datetime, timedelta

import pytest

from services.channels.api import queries as channel_queries
from services.channels.core import store as channel_store
from services.ledger.log import append as ledger_commands
from services.ledger.signing import heads
from shared.feeds import outbox
from tests.harness.invariants import judge
from tests.harness.pipeline import code_of, item, shown
from tests.harness.simulation import simulated

PARTS = {"source": outbox, "ledger": ledger_commands, "channel": channel_store}
STEPS = (timedelta(hours=-1), timedelta(hours=1), timedelta(days=-1), timedelta(days=3650))


def clock_of(step):
    """`datetime` in a process whose clock is wrong by so much."""

    class Stepped(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + step

    return Stepped


@pytest.fixture
def run(tmp_path):
    with simulated(tmp_path) as made:
        made.honest = True
        yield made


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_clock_that_steps_moves_nothing_in_the_order(run, monkeypatch, part, step):
    run.edit(1, "release")
    run.county.flow()
    monkeypatch.setattr(PARTS[part], "datetime", clock_of(step))
    run.edit(1, "release")
    run.edit(2, "release")
    run.county.flow()
    run.look()
    monkeypatch.undo()
    run.edit(1, "withdraw")
    run.edit(2, "release")
    run.heal()

    judge(run.history)


def test_a_sources_clock_does_not_decide_when_something_is_shown(run, monkeypatch):
    monkeypatch.setattr(outbox, "datetime", clock_of(timedelta(hours=1)))
    run.county.release(item(1))
    run.county.flow()

    assert shown(run.county.get("web/v1/items")) == [code_of(1)]


def test_a_channel_whose_clock_goes_back_shows_nothing_that_was_over(run, monkeypatch):
    over = datetime.now(UTC) - timedelta(minutes=30)
    run.county.release(item(1), expires_at=datetime.now(UTC) + timedelta(hours=2))
    run.edit(2, "release")
    run.county.emit("catalog", f"item:{code_of(3)}", item(3).model_dump(mode="json"), expires_at=over)
    run.county.flow()
    for module in (channel_store, channel_queries):
        monkeypatch.setattr(module, "datetime", clock_of(timedelta(hours=-1)))
    # A process that has just started looks at once.
    run.restart()
    run.county.channels["web"].turn_pages()
    meanwhile = shown(run.county.get("web/v1/items"))
    monkeypatch.undo()

    assert meanwhile == shown(run.county.get("web/v1/items")) == [code_of(1), code_of(2)]


def test_a_head_signed_by_a_clock_that_was_ahead_does_not_stop_the_heads_after_it(run, monkeypatch):
    run.edit(1, "release")
    monkeypatch.setattr(heads, "datetime", clock_of(timedelta(hours=1)))
    run.county.flow()
    monkeypatch.undo()
    run.edit(2, "release")
    run.heal()

    assert run.county.get("web/v1/position").json()["head"]["size"] == 2
    judge(run.history)
