"""A release is queued by the insert that creates it: numbered in its transaction, immutable, sent as stored."""

import threading
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.event import Event
from contracts.envelope.publication import Lane, Op, Release
from shared import trace
from shared.errors import Broken, Conflict
from shared.feeds.outbox import Draft, SourceFeed, emit, history, released_version
from shared.transparency.canonical import digest
from tests.harness.pipeline import REGION, source

FEED = SourceFeed("catalog", Lane.LIVE)


@pytest.fixture
def db(tmp_path):
    made = source(tmp_path)
    yield made
    made.close()


def test_numbers_have_no_holes_and_each_lane_has_its_own(db):
    write(db, draft("a"), draft("b"))
    write(db, draft("c"), lane=Lane.BACKFILL)
    write(db, draft("d"))

    assert keys(db, Lane.LIVE) == [(1, "item:a"), (2, "item:b"), (3, "item:d")]
    assert keys(db, Lane.BACKFILL) == [(1, "item:c")]


def test_what_is_rolled_back_was_never_numbered(db):
    write(db, draft("a"))
    with pytest.raises(ZeroDivisionError):
        write_and_fail(db, "b")
    write(db, draft("c"))

    assert keys(db) == [(1, "item:a"), (2, "item:c")]


def test_one_version_of_a_key_exists_once(db):
    write(db, draft("a", 1))

    with pytest.raises(Conflict):
        write(db, draft("a", 1))
    assert keys(db) == [(1, "item:a")]


def test_nothing_to_release_takes_no_number(db):
    assert write(db) == []
    assert head(db) == 0


def test_a_release_fits_its_digest_and_carries_its_trace(db):
    with trace.act() as parent:
        (made,) = write(db, draft("a", effective_at=datetime(2026, 3, 1, tzinfo=UTC)))
    stored = stored_release(db, "item:a", 1)

    assert stored == made
    assert digest(stored.content()) == stored.digest
    assert stored.traceparent == parent


def test_a_message_is_a_cloudevent_with_the_document_untouched(db):
    write(db, draft("a", body={"task_name": "事项“甲”\u2028"}))
    (message,) = FEED.messages(db, 0, 10)
    with db.read() as session:
        document = released_version(session, "item:a", 1)
    event = Event.model_validate(orjson.loads(message.body))

    assert (event.id, event.type, event.sequence) == ("item:a/1", "tongyuan.item.released", "1")
    assert (message.routing_key, message.message_id, message.sequence) == (f"{REGION}.item.release", "item:a/1", 1)
    assert event.data == orjson.loads(document)


@pytest.mark.parametrize("body", [{"amount": 0.5}, {"amount": 2**53}, {"金额": 1}])
def test_what_has_no_one_spelling_cannot_be_released(db, body):
    with pytest.raises(Broken):
        write(db, draft("a", body=body))
    assert keys(db) == []


def test_the_history_of_a_key_has_every_version_and_no_body(db):
    write(db, draft("a", 1), draft("a", 2), draft("b", 1))
    with db.read() as session:
        told = history(session, "item:a")

    assert [(one["version"], one["body"]) for one in told] == [(1, None), (2, None)]


def test_what_waits_is_counted_and_its_oldest_dated(db):
    made = write(db, draft("a"), draft("b"), draft("c"))
    depth, since = FEED.waiting(db, 1)

    assert depth == 2
    assert datetime.fromisoformat(since) == made[1].released_at


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(0, 5), max_size=6), limit=st.integers(1, 7))
def test_a_reader_that_pages_meets_every_release_once(tmp_path_factory, sizes, limit):
    db = source(tmp_path_factory.mktemp("outbox"))
    names = [[f"{batch}-{number}" for number in range(size)] for batch, size in enumerate(sizes)]
    for batch in names:
        write(db, *map(draft, batch))

    assert paged(db, limit) == [f"item:{name}" for batch in names for name in batch]
    db.close()


def test_readers_never_miss_what_eight_writers_commit(db):
    """SQLite; over PostgreSQL see tests/integration/test_outbox_concurrency.py."""
    writers, each = 8, 25
    seen = race(db, writers, each)

    assert [sequence for sequence, _ in seen] == list(range(1, writers * each + 1))
    assert {key for _, key in seen} == {f"item:{w}-{n}" for w in range(writers) for n in range(each)}


def race(db, writers, each):
    """Return what a reader saw that polled `after its cursor` during the writes."""

    def work(writer):
        for number in range(each):
            write(db, draft(f"{writer}-{number}"))

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[tuple[int, str]] = []
    alive = True
    while alive:
        alive = any(thread.is_alive() for thread in threads)
        with db.read() as session:
            for sequence, document in FEED.documents(session, seen[-1][0] if seen else 0, 1000):
                seen.append((sequence, orjson.loads(document)["key"]))
    return seen


def draft(name, version=1, body=None, **period):
    content = {"task_name": name} if body is None else body
    return Draft(f"item:{name}", version, Op.RELEASE, REGION, content, **period)


def write(db, *drafts, lane=Lane.LIVE):
    with db.write() as session:
        return emit(session, "catalog", drafts, lane)


def write_and_fail(db, name):
    with db.write() as session:
        emit(session, "catalog", [draft(name)])
        raise ZeroDivisionError


def keys(db, lane=Lane.LIVE):
    with db.read() as session:
        found = SourceFeed("catalog", lane).documents(session, 0, 1000)
    return [(sequence, orjson.loads(document)["key"]) for sequence, document in found]


def paged(db, limit):
    found, after = [], 0
    with db.read() as session:
        while some := FEED.documents(session, after, limit):
            found += [orjson.loads(document)["key"] for _, document in some]
            after = some[-1][0]
    return found


def stored_release(db, key, version):
    with db.read() as session:
        return Release.model_validate_json(released_version(session, key, version))


def head(db):
    with db.read() as session:
        return FEED.head(session)
