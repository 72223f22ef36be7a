"""Following a numbered log: each entry is applied once and in order, however it is delivered; gaps are fetched."""

from datetime import UTC, datetime
from functools import cache

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope.event import HEAD_TYPE
from contracts.envelope.publication import Head, Publication
from shared.errors import Broken, Unavailable, UpstreamDown
from shared.feeds.follower import Follower, checked, decode, take_heads, verified_run
from shared.feeds.outbox import envelope
from shared.messaging.delivery import Message
from tests.harness.projecting import published

LENGTH = 12
NOISE = [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"specversion":"1.0"}', b"\x00" * 40, "事项".encode()]


class Shelf:
    """Applies entries to a list and records heads. `up`: whether upstream answers."""

    def __init__(self, log):
        self.follower = Follower("shelf", self)
        self.log, self.up = log, True
        self.applied: list[Publication] = []
        self.runs: list[int] = []
        self.heads: list[int] = []
        self.fetched = 0

    def take(self, messages):
        batch = decode("shelf", messages, Publication)
        self.follower.advance(batch.entries)
        take_heads(self.follower, self, batch, messages)
        return batch.refusals

    def catch_up(self):
        return self.follower.catch_up()

    def fetch(self, after, limit):
        if not self.up:
            raise UpstreamDown("nobody there")
        self.fetched += 1
        found = self.log[after : after + limit]
        return [checked(one) for one in verified_run("shelf", found, after, self.number_of, lambda entry: entry)]

    def number_of(self, entry):
        return entry.position

    def position(self):
        return len(self.applied)

    def apply(self, entries):
        assert [entry.position for entry in entries] == list(
            range(self.position() + 1, self.position() + 1 + len(entries))
        )
        self.applied += entries
        self.runs.append(len(entries))

    def believes(self, head):
        return True

    def on_head(self, head):
        self.heads.append(head.size)


batches = st.lists(st.lists(st.integers(1, LENGTH), max_size=8), max_size=10)
damage = st.sampled_from(["none", "none", "cut", "noise", "changed"])


@given(schedule=st.lists(st.lists(st.tuples(st.integers(1, LENGTH), damage), max_size=8), max_size=10), data=st.data())
def test_any_delivery_leads_to_the_same_as_reading_in_order(schedule, data):
    shelf = Shelf(log())
    for batch in schedule:
        refusals = shelf.take([damaged(message(number), how, data) for number, how in batch])

        assert [refusal.index for refusal in refusals] == [at for at, (_, how) in enumerate(batch) if how != "none"]
        assert shelf.applied == list(log()[: len(shelf.applied)])
    shelf.catch_up()

    assert shelf.applied == list(log())


@given(schedule=batches, outages=st.lists(st.booleans(), min_size=10, max_size=10))
def test_while_upstream_is_away_nothing_is_skipped_and_afterwards_all_is_there(schedule, outages):
    shelf = Shelf(log())
    for batch, up in zip(schedule, outages, strict=False):
        shelf.up = up
        try:
            shelf.take([message(number) for number in batch])
        except Unavailable:
            assert not up
        assert shelf.applied == list(log()[: len(shelf.applied)])
    shelf.up = True
    for batch in schedule:
        shelf.take([message(number) for number in batch])

    assert len(shelf.applied) == max((number for batch in schedule for number in batch), default=0)


def test_a_gap_is_fetched_and_applied_with_what_came():
    shelf = Shelf(log())
    shelf.take([message(5)])

    assert (len(shelf.applied), shelf.runs, shelf.fetched) == (5, [5], 1)


def test_what_needs_no_healing_asks_nobody():
    shelf = Shelf(log())
    shelf.up = False
    shelf.take([message(2), message(1), message(3), message(2)])
    shelf.take([message(1), message(3)])

    assert (len(shelf.applied), shelf.fetched) == (3, 0)


def test_without_upstream_a_gap_is_not_jumped():
    shelf = Shelf(log())
    shelf.up = False

    with pytest.raises(Unavailable):
        shelf.take([message(1), message(3)])
    assert [entry.position for entry in shelf.applied] == [1]

    shelf.up = True
    shelf.take([message(1), message(3)])
    assert [entry.position for entry in shelf.applied] == [1, 2, 3]


def test_a_head_says_what_was_lost_and_is_heard_when_all_of_it_is_there():
    shelf = Shelf(log())
    shelf.take([message(1), head(3), head(LENGTH)])

    assert (len(shelf.applied), shelf.heads) == (LENGTH, [LENGTH])


def test_a_head_beyond_what_upstream_has_is_not_heard():
    shelf = Shelf(log())

    with pytest.raises(Unavailable, match=f"no entry {LENGTH + 1} yet"):
        shelf.take([head(LENGTH + 5)])
    assert shelf.heads == []


def test_a_gap_that_upstream_does_not_have_either_is_not_jumped():
    shelf = Shelf(log()[:2])

    with pytest.raises(Unavailable, match="3 to 4 are missing upstream"):
        shelf.take([message(5)])
    assert [entry.position for entry in shelf.applied] == [1, 2]


def test_an_upstream_that_skips_is_not_believed():
    shelf = Shelf(log())
    shelf.log = [log()[1]]

    with pytest.raises(Broken, match="sent 2, expected 1"):
        shelf.take([message(3)])
    assert shelf.applied == []


def test_a_refusal_says_where_it_is_wrong_and_never_what_was_sent():
    secret = {**orjson.loads(message(1).body), "id": {"name": "张三"}}
    (refusal,) = Shelf(log()).take([Message(orjson.dumps(secret), "k", "m")])

    assert "id" in refusal.reason
    assert "张三" not in refusal.reason


def test_a_body_that_was_withheld_cannot_be_checked_and_is_taken():
    whole = log()[0]
    shelf = Shelf([whole])
    shelf.take([as_message(whole.model_copy(update={"body": None}))])

    assert len(shelf.applied) == 1


def test_a_change_in_any_field_of_the_content_is_found():
    fields = {"version": 7, "region": "339922000000", "op": "withdraw", "expires_at": "2030-01-01T00:00:00Z"}
    for name, value in {**fields, "body": {"n": 99}}.items():
        event = orjson.loads(message(1).body)
        event["data"][name] = value
        (refusal,) = Shelf(log()).take([Message(orjson.dumps(event), "k", "m")])

        assert "digest" in refusal.reason, name


@cache
def log():
    return tuple(published(f"item:{n % 4}", {"n": n}, version=n // 4 + 1, position=n) for n in range(1, LENGTH + 1))


def message(number):
    return as_message(log()[number - 1])


def as_message(entry):
    data = entry.model_dump(mode="json")
    body = envelope("ledger", entry.position, orjson.dumps(data).decode(), data)
    return Message(body, "k", f"{entry.key}/{entry.version}", sequence=entry.position)


def head(size):
    data = Head(size=size, root="0" * 64, time=datetime.now(UTC), checkpoint="").model_dump(mode="json")
    event = {"id": "head", "source": "/tongyuan/ledger", "type": HEAD_TYPE, "time": data["time"], "data": data}
    return Message(orjson.dumps(event), "k", "head")


def damaged(whole, how, data):
    body = whole.body
    if how == "cut":
        body = body[: data.draw(st.integers(0, len(body) - 1))]
    elif how == "noise":
        body = data.draw(st.sampled_from(NOISE))
    elif how == "changed":
        body = body.replace(b'"n":', b'"m":')
    return Message(body, whole.routing_key, whole.message_id, whole.sequence)
