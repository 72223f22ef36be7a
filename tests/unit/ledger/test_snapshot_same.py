"""A channel started from a snapshot holds, to the byte, what reading every entry gives."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.channels.recovery.drill import Drill
from services.channels.recovery.rebuild import Rebuild
from services.channels.trust import snapshot
from services.ledger.erasure.retention import compact, erase
from services.ledger.snapshots.tree import SnapshotTree
from shared.database.engine import Database
from shared.errors import Conflict, NotFound
from shared.transparency.canonical import canonical
from shared.transparency.merkle import leaf_hash
from shared.transparency.merkle_in_memory import Layers, RunningRoot
from tests.harness.actors import TESTER
from tests.harness.ledgers import NEVER, WrittenLedger, held
from tests.harness.old_ledger import migrated
from tests.harness.pipeline import code_of, guide, item, progress

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CASE = f"application:{'c' * 64}"
BODIES = {
    f"item:{code_of(1)}": item(1).model_dump(mode="json"),
    f"item:{code_of(2)}": item(2).model_dump(mode="json"),
    f"guide:{code_of(1)}": guide(1).model_dump(mode="json"),
    CASE: progress().model_dump(mode="json"),
}
POISON = {"task_name": 7}
PERIODS = {
    "at once": {},
    "tomorrow": {"effective_at": DAY},
    "the day after": {"effective_at": 2 * DAY},
    "since yesterday": {"effective_at": -DAY},
    "until tomorrow": {"expires_at": DAY},
    "until an hour ago": {"expires_at": -HOUR},
    "tomorrow for a day": {"effective_at": DAY, "expires_at": 2 * DAY},
}
acts = st.tuples(
    st.sampled_from(sorted(BODIES)),
    st.sampled_from(["release", "release", "release", "poison", "spoilt", "withdraw"]),
    st.sampled_from(sorted(PERIODS)),
)
chores = st.sampled_from(["erase", "compact", "state", "go on"])
histories = st.lists(st.one_of(acts, acts, acts, chores), min_size=1, max_size=25)


@pytest.fixture
def made(tmp_path):
    with closing(WrittenLedger(tmp_path)) as ledger:
        yield ledger


def body_of(key, number):
    return BODIES[key] if key == CASE else {**BODIES[key], "task_name": f"第{number}版"}


def play(made, step, number):
    """Play one step of a history; an impossible one is left out."""
    if step == "erase":
        try:
            erase(made.db, CASE, "个人信息保护法第四十七条", "档案室", TESTER)
        except (Conflict, NotFound):
            return
    elif step == "compact":
        compact(made.db, timedelta(0), "档案室", TESTER)
    elif step == "state":
        made.sign()
    elif step != "go on":
        key, act, period = step
        times = {name: datetime.now(UTC) + delay for name, delay in PERIODS[period].items()}
        body = {"release": {**BODIES[key], "fee_note": f"第{number}版"}, "poison": POISON, "spoilt": BODIES[key]}.get(
            act
        )
        if key == CASE and act == "release":
            body = BODIES[CASE]
        made.add(key, body, spoilt=act == "spoilt", **times)


@settings(max_examples=40)
@given(history=histories, page=st.integers(1, 3), most=st.integers(1, 2))
def test_any_history_gives_the_same_channel(tmp_path_factory, history, page, most):
    with (
        closing(WrittenLedger(tmp_path_factory.mktemp("history"))) as made,
        patch.object(snapshot, "PAGE", page),
        patch.object(snapshot, "MOST_PREDECESSORS", most),
    ):
        made.sign()
        for number, step in enumerate(history):
            play(made, step, number)
        # The newest statement is older than the log's end: the rest comes from the log.
        made.sign(statement_every=DAY)
        by_log, by_snapshot = made.channel(pays_from=NEVER), made.channel()
        by_log.reconcile()
        by_snapshot.reconcile()
        assert held(by_snapshot) == held(by_log)

        done = list(Drill(by_log).run())[-1]
        assert (done.differences, done.root_before) == ([], done.root_after)


@settings(max_examples=20)
@given(history=st.lists(acts, min_size=1, max_size=20))
def test_it_is_the_channel_that_was_there_all_the_time(tmp_path_factory, history):
    with closing(WrittenLedger(tmp_path_factory.mktemp("history"))) as made:
        live = made.channel(pays_from=NEVER)
        for number, step in enumerate(history):
            play(made, step, number)
            made.sign()
            live.reconcile()
        fresh = made.channel()
        fresh.reconcile()

        assert held(fresh) == held(live)
        before = held(live)
        assert list(Rebuild(live, pays_from=0).run())[-1].differences == []
        assert held(live) == before


def test_one_entry_a_key_is_read_and_not_more(made):
    key, body = next(iter(BODIES.items()))
    for number in range(30):
        made.add(key, {**body, "fee_note": str(number)})
    made.sign()
    channel = made.channel()
    channel.reconcile()

    # The newest one is read once more, to check that it is still the same ledger.
    assert (channel.position(), made.ledger.read) == (30, 1)


def test_what_waits_and_what_counts_until_then_are_both_there(made):
    key, body = next(iter(BODIES.items()))
    made.add(key, {**body, "task_name": "现行的"})
    made.add(key, POISON)
    made.add(key, {**body, "task_name": "明天的"}, effective_at=datetime.now(UTC) + DAY)
    made.sign()
    channel = made.channel()
    channel.reconcile()
    found = held(channel)

    assert [row["version"] for row in found["document"]] == [1]
    assert [row["version"] for row in found["parked"]] == [2]
    assert [row["version"] for row in found["scheduled"]] == [3]


def test_a_version_that_a_newer_one_has_overtaken_waits_no_more(made):
    key, body = next(iter(BODIES.items()))
    live = made.channel(pays_from=NEVER)
    made.add(key, body, effective_at=datetime.now(UTC) + DAY)
    made.sign()
    live.reconcile()
    assert len(held(live)["scheduled"]) == 1
    made.add(key, body)
    made.sign()
    live.reconcile()

    assert held(live)["scheduled"] == []


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_roots_that_grow_leaf_by_leaf_are_those_of_the_definition(values):
    running, grown = RunningRoot(), Layers([])
    for number, value in enumerate(values, 1):
        running.append(leaf_hash(value))
        grown.append(leaf_hash(value))
        whole = Layers([leaf_hash(one) for one in values[:number]])
        assert running.root() == grown.root() == whole.root()
        assert grown.path(number - 1) == whole.path(number - 1)
    assert running.root() == Layers([leaf_hash(one) for one in values]).root()


@settings(max_examples=20)
@given(
    keys=st.lists(st.integers(0, 9), min_size=1, max_size=25),
    stops=st.lists(st.integers(0, 25), max_size=4),
    run=st.integers(1, 4),
)
def test_a_tree_brought_forward_is_the_tree_built_anew(tmp_path_factory, keys, stops, run):
    with (
        closing(WrittenLedger(tmp_path_factory.mktemp("tree"))) as made,
        patch("services.ledger.snapshots.tree.RUN", run),
    ):
        for key in keys:
            made.add(f"item:{key}", {"n": key})
        with made.db.read() as session:
            forward, anew, newest = SnapshotTree(), SnapshotTree(), {}
            for stop in [*stops, len(keys)]:
                forward.advance(session, min(stop, len(keys)))
            anew.advance(session, len(keys))
    for entry in made.ledger.entries(0, 100):
        newest[entry.key] = entry

    assert (
        forward.root() == anew.root() == Layers([hash_of(newest[f"item:{key}"]) for key in dict.fromkeys(keys)]).root()
    )


def hash_of(entry):
    return leaf_hash(canonical(entry.leaf()))


def test_a_ledger_of_before_learns_where_its_keys_begin(tmp_path):
    with closing(Database("ledger", f"sqlite:///{tmp_path}/ledger.db")) as db:
        assert migrated(db, ["a", "b", "a", "c", "a", "b"]) == {"a": 1, "b": 2, "c": 4}
