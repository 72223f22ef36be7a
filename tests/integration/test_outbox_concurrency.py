"""Over PostgreSQL, numbers are commit order: who polls after a cursor misses nothing, whoever commits late."""

import threading

import orjson
import pytest

from contracts.envelope.publication import Lane, Op
from services.catalog.commands import ItemImport
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.feeds.outbox import Draft, SourceFeed, emit
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
