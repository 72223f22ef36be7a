"""What must not grow without bound, and what must be caught up with however long it was: thousands of entries."""

import time
from pathlib import Path

import pytest

from services.catalog.commands import ItemImport
from services.ledger.signing.heads import sign_head
from shared.database.engine import WAL_LIMIT
from tests.harness.actors import TESTER
from tests.harness.pipeline import item, pipeline

ENTRIES, ROWS = 5000, 500
WAL_MIB = 24.0
"""What one chunk of an import may need at most, and a checkpoint's delay."""


def import_many(county):
    """5,000 items, in the chunks of an import; each goes on to the ledger as it comes."""
    for start in range(0, ENTRIES, ROWS):
        rows = [item(number).model_dump(mode="json") for number in range(start, start + ROWS)]
        county.catalog.import_items(TESTER, ItemImport(rows=rows))
        county.intake.reconcile()
        yield


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_channel_away_for_five_thousand_entries_catches_up_and_no_write_ahead_file_outgrows_its_bound(
    tmp_path, record_property
):
    largest = 0.0
    with pipeline(tmp_path, channels=["kiosk"]) as county:
        for _ in import_many(county):
            largest = max(largest, write_ahead(tmp_path))
        sign_head(county.dbs["ledger"], county.signer)
        began = time.monotonic()
        county.channels["kiosk"].reconcile()
        seconds = time.monotonic() - began
        largest = max(largest, write_ahead(tmp_path))

        assert county.channels["kiosk"].position() == ENTRIES
    record_property("seconds", round(seconds, 1))
    record_property("largest write-ahead file, MiB", round(largest, 1))
    assert largest <= WAL_MIB


def test_a_reader_that_stays_lets_the_write_ahead_file_grow_until_it_leaves_and_then_it_is_cut_back(tmp_path):
    limit = WAL_LIMIT / 2**20
    with pipeline(tmp_path, channels=["web"]) as county:
        county.execute("catalog", "CREATE TABLE ballast (bytes BLOB)")
        with county.dbs["catalog"].read() as session:
            session.connection().exec_driver_sql("SELECT count(*) FROM ballast").all()
            for _ in range(24):
                county.execute("catalog", "INSERT INTO ballast VALUES (randomblob(1048576))")
            assert write_ahead(tmp_path) > limit
        # The first writes everything into the database, the second begins the file anew.
        for number in range(2):
            county.release(item(number))

        assert write_ahead(tmp_path) <= limit


def write_ahead(folder: Path) -> float:
    """MiB of the largest one."""
    return max(file.stat().st_size for file in folder.glob("*.db-wal")) / 2**20
