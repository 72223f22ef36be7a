"""Imports over PostgreSQL, and what an upgrade makes of a 基本目录 of before."""

import json

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from services.catalog.model import directory_lookup
from shared.database.engine import ROOT, Database
from shared.publishing import editions
from shared.publishing.imports.provenance import provenance_of
from tests.harness.importing import bring, exchange_row
from tests.harness.pipeline import code_of, pipeline

CODE = code_of(1)
GONE = {"cd_operation": "D"}
BEFORE_IMPORTS = "0002"


@pytest.fixture
def county(database_url, tmp_path):
    with pipeline(database_url, tmp_path, channels=("web",)) as made:
        yield made


def test_files_one_after_the_other_end_where_the_last_word_says(county):
    rows = [exchange_row(n, task_version=2) for n in range(1, 40)]
    assert set(bring(county, *rows, dry_run=True).fates) == {"released"}
    assert states(county) == {}
    assert set(bring(county, *rows).fates) == {"released"}
    assert set(bring(county, *rows).fates) == {"unchanged"}
    assert bring(county, exchange_row(1, task_version=1, promise_day=3)).fates == ["older"]
    assert bring(county, exchange_row(1, task_version=3, promise_day=3)).fates == ["released"]
    assert bring(county, exchange_row(2, task_version=3, **GONE)).fates == ["withdrawn"]
    assert states(county)[code_of(2)] == "withdrawn"
    assert set(bring(county, *(exchange_row(n, **GONE) for n in range(3, 30)), confirm=False).fates) == {"held"}


def test_a_split_and_a_plan_that_is_corrected(county):
    bring(county, exchange_row(1))
    bring(county, exchange_row(1, **GONE), exchange_row(1, task_code=CODE + "01", plan_effective_date="2099-01-01"))
    bring(county, exchange_row(1, task_code=CODE + "01", plan_effective_date="2099-01-01", promise_day=4))

    county.flow()
    assert county.get(f"web/v1/items/{CODE}").status_code == 200
    assert county.get(f"web/v1/items/{CODE}01").status_code == 404
    with county.dbs["catalog"].read() as session:
        assert [one["row"] for one in provenance_of(session, f"item:{CODE}01")] == [2, 1]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """The address of an empty database, of either kind."""
    return f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("database_url")


@pytest.mark.parametrize(
    ("rows", "given"),
    [
        # Imported items wrote a row each, at their own level.
        ({"000117000001": ["4"], "000117000002": ["4"]}, False),
        # The exchange's own rows: what others carry out, at every level.
        ({"000117000001": ["2", "3", "4"], "000117000003": ["3"], "000117000004": ["3"]}, True),
        ({}, False),
    ],
)
def test_an_upgrade_tells_a_directory_that_grew_from_items_from_one_that_was_given(place, rows, given):
    db = Database("catalog", place)
    try:
        old_store(db, rows, ["11440232MB0000019Y4000117000001", "11440232MB0000019Y4000117000002"])
        db.migrate("catalog")
        with db.read() as session:
            assert (directory_lookup(session) is not None) is given
    finally:
        db.close()


def old_store(db, rows, codes):
    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / "catalog" / "migrations"))
    with db.engine.connect() as connection:
        if not db.is_sqlite:
            connection.execute(text('CREATE SCHEMA "catalog"'))
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE_IMPORTS)
        for code, levels in rows.items():
            document = {"catalog_code": code, "task_name": "旧行", "task_type": "01", "use_level": levels}
            query = text("INSERT INTO directory (catalog_code, document) VALUES (:code, :document)")
            connection.execute(query, {"code": code, "document": json.dumps(document)})
        for code in codes:
            query = text(
                "INSERT INTO edition (code, revision, state, version, draft, starts_from, content_version) "
                "VALUES (:code, 1, 'draft', 0, '{}', 0, 0)"
            )
            connection.execute(query, {"code": code})
        connection.commit()


def states(county):
    with county.dbs["catalog"].read() as session:
        return editions.states(session)
