"""A ledger from before kinds were open continues: its entries and its signed tree stay byte for byte."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from services.channels.core.port import adapters
from services.operations.verification.verifier import Verification
from shared.transparency.canonical import canonical
from shared.transparency.merkle import GrowingTiles, NoTiles, leaf_hash
from tests.harness.old_ledger import before_kinds
from tests.harness.pipeline import SERVICE, code_of, guide, item, pipeline, progress
from tests.unit.operations.test_verification import Stranger


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        yield made


def test_an_older_store_is_brought_up_to_date_and_goes_on(county):
    upgraded_goes_on(county)


def test_an_entry_of_before_is_withheld_by_the_same_rule(county):
    county.release(item(1), effective_at=datetime.now(UTC) + timedelta(hours=1))
    county.flow()
    before_kinds(county.dbs["ledger"])
    county.dbs["ledger"].migrate("ledger")
    public, trusted = (county.get("ledger/v1/entries/1", token).json() for token in (None, SERVICE))

    assert (public["body"], public["no_body"]) == (None, "withheld")
    assert trusted["body"]["code"] == code_of(1)
    assert "source_signature" not in trusted


def upgraded_goes_on(county):
    """What must hold of any store: earlier entries are unchanged, and new ones are accepted."""
    county.release(item(1))
    county.release(guide(1))
    county.release_case(progress())
    county.release(item(2))
    county.withdraw(item(2))
    county.flow()
    head = county.ledger.head()
    metas = before_kinds(county.dbs["ledger"])
    county.dbs["ledger"].migrate("ledger")

    stored = [row.meta for row in county.dbs["ledger"].fetch(text("SELECT meta FROM entry ORDER BY position"))]
    assert stored == metas
    entries = county.ledger.entries(0, 100)
    assert all(entry.source_signature is None for entry in entries)
    tiles = GrowingTiles(NoTiles(), 0)
    for entry in entries:
        tiles.append(leaf_hash(canonical(entry.leaf())))
    assert tiles.root().hex() == head.root
    county.release(item(1, "第二版"))
    county.release(item(3))
    county.flow()
    county.flow()
    assert (head.size, county.ledger.head().size) == (5, 7)
    assert county.ledger.consistency(head.size, 7)
    assert Verification(Stranger(county), 60, lambda _what, _count: None).run(adapters()).findings == []
    for name in county.channels:
        assert county.rebuild(name, full=True).differences == []
