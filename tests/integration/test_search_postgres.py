"""Over PostgreSQL the search finds the same items in the same order as over SQLite."""

import pytest
from sqlalchemy import text

from services.channels.search.index import Indexed, SearchIndex, create_statements, indexed
from shared.database.engine import Database
from tests.harness.projecting import county, of_guide, of_item, shown
from tests.harness.questions import people_ask

QUESTIONS = [
    "身份证",
    "户口",
    "开办企业",
    "办身份证要什么材料",
    "怎么给孩子上户口",
    "sfz",
    "hk",
    "kbqy",
    "shenfenzheng",
    "sfz补领",
    "低保",
    "房产证过户",
    "食品经营许可证",
    "公安局",
    "0007099",
    "办理",
    "证",
    *(question.text for question in people_ask()),
]
SILLY = [
    "",
    "？",
    "的",
    "'; DROP TABLE search; --",
    "a:*B | b & !c",
    "\\' & x",
    "身份证':*A | !户口",
    "\0",
    "x" * 10_000,
]


@pytest.fixture
def both(database_url, tmp_path):
    databases = [Database("web", database_url), Database("web", f"sqlite:///{tmp_path / 'web.db'}")]
    for database in databases:
        make(database)
    yield databases
    for database in databases:
        database.close()


def test_both_databases_answer_alike(both):
    rows = [indexed(shown("web", of_item(one)), shown("web", of_guide(its))) for one, its in county()]
    for database in both:
        put(database, *rows)

    postgres, sqlite = ({question: keys(database, question) for question in QUESTIONS} for database in both)

    assert postgres == sqlite
    assert all(postgres.values())


def test_nothing_typed_becomes_syntax(both):
    for database in both:
        put(database, Indexed("item:1", ("居民身份证办理",)), Indexed("item:2", ("户口登记",)))
    postgres, sqlite = ({question: keys(database, question) for question in SILLY} for database in both)

    assert postgres == sqlite
    assert postgres["身份证':*A | !户口"] == keys(both[0], "身份证 a 户口")
    assert keys(both[0], "身份证") == ["item:1"]


def test_rows_are_replaced_and_removed(both):
    postgres = both[0]
    put(postgres, Indexed("item:1", ("户口迁移",)), Indexed("item:2", ("户口登记",)))
    put(postgres, Indexed("item:1", ("居住证办理",)))

    assert keys(postgres, "户口") == ["item:2"]

    with postgres.write() as session:
        SearchIndex(postgres).remove(session, ["item:2", "item:unknown"])

    assert keys(postgres, "户口") == []
    assert keys(postgres, "居住证") == ["item:1"]


def test_the_index_can_answer(both):
    postgres = both[0]
    put(postgres, *(Indexed(f"item:{number}", (f"户口登记第{number}号",)) for number in range(2000)))

    with postgres.write() as session:
        session.connection().execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.connection().execute(
            text("EXPLAIN SELECT key FROM search WHERE vector @@ CAST(:query AS tsquery)"), {"query": "'身份证':ABD"}
        )

        assert "search_vector" in str(plan.all())


def make(database: Database) -> None:
    with database.write() as session:
        if not database.is_sqlite:
            session.connection().execute(text("CREATE SCHEMA IF NOT EXISTS web"))
        for statement in create_statements("sqlite" if database.is_sqlite else "postgresql"):
            session.connection().execute(text(statement))


def put(database: Database, *rows: Indexed) -> None:
    with database.write() as session:
        SearchIndex(database).replace(session, rows)


def keys(database: Database, question: str) -> list[str]:
    with database.read() as session:
        return SearchIndex(database).find(session, question, 10)
