"""Over PostgreSQL, numbers are commit order: who polls after a cursor misses nothing, whoever commits late."""

import threading
from functools import partial

import orjson
import pytest

from contracts.envelope.publication import Lane, Op
from services.catalog.commands import ItemImport
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.feeds.outbox import Draft, SourceFeed, emit
from shared.publishing.editions import EditionRow
from tests.harness.actors import TESTER
from tests.harness.pipeline import REGION, Pipeline, item, pipeline
from tests.harness.rabbitmq import wait_until

FEED = SourceFeed("catalog", Lane.LIVE)
WRITERS, EACH = 8, 60


@pytest.fixture
def db(database_url):
    database = Database("catalog", database_url)
    database.migrate("catalog")
    yield database
    database.close()


def test_eight_writers_leave_no_hole_and_hide_nothing_from_a_reader(db):
    threads = [threading.Thread(target=writing, args=(db, writer)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    seen, alive = [], True
    while alive:
        alive = any(thread.is_alive() for thread in threads)
        seen += read_after(db, seen[-1][0] if seen else 0)

    assert [sequence for sequence, _ in seen] == list(range(1, WRITERS * EACH + 1))
    assert {key for _, key in seen} == {f"item:{w}-{n}" for w in range(WRITERS) for n in range(EACH)}


def test_changes_that_share_transactions_leave_no_hole_beside_those_that_do_not(db, database_url):
    other = Database("catalog", database_url)
    writers = [(db.write_together, writer) for writer in range(WRITERS)]
    writers += [(partial(alone, other), writer) for writer in range(WRITERS, WRITERS + 2)]

    outcomes = together(len(writers), lambda n: [writers[n][0](releasing(f"{writers[n][1]}-{i}")) for i in range(20)])
    other.close()

    taken = sorted(number for numbers in outcomes for number in numbers)
    assert taken == list(range(1, 20 * len(writers) + 1))
    assert [sequence for sequence, _ in read_after(db, 0)] == taken


def test_a_change_whose_row_is_locked_holds_nobody_up_and_meets_no_deadlock(db, database_url):
    """The other transaction holds the row and then wants the lane, which the group has: neither may be ended."""
    other = Database("catalog", database_url)
    with db.write() as session:
        session.add(EditionRow(code="locked", draft="{}"))
    held, done = threading.Event(), []

    def first(session):
        releasing("first")(session)
        held.wait(30)

    def wants_the_row(session):
        session.get(EditionRow, "locked", with_for_update=True)
        return releasing("row")(session)

    threads = [threading.Thread(target=lambda act=first: done.append(db.write_together(act)))]
    threads[0].start()
    with other.write() as slow:
        slow.get(EditionRow, "locked", with_for_update=True)
        for number, act in enumerate((releasing("quick"), wants_the_row), 1):
            threads.append(threading.Thread(target=lambda act=act: done.append(db.write_together(act))))
            threads[-1].start()
            wait_until(lambda number=number: db.group.waiting == number, "the change never waited")
        held.set()
        wait_until(lambda: "item:quick" in [key for _, key in read_after(db, 0)], "the quick one was held up")
        emit(slow, "catalog", [draft("slow")])
    for thread in threads:
        thread.join()
    other.close()

    assert [key for _, key in read_after(db, 0)] == ["item:first", "item:quick", "item:slow", "item:row"]


def test_who_took_a_number_and_has_not_committed_holds_the_next_one_back(db):
    with db.write() as slow:
        emit(slow, "catalog", [draft("slow")])
        quick = threading.Thread(target=lambda: write(db, "quick"))
        quick.start()
        wait_until(lambda: waiting_for_a_lock(db), "the second writer never came to the counter")

        assert read_after(db, 0) == []
    quick.join()

    assert read_after(db, 0) == [(1, "item:slow"), (2, "item:quick")]


def test_who_rolls_back_gives_the_number_back(db):
    with pytest.raises(ZeroDivisionError):
        write_and_fail(db, "never")
    write(db, "a")

    assert read_after(db, 0) == [(1, "item:a")]


def test_of_two_editors_who_begin_the_same_draft_one_learns_that_he_was_late(database_url, tmp_path):
    with pipeline(database_url, tmp_path) as county:
        outcomes = together(8, lambda n: saved(county, f"编辑{n}"))

        assert outcomes.count("saved") == 1
        assert set(outcomes) - {"saved"} <= {"Conflict", "PreconditionMissing"}


def test_a_read_is_one_view_however_many_statements_it_has(db):
    write(db, "a")
    with db.read() as session:
        before = FEED.head(session)
        write(db, "b")

        assert len(FEED.documents(session, 0, 10)) == before == 1


def test_a_dry_run_of_an_import_leaves_no_trace(database_url, tmp_path):
    with pipeline(database_url, tmp_path) as county:
        rows = [item(n).model_dump(mode="json") for n in range(3)]
        outcome = county.catalog.import_items(TESTER, ItemImport(rows=rows, dry_run=True))

        assert outcome.released == 3
        assert county.execute("catalog", "SELECT count(*) FROM catalog.release") == [(0,)]


def together(count, work):
    outcomes = []
    start = threading.Barrier(count)

    def run(number):
        start.wait()
        outcomes.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def saved(county: Pipeline, name):
    one = item(1, name)
    try:
        county.catalog.save_item(TESTER, one.code, one.model_dump(mode="json"), None)
    except TongyuanError as error:
        return type(error).__name__
    return "saved"


def writing(db, writer):
    for number in range(EACH):
        write(db, f"{writer}-{number}")


def write(db, name):
    with db.write() as session:
        emit(session, "catalog", [draft(name)])


def releasing(name):
    return lambda session: emit(session, "catalog", [draft(name)])[0].sequence


def alone(db, act):
    with db.write() as session:
        return act(session)


def write_and_fail(db, name):
    with db.write() as session:
        emit(session, "catalog", [draft(name)])
        raise ZeroDivisionError


def draft(name):
    return Draft(f"item:{name}", 1, Op.RELEASE, REGION, {"task_name": name})


def read_after(db, cursor):
    with db.read() as session:
        return [(n, orjson.loads(document)["key"]) for n, document in FEED.documents(session, cursor, 1000)]


def waiting_for_a_lock(db):
    with db.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return found.scalar()
