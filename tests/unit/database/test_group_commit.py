"""Changes that wait at the same time share a transaction, and nothing else: not an error, not an answer before it."""

import sqlite3
import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from contracts.envelope.publication import Lane, Op
from shared import trace
from shared.database import group_commit
from shared.database.engine import Database, after_commit
from shared.errors import Conflict, Unavailable
from shared.feeds.outbox import Draft, ReleaseRow, SourceFeed, emit
from tests.harness.county import wait_for
from tests.harness.pipeline import REGION

FEED = SourceFeed("catalog", Lane.LIVE)


@pytest.fixture
def db(tmp_path):
    database = Database("catalog", f"sqlite:///{tmp_path}/catalog.db")
    database.migrate("catalog")
    yield database
    database.close()


class Crowd:
    """Changes that are asked for while another one is in its transaction: they form the next group, in this order."""

    def __init__(self, db):
        self.db, self.told, self.threads = db, {}, []

    def asks(self, name, act):
        thread = threading.Thread(target=self.ask, args=(name, act))
        thread.start()
        self.threads.append(thread)
        return thread

    def ask(self, name, act):
        try:
            self.told[name] = self.db.write_together(act)
        except Exception as error:  # noqa: BLE001  # the tests look at it
            self.told[name] = error


@contextmanager
def crowd(db, **acts):
    """While a first change is held in its transaction, let each act wait; then let all go, and wait for them."""
    made, entered, go = Crowd(db), threading.Event(), threading.Event()

    def first(_session):
        entered.set()
        go.wait(30)

    made.asks("first", first)
    entered.wait(30)
    for number, (name, act) in enumerate(acts.items(), 1):
        made.asks(name, act)
        wait_for(lambda number=number: db.group.waiting == number, f"{name} waits")
    yield made
    go.set()
    for thread in made.threads:
        thread.join()


def releasing(name):
    def act(session):
        return emit(session, "catalog", [Draft(f"item:{name}", 1, Op.RELEASE, REGION, {"task_name": name})])[0].sequence

    return act


def refused(session):
    releasing("refused")(session)
    raise Conflict("somebody was first")


def commits(db):
    """Count the commits from now on, each entry with how many releases a reader sees just before it."""
    seen = []
    event.listen(db.engine, "commit", lambda _connection: seen.append(len(stored(db))))
    return seen


def stored(db):
    with sqlite3.connect(db.url.removeprefix("sqlite:///")) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM release ORDER BY sequence")]


def test_changes_that_wait_share_one_commit_and_keep_their_order(db):
    seen = commits(db)

    with crowd(db, a=releasing("a"), b=releasing("b"), c=releasing("c")) as made:
        pass

    assert made.told == {"first": None, "a": 1, "b": 2, "c": 3}
    assert stored(db) == ["item:a", "item:b", "item:c"]
    assert seen == [0]


def test_a_refused_change_takes_nothing_with_it_and_leaves_no_hole(db):
    with crowd(db, a=releasing("a"), bad=refused, c=releasing("c")) as made:
        pass

    assert isinstance(made.told["bad"], Conflict)
    assert sorted(stored(db)) == ["item:a", "item:c"]
    assert {made.told["a"], made.told["c"]} == {1, 2}


def test_nobody_is_answered_when_the_commit_fails_and_nothing_is_stored(db):
    def fail(_connection):
        raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    event.listen(db.engine, "commit", fail)
    with crowd(db, a=releasing("a"), b=releasing("b")) as made:
        pass

    assert isinstance(made.told["a"], Unavailable)
    assert isinstance(made.told["b"], Unavailable)
    assert stored(db) == []


def test_an_error_of_the_database_undoes_the_group_and_each_change_is_made_alone(db):
    seen = commits(db)

    def wrong(session):
        session.execute(text("SELECT * FROM no_such_table"))

    with crowd(db, a=releasing("a"), wrong=wrong, c=releasing("c")) as made:
        pass

    assert isinstance(made.told["wrong"], Unavailable)
    assert sorted(stored(db)) == ["item:a", "item:c"]
    assert len(seen) == 2


def test_what_is_told_after_a_commit_is_told_once_for_each_transaction(db):
    written = []
    db.after_write.append(lambda: written.append(len(stored(db))))

    with crowd(db, a=releasing("a"), c=releasing("c")):
        listener = db.notifier.listener()
        listener.wait(0)

    assert listener.wait(0)
    assert written == [0, 2]


def test_each_change_keeps_the_trace_of_its_own_request(db):
    made = Crowd(db)

    def traced(name):
        with trace.act():
            made.ask(name, lambda session: (releasing(name)(session), trace.current())[1])

    entered, go = threading.Event(), threading.Event()
    made.asks("first", lambda _session: (entered.set(), go.wait(30)))
    entered.wait(30)
    threads = [threading.Thread(target=traced, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    wait_for(lambda: db.group.waiting == 2, "both wait")
    go.set()
    for thread in threads:
        thread.join()

    assert len({made.told["a"], made.told["b"], None}) == 3
    with db.read() as session:
        told = {row.key: row.document for row in session.exec(select(ReleaseRow))}
    assert made.told["a"] in told["item:a"]
    assert made.told["b"] in told["item:b"]


def test_a_change_that_waits_too_long_is_refused_and_never_made(db, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", 0.05)

    with crowd(db) as made:
        made.asks("late", releasing("late")).join()

    assert isinstance(made.told["late"], Unavailable)
    assert stored(db) == []


def test_more_changes_than_a_group_may_have_are_made_in_the_next_ones(db):
    names = [f"n{number:03d}" for number in range(2 * group_commit.LIMIT + 3)]
    seen = commits(db)

    with crowd(db, **{name: releasing(name) for name in names}):
        pass

    assert stored(db) == [f"item:{name}" for name in names]
    assert seen == [0, group_commit.LIMIT, 2 * group_commit.LIMIT]


def test_what_a_refused_group_would_have_told_is_told_by_the_changes_that_are_made_alone(db):
    told = []

    def telling(name):
        def act(session):
            after_commit(session, lambda: told.append(name))
            return releasing(name)(session)

        return act

    with crowd(db, a=telling("a"), bad=refused, c=telling("c")):
        pass

    assert sorted(told) == ["a", "c"]


def test_a_change_reads_what_the_one_before_it_in_its_group_has_written(db):
    def next_number(session):
        return releasing(f"n{FEED.head(session)}")(session)

    with crowd(db, a=next_number, b=next_number, c=next_number) as made:
        pass

    assert made.told == {"first": None, "a": 1, "b": 2, "c": 3}
    assert stored(db) == ["item:n0", "item:n1", "item:n2"]
