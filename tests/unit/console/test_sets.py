"""The desk's sets: a state machine that goes on after a death at any step, and never leaves half a set on a channel."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session

from services.channels.core import store
from services.console.release.sets import Sets, SetState
from shared.errors import Conflict, Invalid
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.releasing import RELEASER, AsAdmin, releasing
from tests.harness.setting import SetOf
from tests.harness.wall_clock import WallClock

OLD, NEW = ["旧", "旧"], ["新", "新"]
MEMBERS = {"catalog": [{"code": code_of(1)}], "guides": [{"code": code_of(1)}]}
HOUR = timedelta(hours=1)


class Death(BaseException):
    """kill -9: nobody catches it."""


@pytest.fixture
def county(tmp_path):
    (tmp_path / "county").mkdir()
    with pipeline(tmp_path / "county", channels=["web"]) as made:
        made.release(item(1, "旧"))
        made.release(guide(1, "旧"))
        made.flow()
        SetOf(made, [item(1, "新")], [guide(1, "新")], at=now()).save()
        yield made


@pytest.fixture
def desk(tmp_path, county):
    with releasing(tmp_path / "desk", county) as made:
        yield made


@pytest.fixture
def clock(monkeypatch):
    return WallClock(monkeypatch, store)


def test_a_set_is_released_as_one(desk, county, clock):
    act = desk.sets.begin(RELEASER, MEMBERS, None, "同时调整")["act"]

    assert desk.settle(act) == SetState.COMPLETE
    assert names(county) == OLD
    clock.forward(HOUR)
    county.channels["web"].turn_pages()
    assert names(county) == NEW


def test_a_set_that_a_source_refuses_is_cancelled_with_the_reason(desk, county, clock):
    members = {"catalog": MEMBERS["catalog"], "guides": [{"code": code_of(9)}]}
    act = desk.sets.begin(RELEASER, members, None, None)["act"]

    assert desk.settle(act) == SetState.CANCELLED
    assert code_of(9) in desk.sets.read(act)["problem"]
    clock.forward(HOUR)
    county.channels["web"].turn_pages()
    assert names(county) == OLD


def test_a_set_waits_for_a_source_that_does_not_answer(desk, county, clock):
    desk.down.add("guides")
    act = desk.sets.begin(RELEASER, MEMBERS, now() + HOUR, None)["act"]
    assert desk.settle(act, 3) == SetState.PREPARING
    assert "恢复后自动继续" in desk.sets.read(act)["problem"]

    desk.down.clear()

    assert desk.settle(act) == SetState.COMPLETE


def test_a_set_is_stopped_before_it_is_complete(desk, county, clock):
    act = desk.sets.begin(RELEASER, MEMBERS, now() + HOUR, None)["act"]
    desk.sets.advance()
    desk.sets.cancel(RELEASER, act)

    assert desk.settle(act) == SetState.CANCELLED
    clock.forward(2 * HOUR)
    county.channels["web"].turn_pages()
    assert names(county) == OLD


def test_a_complete_set_is_undone_as_one(desk, county, clock):
    act = desk.sets.begin(RELEASER, MEMBERS, now() + HOUR, None)["act"]
    assert desk.settle(act) == SetState.COMPLETE
    with pytest.raises(Conflict, match="整组撤销"):
        desk.sets.cancel(RELEASER, act)

    undone = desk.sets.undo(RELEASER, act, "恢复原样")

    assert desk.settle(undone["act"]) == SetState.COMPLETE
    clock.forward(2 * HOUR)
    county.channels["web"].turn_pages()
    assert names(county) == OLD


def test_a_set_needs_members_and_a_time_to_come(desk):
    with pytest.raises(Invalid, match="至少"):
        desk.sets.begin(RELEASER, {}, None, None)
    with pytest.raises(Invalid, match="已经过去"):
        desk.sets.begin(RELEASER, MEMBERS, now() - HOUR, None)


@pytest.mark.parametrize("moment", range(18))
def test_a_death_before_or_after_any_commit_and_request_leaves_no_half_set(desk, county, clock, monkeypatch, moment):
    act = desk.sets.begin(RELEASER, MEMBERS, now() + HOUR, None)["act"]
    with dying_at(monkeypatch, moment):
        for _ in range(4):
            desk.sets.advance()
            county.flow()
    clock.forward(2 * HOUR)
    county.channels["web"].turn_pages()
    assert names(county) in (OLD, NEW)

    reborn = Sets(desk.made.db, desk.releasing.desk.services)
    for _ in range(6):
        reborn.advance()
        county.flow()
        county.channels["web"].turn_pages()
        assert names(county) in (OLD, NEW)
    assert reborn.read(act)["state"] == SetState.COMPLETE
    assert names(county) == NEW


@contextmanager
def dying_at(monkeypatch, moment):
    """Die at the `moment`th time that the desk is about to commit or to ask, or has done so."""
    left = [moment]

    def pass_by(*_session):
        if _session and "console" not in str(_session[0].get_bind().url):
            return
        left[0] -= 1
        if left[0] == -1:
            raise Death

    monkeypatch.setattr(AsAdmin, "passing", staticmethod(pass_by))
    for when in ("before_commit", "after_commit"):
        event.listen(Session, when, pass_by)
    try:
        yield
    except Death:
        pass
    finally:
        monkeypatch.setattr(AsAdmin, "passing", staticmethod(lambda: None))
        for when in ("before_commit", "after_commit"):
            event.remove(Session, when, pass_by)


def names(county):
    return [county.get(f"web/v1/{kind}/{code_of(1)}").json()["task_name"] for kind in ("items", "guides")]


def now():
    return datetime.now(UTC)
