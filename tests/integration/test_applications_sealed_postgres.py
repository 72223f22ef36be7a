"""Personal data over PostgreSQL: sealed by the migration, keys that change while many write; no old byte stays."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlmodel import Session, select

from services.applications.model import CaseRow, FactRow
from services.applications.privacy import key_rotation, sealing
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.database.engine import ROOT, Database
from tests.harness.actors import TESTER
from tests.harness.county_cases import CODE, County, fact
from tests.harness.postgres import PrivatePostgres
from tests.harness.rabbitmq import wait_until
from tests.harness.traces_of_people import Search

PERSON = {"applicant": {"name": "欧阳试", "page_code": "440232195501012411"}, "project_name": "关于欧阳试的业务"}
TOKENS = ("欧阳试", "440232195501012411", "来电说明")


@pytest.fixture
def county(database_url: str) -> Iterator[County]:
    with closing(County(database_url)) as opened:
        yield opened


def busy(county: County, number: str) -> None:
    county.open(project_no=number, request_id=f"window-7/{number}", query_code=CODE, **PERSON)
    told = fact("received", 12, number=number, explain="欧阳试来电说明")
    county.cases.record(TESTER, number, [told])


def heap(postgres: PrivatePostgres, url: str) -> bytes:
    """Every file of one database, after all was written down."""
    name = url.rpartition("/")[2]
    with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        found = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", (name,)).fetchone()
    assert found is not None
    files = (postgres.folder / "data" / "base" / str(found[0])).iterdir()
    return b"".join(file.read_bytes() for file in files if file.is_file())


def test_a_store_of_before_is_sealed_and_nothing_stays_in_the_heap(
    postgres: PrivatePostgres, database_url: str, tmp_path: Path
) -> None:
    plain_store(database_url, tmp_path)
    assert Search(TOKENS).tokens(heap(postgres, database_url)) == set(TOKENS)

    with closing(Wiring(Settings(data_dir=tmp_path, database_url=database_url))) as wiring:
        wiring.migrate("applications")
        checked = key_rotation.check(wiring.database("applications"))

    assert (sum(checked.values.values()), checked.bad) == (6, [])
    assert Search(TOKENS).tokens(heap(postgres, database_url)) == set()


def plain_store(url: str, folder: Path) -> None:
    """What the version before left: three cases and a fact of each, in plain text."""
    db = Database("applications", url)
    with db.engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA applications"))
        config = Config()
        config.set_main_option("script_location", str(ROOT / "services" / "applications" / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.commit()
    with closing(County.embedded(folder / "now")) as county:
        for number in range(3):
            busy(county, f"37-{number}")
        with county.db.read() as session, db.write() as older:
            for case in session.exec(select(CaseRow)):
                insert(older, case, personal=orjson.dumps(sealing.personal_of(session, case)).decode())
            for one in session.exec(select(FactRow)):
                insert(older, one, document=sealing.fact_of(session, one).model_dump_json(exclude_none=True))
    db.close()


def insert(session: Session, row: CaseRow | FactRow, **plain: str) -> None:
    values = row.model_dump() | plain
    columns, bound = ", ".join(values), ", ".join(f":{name}" for name in values)
    session.connection().execute(text(f"INSERT INTO {row.__tablename__} ({columns}) VALUES ({bound})"), values)


def test_a_reader_that_may_still_see_the_old_values_is_awaited(
    county: County, postgres: PrivatePostgres, database_url: str
) -> None:
    busy(county, "36-1")
    old = county.db.vault.ring()[0] if county.db.vault else None
    assert old is not None
    with psycopg.connect(postgres.dsn(database_url.rpartition("/")[2])) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT 1 FROM pg_class")
        ending = threading.Timer(1.0, reader.rollback)
        ending.start()
        key_rotation.change_key(county.db, lambda _: None)
        ending.join()

    assert old.prefix.encode() not in heap(postgres, database_url)


def test_keys_change_while_clerks_work_and_nothing_of_the_old_one_stays(
    county: County, postgres: PrivatePostgres, database_url: str
) -> None:
    for number in range(20):
        busy(county, f"37-{number}")
    old = county.db.vault.ring()[0] if county.db.vault else None
    assert old is not None
    assert old.prefix.encode() in heap(postgres, database_url)
    stop = threading.Event()
    opened: list[str] = []

    def clerk() -> None:
        while not stop.is_set():
            number = f"38-{len(opened)}"
            busy(county, number)
            opened.append(number)

    working = threading.Thread(target=clerk)
    working.start()
    try:
        wait_until(lambda: opened, "the clerk does not begin")
        new, retired = key_rotation.change_key(county.db, lambda _: None)
    finally:
        stop.set()
        working.join(60)

    assert not working.is_alive()
    assert retired == [old.key_id]
    checked = key_rotation.check(county.db)
    assert (set(checked.values), checked.bad) == ({new}, [])
    cases = 20 + len(opened)
    assert [len(county.opened(table)) for table in ("application", "fact", "request")] == [cases] * 3
    assert sum(checked.values.values()) == 3 * cases
    assert old.prefix.encode() not in heap(postgres, database_url)
