"""A list is bounded by bytes as well as by number, and a client that reads on after a short page misses nothing."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Field, Session, SQLModel, col, create_engine, select

from shared.feeds.upstream import HttpLedger
from shared.web.list_size import MOST_BYTES, first_within, taken
from tests.harness.pipeline import ADMIN, Pipeline, item, pipeline

LARGE = 5
LAWS = [{"law_name": "法", "article": f"第{number}条", "content": "法" * 20_000} for number in range(5)]
"""300,000 bytes: a page takes three of them."""


class PageRow(SQLModel, table=True):
    """A row with texts of some size."""

    __tablename__ = "page_of_the_list_test"

    number: int = Field(primary_key=True)
    content: str | None = None
    more: str = ""


@given(sizes=st.lists(st.integers(0, 40)), most=st.integers(1, 60))
def test_a_page_takes_what_fits_and_one_in_any_case(sizes, most):
    count = taken(sizes, most)

    assert count >= min(1, len(sizes))
    assert count <= 1 or sum(sizes[:count]) <= most
    assert count == len(sizes) or sum(sizes[: count + 1]) > most


@settings(max_examples=40)
@given(
    contents=st.lists(st.one_of(st.none(), st.text("aé中", max_size=12)), max_size=12),
    most=st.integers(1, 40),
    limit=st.integers(1, 8),
)
def test_the_database_picks_the_same_rows_and_page_after_page_all_of_them(contents, most, limit):
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine, tables=[SQLModel.metadata.tables["page_of_the_list_test"]])
    place, texts = col(PageRow.number), (col(PageRow.content), col(PageRow.more))
    read: list[int] = []
    with Session(engine) as session:
        session.add_all(PageRow(number=at, content=one, more="x") for at, one in enumerate(contents, 1))
        session.commit()
        while len(read) < len(contents):
            within = first_within(place, texts, place > len(read), limit=limit, most=most)
            page = list(session.exec(select(place).where(place.in_(within)).order_by(place)))
            sizes = [len((one or "").encode()) + 1 for one in contents[len(read) : len(read) + limit]]
            assert len(page) == taken(sizes, most)
            read += page
    engine.dispose()

    assert read == list(range(1, len(contents) + 1))


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Five items whose texts exceed one page together; tests do not change them."""
    with pipeline(tmp_path_factory.mktemp("lists"), channels=["web"]) as made:
        for number in range(1, LARGE + 1):
            made.release(item(number, by_law=LAWS))
        made.flow()
        yield made


@pytest.mark.parametrize("path", [
    "ledger/v1/entries?limit=1000",
    "ledger/v1/entries?limit=1000&proofs=true",
    "ledger/v1/snapshot/entries?limit=1000&size={size}",
    "web/v1/changes?limit=500",
    "catalog/v1/releases?lane=live&limit=1000",
    "catalog/v1/releases/newest?limit=1000",
    "catalog/v1/items?limit=1000",
])  # fmt: skip
def test_no_list_answers_more_than_its_bytes(county, path):
    size = county.get("ledger/v1/head").json()["size"]
    answer = county.get(path.format(size=size), token=ADMIN)

    assert answer.status_code == 200
    assert MOST_BYTES / 2 < len(answer.content) < MOST_BYTES * 1.1 + 2 * LARGE * 1000


def test_a_follower_that_reads_page_after_page_gets_every_entry(county):
    ledger = over_http(county)
    positions: list[int] = []
    while found := ledger.entries(len(positions), 500):
        positions += [entry.position for entry in found]

    assert positions == list(range(1, LARGE + 1))


def test_a_snapshot_in_short_pages_is_whole(county):
    ledger, after, keys = over_http(county), 0, []
    size = county.get("ledger/v1/head").json()["size"]
    while after is not None:
        page = ledger.snapshot_page(size, after, 500)
        keys += [entry.key for entry in page.entries]
        after = page.next

    assert keys == [f"item:{item(number).code}" for number in range(1, LARGE + 1)]


def test_changes_say_that_there_are_more_until_the_last_page(county):
    cursor, more, keys, pages = "0", True, [], 0
    while more:
        answer = county.get("web/v1/changes", since=cursor, limit=500).json()
        keys += [change["key"] for change in answer["changes"]]
        cursor, more, pages = answer["cursor"], answer["more"], pages + 1

    assert len(keys) == len(set(keys)) == LARGE
    assert pages == 2
    assert county.get("web/v1/changes", since=cursor).json()["changes"] == []


def over_http(county: Pipeline) -> HttpLedger:
    """The ledger as another process reads it."""
    return HttpLedger(county.http)
