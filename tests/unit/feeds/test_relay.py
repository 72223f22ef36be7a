"""The relay sends in order, and a row counts as sent only after its confirm; no failure makes it skip one."""

import secrets
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.publication import Lane, Op
from shared.errors import Unavailable
from shared.feeds import relay as relaying
from shared.feeds.outbox import Draft, SourceFeed, emit
from shared.feeds.relay import Relay, run_together
from shared.messaging.delivery import Message
from shared.messaging.in_process import InProcessBus
from tests.harness.pipeline import REGION, source
from tests.harness.rabbitmq import wait_until

FEED = SourceFeed("catalog", Lane.LIVE)


class Hop:
    """The next hop: records what arrives, and fails after a given number of messages."""

    def __init__(self, breaks_after=()):
        self.arrived: list[int] = []
        self.confirmed = 0
        self.made = 0
        self._budgets = list(breaks_after)
        self._bus = InProcessBus()
        self._bus.bind("next", self.take, "next")

    def publisher(self):
        self.made += 1
        return self._bus.publisher("next")

    def take(self, messages):
        budget = self._budgets.pop(0) if self._budgets else len(messages)
        self.arrived += [message.sequence for message in messages[:budget]]
        if budget < len(messages):
            raise ConnectionResetError("gone")
        self.confirmed = max(self.confirmed, messages[-1].sequence)
        return []


@pytest.fixture
def db(tmp_path):
    made = source(tmp_path)
    yield made
    made.close()


def test_a_row_counts_as_sent_only_after_its_confirm(db):
    fill(db, 3)
    hop = Hop(breaks_after=[3 - 1])
    relay = relay_to(db, hop)

    with pytest.raises(Unavailable):
        relay.step()
    assert cursor(relay) == 0
    assert relay.step() == 3
    assert (cursor(relay), hop.arrived) == (3, [1, 2, 1, 2, 3])


def test_after_an_error_there_is_a_new_publisher(db):
    fill(db, 2)
    hop = Hop(breaks_after=[0, 0])
    relay = relay_to(db, hop)
    for _ in range(2):
        with pytest.raises(Unavailable):
            relay.step()
    relay.step()
    fill(db, 1, "more")
    relay.step()

    assert hop.made == 3


def test_a_relay_goes_on_where_its_predecessor_stopped(db):
    fill(db, 5)
    hop = Hop(breaks_after=[5, 2])
    first = relay_to(db, hop)
    first.step()
    first.close()
    fill(db, 5, "more")
    with pytest.raises(Unavailable):
        relay_to(db, hop).step()
    relay_to(db, hop).step()

    assert hop.arrived == [1, 2, 3, 4, 5, 6, 7, 6, 7, 8, 9, 10]


def test_what_a_killed_relay_had_not_written_down_goes_twice(db):
    fill(db, 3)
    hop = Hop()
    relay_to(db, hop).step()
    relay_to(db, hop).step()

    assert hop.arrived == [1, 2, 3, 1, 2, 3]


def test_the_cursor_is_written_down_within_a_second_of_constant_work(db):
    listener = db.notifier.listener()
    relay, killed = relay_to(db, Hop()), Hop()
    fill(db, 3)
    relay.turn(listener)
    fill(db, 3, "more")
    wait_until(
        lambda: fill(db, 1, secrets.token_hex(4)) or (relay.turn(listener) and written(db) >= 6), "never written"
    )
    relay_to(db, killed).step()

    assert min(killed.arrived, default=7) >= 7


def test_a_database_put_back_to_an_earlier_day_is_relayed_from_there(db):
    """Releases after a restore have numbers that the relay's memory has already passed."""
    listener = db.notifier.listener()
    hop = Hop()
    relay = relay_to(db, hop)
    fill(db, 5)
    relay.turn(listener)
    relay.step()
    with db.write() as session:
        for statement in (
            "DELETE FROM release WHERE sequence > 2",
            "UPDATE counter SET value = 2",
            "UPDATE relayed SET sequence = 2",
        ):
            session.connection().exec_driver_sql(statement)
    wait_until(lambda: relay.turn(listener) == 0 and relay.cursor() == 2, "the relay did not notice")
    fill(db, 1, "new")
    relay.turn(listener)

    assert hop.arrived == [1, 2, 3, 4, 5, 3]


@settings(max_examples=60)
@given(
    batches=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    breaks_after=st.lists(st.integers(0, 4), max_size=12),
    batch=st.integers(1, 4),
)
def test_whatever_breaks_when_nothing_is_skipped_and_order_is_kept(tmp_path_factory, batches, breaks_after, batch):
    db = source(tmp_path_factory.mktemp("relay"))
    hop = Hop(breaks_after)
    relay = relay_to(db, hop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relaying, "BATCH", batch)
        for number, size in enumerate(batches):
            fill(db, size, str(number))
            drain(relay)
    total = sum(batches)
    at = cursor(relay)
    db.close()

    assert at == hop.confirmed == total
    assert list(dict.fromkeys(hop.arrived)) == list(range(1, total + 1)), "first arrivals are in order"
    assert all(later <= earlier + 1 for earlier, later in zip(hop.arrived, hop.arrived[1:], strict=False))


