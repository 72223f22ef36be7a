"""What a database refuses is told for what it is: a race to who may read again, an error of ours to us."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from shared.database.engine import Database
from shared.errors import Conflict, ConstraintViolated, Unavailable

pytestmark = [pytest.mark.servers]
TABLES = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE, CONSTRAINT short CHECK (length(name) < 9))",
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent (id))",
    "INSERT INTO parent (id, name) VALUES (1, 'first'), (2, 'second')",
)
SECRET = "13812345678"


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = request.param == "sqlite"
    made = Database("web", f"sqlite:///{tmp_path}/x.db" if sqlite else request.getfixturevalue("database_url"))
    with made.write() as session:
        if not sqlite:
            session.connection().execute(text("CREATE SCHEMA web"))
        for statement in TABLES:
            session.connection().execute(text(statement))
    yield made
    made.close()


def run(db: Database, statement: str, direct: bool) -> None:
    if direct:
        db.execute(statement)
        return
    with db.write() as session:
        session.connection().execute(text(statement))


by_each_way = pytest.mark.parametrize("direct", [False, True], ids=["session", "direct"])


@by_each_way
@pytest.mark.parametrize("values", ["(1, 'third')", "(3, 'first')"])
def test_two_who_make_the_same_row_are_told_to_read_again(db: Database, values: str, direct: bool) -> None:
    with pytest.raises(Conflict):
        run(db, f"INSERT INTO parent (id, name) VALUES {values}", direct)


@by_each_way
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (f"INSERT INTO child (id, parent) VALUES ({SECRET[:8]}, 99)", ""),
        ("INSERT INTO child (id, parent) VALUES (5, NULL)", "parent"),
        (f"INSERT INTO parent (id, name) VALUES (7, '{SECRET}')", "short"),
        ("DELETE FROM parent WHERE id = 1", ""),
    ],
)
def test_whatever_else_a_table_refuses_is_an_error_of_ours_and_quotes_nothing(
    db: Database, statement: str, named: str, direct: bool
) -> None:
    run(db, "INSERT INTO child (id, parent) VALUES (1, 1)", direct)

    with pytest.raises(ConstraintViolated) as raised:
        run(db, statement, direct)

    assert raised.value.status == 500
    assert named in str(raised.value)
    assert SECRET[:8] not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.fixture
def shared(database_url: str) -> Iterator[Database]:
    """The same tables in PostgreSQL, where writers do not wait for one another."""
    made = Database("web", database_url)
    with made.write() as session:
        for statement in ("CREATE SCHEMA web", *TABLES):
            session.connection().execute(text(statement))
    yield made
    made.close()


def test_two_who_wait_for_one_another_are_told_that_it_cannot_be_now(shared: Database) -> None:
    told: list[Exception] = []
    both = threading.Barrier(2)

    def rename(first: int, second: int) -> None:
        try:
            with shared.write() as session:
                for number in (first, second):
                    session.connection().execute(text("UPDATE parent SET name = name WHERE id = :id"), {"id": number})
                    if number == first:
                        both.wait(60)
        except Exception as error:  # noqa: BLE001  # judged below
            told.append(error)

    threads = [threading.Thread(target=rename, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [type(error) for error in told] == [Unavailable]


def test_who_has_been_overtaken_is_told_that_it_cannot_be_now(shared: Database) -> None:
    def overtaken() -> None:
        with shared.write() as session:
            connection = session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            connection.execute(text("SELECT * FROM parent"))
            shared.execute("UPDATE parent SET name = 'other' WHERE id = 1")
            connection.execute(text("UPDATE parent SET name = 'mine' WHERE id = 1"))

    with pytest.raises(Unavailable):
        overtaken()


def test_who_meets_a_file_that_another_writes_is_told_that_it_cannot_be_now(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/busy.db"
    first, second = Database("web", url), Database("web", url)
    event.listen(second.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=0"))
    with first.write() as writing:
        writing.connection()
        with pytest.raises(Unavailable), second.write() as session:
            session.connection()
    first.close()
    second.close()
