"""A store of before, where an edition kept one body, becomes one that keeps draft and released body apart."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from shared.database.engine import Database
from tests.harness.old_editions import upgraded

NOW = datetime.now(UTC)
SOON, END = NOW + timedelta(days=1), NOW + timedelta(days=9)
OLD, NEW, DRAFT = {"task_name": "旧文"}, {"task_name": "新文"}, {"task_name": "草稿"}
AT_ONCE: dict = {}


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """The address of an empty database, of either kind."""
    return f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("database_url")


@pytest.mark.parametrize("source", ["catalog", "guides"])
def test_every_edition_finds_what_it_released(place, source):
    db = Database(source, place)
    try:
        found = upgraded(
            db,
            {
                "DRAFTED": ("draft", DRAFT, []),
                "RELEASED": ("released", NEW, [(OLD, AT_ONCE), (NEW, {"expires_at": END})]),
                "EDITED": ("released", DRAFT, [(OLD, AT_ONCE), (NEW, AT_ONCE), (NEW, AT_ONCE)]),
                "PLANNED": ("released", NEW, [(OLD, AT_ONCE), (NEW, {"effective_at": SOON})]),
                "HIDDEN": ("hidden", DRAFT, [(OLD, AT_ONCE), (NEW, AT_ONCE), (None, AT_ONCE)]),
                "SUSPENDED": ("suspended", OLD, [(OLD, AT_ONCE), (None, AT_ONCE)]),
                "WITHDRAWN": ("withdrawn", OLD, [(OLD, AT_ONCE), (None, AT_ONCE)]),
            },
        )
    finally:
        db.close()

    told = {code: (body(row), row.content_version, row.returns) for code, row in found.items()}
    assert told == {
        "DRAFTED": (None, 0, None),
        "RELEASED": (NEW, 2, None),
        "EDITED": (NEW, 2, None),
        "PLANNED": (NEW, 2, None),
        "HIDDEN": (NEW, 2, "[2]"),
        "SUSPENDED": (OLD, 1, "[1]"),
        "WITHDRAWN": (OLD, 1, None),
    }
    assert orjson.loads(found["EDITED"].draft) == DRAFT
    assert all(row.starts_from == row.content_version and row.revision == 7 for row in found.values())
    assert found["RELEASED"].expires_at == END.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert found["PLANNED"].planned_until == SOON.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def body(row):
    return orjson.loads(row.released) if row.released else None
