"""Messages that nobody of ours sends: refused with a reason, kept, and in nobody's way; the good beside them count."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.publication import Lane
from shared.feeds.outbox import SourceFeed
from shared.messaging.delivery import Message
from tests.harness.invariants import judge
from tests.harness.pipeline import item
from tests.harness.projecting import REGION
from tests.harness.simulation import simulated

PLACES = ("sources", "web")


@pytest.fixture
def run(tmp_path):
    with simulated(tmp_path) as made:
        made.honest = True
        yield made


def good(run):
    """A message of the ledger's as it should be."""
    return run.county.ledger_messages()[0]


def release_of(run):
    return SourceFeed("catalog", Lane.LIVE).messages(run.county.dbs["catalog"], 0, 1)[0]


def changed(message, **fields):
    return message_of({**orjson.loads(message.body), **fields})


def changed_data(message, **fields):
    event = orjson.loads(message.body)
    return message_of({**event, "data": {**event["data"], **fields}})


def message_of(content):
    return Message(orjson.dumps(content), f"{REGION}.item.release", "bad")


BAD = {
    "truncated": lambda m: Message(m.body[:-20], m.routing_key, "bad"),
    "empty": lambda m: Message(b"", m.routing_key, "bad"),
    "no UTF-8": lambda m: Message(b"\xff\xfe" + m.body, m.routing_key, "bad"),
    "no object": lambda m: message_of([1, 2, 3]),
    "nested a hundred thousand deep": lambda m: Message(b"[" * 100_000, m.routing_key, "bad"),
    "twenty megabytes of nothing": lambda m: Message(b'"' + b"x" * 20_000_000 + b'"', m.routing_key, "bad"),
    "another CloudEvents": lambda m: changed(m, specversion="9.0"),
    "an unknown type": lambda m: changed(m, type="tongyuan.item.abolished"),
    "no data": lambda m: changed(m, data=None),
    "a field of another type": lambda m: changed_data(m, version="one"),
    "a position of nothing": lambda m: changed_data(m, position=0, sequence=0),
    "a key of nothing": lambda m: changed_data(m, key="item:"),
    "another content than its digest": lambda m: changed_data(m, body={"code": "x"}),
    "another digest than its content": lambda m: changed_data(m, digest="0" * 64),
    "a version of the past": lambda m: changed_data(m, version=0),
    "a time that is none": lambda m: changed_data(m, released_at="yesterday"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_message_is_dead_and_its_neighbours_are_taken(run, kind):
    run.edit(1, "release")
    run.county.flow()
    bad = BAD[kind](good(run))
    run.history.add("nemesis", "inject", key="bad", what="dead")
    for place in PLACES:
        run.history.dead.clear()
        neighbour = release_of(run) if place == "sources" else good(run)
        run.county.bus.deliver(place, [bad, neighbour, bad])
        assert run.history.dead == {"bad"}, place
    run.edit(2, "release")
    run.heal()

    judge(run.history)


def test_fields_that_a_later_version_adds_are_ignored(run):
    run.edit(1, "release")
    run.county.relays[0].step()
    newer = changed_data(good(run), shelf_mark="to come")
    run.county.bus.deliver("web", [changed(newer, futuretrait="x")])
    run.history.add("nemesis", "inject", key="bad", what="harmless")
    run.heal()

    assert not run.history.dead
    judge(run.history)


def test_a_withdrawal_is_not_undone_by_the_release_that_comes_late(run):
    run.edit(1, "release")
    run.county.flow()
    late = run.county.ledger_messages()
    run.county.withdraw(item(1))
    run.county.flow()
    for name in run.county.channels:
        run.county.bus.deliver(name, late * 2)
    run.heal()

    assert all(dump.marks[f"item:{item(1).code}"].gone for dump in run.history.channels.values())
    judge(run.history)


@settings(max_examples=12)
@given(st.randoms(use_true_random=False))
def test_every_message_ten_times_in_any_order_leads_to_the_same(tmp_path_factory, draw):
    with simulated(tmp_path_factory.mktemp("storm")) as run:
        run.honest = True
        for number in range(12):
            run.edit(number % 3, "release" if number % 4 else "withdraw") if number > 3 else run.edit(
                number % 3, "release"
            )
        run.county.relays[0].step()
        storm = run.county.ledger_messages() * 10
        draw.shuffle(storm)
        for start in range(0, len(storm), 100):
            run.county.bus.deliver("web", storm[start : start + 100])
        run.heal()

        judge(run.history)


def test_a_channel_that_takes_nothing_holds_up_no_other(run, monkeypatch):
    def stuck(_messages):
        raise TimeoutError

    monkeypatch.setattr(run.county.channels["kiosk"], "take", stuck)
    for number in range(4):
        run.edit(number, "release")
    with pytest.raises(Exception, match="TimeoutError"):
        run.county.flow()
    for relay in run.county.relays:
        if relay.name == "web":
            relay.step()

    assert run.county.channels["web"].position() == 4
    monkeypatch.undo()
    run.heal()
    judge(run.history)