def test_two_relays_at_once_only_send_twice(db):
    fill(db, 300)
    hops = [Hop(), Hop()]
    relays = [relay_to(db, hop) for hop in hops]
    threads = [threading.Thread(target=drain, args=(relay,)) for relay in relays]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relaying, "BATCH", 7)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    arrived = [number for hop in hops for number in hop.arrived]
    assert set(arrived) == set(range(1, 301))
    drain(relays[0])
    assert cursor(relays[0]) == 300


def test_a_relay_that_fails_does_not_hold_up_its_neighbour(db):
    fill(db, 50)
    dead, alive = Hop(breaks_after=[0] * 1000), Hop()
    stop = threading.Event()
    relays = [relay_to(db, dead, "dead"), relay_to(db, alive, "alive")]
    thread = threading.Thread(target=run_together, args=(relays, stop))
    thread.start()
    wait_until(lambda: len(alive.arrived) == 50, "the healthy relay was held up")
    fill(db, 50, "more")
    wait_until(lambda: len(alive.arrived) == 100, "the healthy relay was held up")
    stop.set()
    thread.join()

    assert dead.arrived == []
    assert cursor(relays[0]) == 0


def test_a_relay_whose_next_hop_is_not_ready_does_not_hold_up_its_neighbour(db):
    """As an import of a source beside an editor's release of the same source."""
    fill(db, 3)
    held, live = Hop(), Hop()
    ready, stop = threading.Event(), threading.Event()
    import_ = Relay(db, FEED, "import", held.publisher, is_ready=ready.is_set)
    thread = threading.Thread(target=run_together, args=([import_, relay_to(db, live, "live")], stop))
    thread.start()
    try:
        for count in (3, 6, 9):
            wait_until(lambda count=count: len(live.arrived) == count, "the other relay was held up")
            fill(db, 3, f"more{count}")
        assert held.arrived == []
        ready.set()
        wait_until(lambda: len(held.arrived) == 12, "the relay was not let go")
    finally:
        stop.set()
        thread.join()


def test_a_relay_comes_back_by_itself(db):
    fill(db, 5)
    hop = Hop(breaks_after=[0, 3])
    stop = threading.Event()
    thread = threading.Thread(target=relay_to(db, hop).run, args=(stop,))
    thread.start()
    wait_until(lambda: hop.confirmed == 5, "the relay did not come back")
    stop.set()
    thread.join()

    assert hop.arrived == [1, 2, 3, 1, 2, 3, 4, 5]


def test_who_does_not_lead_sends_nothing(db):
    fill(db, 5)
    hop = Hop()

    assert relay_to(db, hop).turn(Follower()) == 0
    assert hop.arrived == []


def test_what_is_said_when_idle_waits_until_nothing_is_left_to_send(db):
    fill(db, 2)
    hop = Hop()
    relay = relay_to(db, hop, idle=lambda _session, at: Message(b"{}", "head", "head", sequence=1000 + at))
    relay.step()
    relay.step()

    assert hop.arrived == [1, 2, 1002]
    assert cursor(relay) == 2


def test_what_is_said_when_idle_goes_until_it_is_confirmed_and_then_no_more(db):
    hop = Hop(breaks_after=[0])
    relay = relay_to(db, hop, idle=lambda _session, _at: Message(b"{}", "head", "head", sequence=1000))
    with pytest.raises(Unavailable):
        relay.step()
    relay.step()
    relay.step()

    assert hop.arrived == [1000]


class Follower:
    """A listener of a process that another one leads."""

    def wait(self, timeout):
        return False

    def lead(self, role):
        return False

    def close(self):
        """Nothing to release."""


def relay_to(db, hop, name="live", **options):
    return Relay(db, FEED, name, hop.publisher, **options)


def fill(db, count, name="item"):
    drafts = [Draft(f"item:{name}-{n}", 1, Op.RELEASE, REGION, {"n": n}) for n in range(count)]
    with db.write() as session:
        emit(session, "catalog", drafts)


def drain(relay):
    """Step until nothing is left, retrying failures."""
    moved = True
    while moved:
        try:
            moved = relay.step() > 0
        except Unavailable:
            moved = True


def written(db):
    return next((row.sequence for row in db.fetch(relaying.CURSOR, lane="live")), 0)


def cursor(relay):
    return relay.cursor()
