"""A request that waits is answered by the next write, by what another process announces, and when the process stops."""

import asyncio
import threading

import pytest
from sqlalchemy import text

from shared.database.engine import Database
from shared.web.long_poll import Awaited

FOR_EVER = 3600.0


@pytest.fixture
def store(tmp_path):
    db = Database("catalog", f"sqlite:///{tmp_path}/catalog.db")
    db.migrate("catalog")
    yield db
    db.close()


class Looks:
    """A value that a test sets, and how often it was read."""

    def __init__(self):
        self.value, self.count, self.looked = 0, 0, threading.Event()

    def __call__(self):
        self.count += 1
        self.looked.set()
        return self.value


def answer_of(awaited, looks, meanwhile, seconds=FOR_EVER):
    """Wait in a loop of its own, and do something once the value was read for the first time."""
    found = []
    waiting = awaited.get(lambda value: value > 0, seconds)
    thread = threading.Thread(target=lambda: found.append(asyncio.run(waiting)))
    thread.start()
    assert looks.looked.wait(30)
    meanwhile()
    thread.join(30)
    return found


def wrote(db, looks):
    looks.value = 7
    with db.write() as session:
        session.connection().execute(text("UPDATE audit_head SET at = at"))


def test_a_write_of_this_process_ends_the_wait(store):
    looks = Looks()
    assert answer_of(Awaited(store, looks), looks, lambda: wrote(store, looks)) == [7]


def test_what_another_process_announced_ends_the_wait(store):
    looks = Looks()

    def announced():
        looks.value = 7
        for told in store.after_notice:
            told()

    assert answer_of(Awaited(store, looks), looks, announced) == [7]


def test_a_process_that_stops_answers_with_what_there_is(store):
    looks = Looks()
    awaited = Awaited(store, looks)

    assert answer_of(awaited, looks, awaited.end) == [0]


def test_nothing_is_read_while_nothing_happens(store):
    looks = Looks()
    assert answer_of(Awaited(store, looks), looks, lambda: None, seconds=0.2) == [0]

    assert looks.count == 2


def test_what_is_new_already_is_answered_at_once(store):
    looks = Looks()
    looks.value = 3

    assert answer_of(Awaited(store, looks), looks, lambda: None) == [3]
    assert looks.count == 1
