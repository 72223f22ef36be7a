"""How long damage in a channel's store stays: twenty times, under the settings that the project ships."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.harness.county import CHANNELS, County, EmbeddedCounty, running, wait_for

DAMAGES = 20
CHANGE = 'UPDATE document SET content = replace(content, \'"name":"\', \'"name":"假\') WHERE key = :key'
DELETE = "DELETE FROM document WHERE key = :key"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("county")
def test_twenty_damages_are_found_and_repaired(tmp_path: Path, record_property: Any) -> None:
    detect, repair = [], []
    with running(EmbeddedCounty(tmp_path / "county", "--demo")) as county:
        wait_for(lambda: county.cli("audit").returncode == 0, "the auditor has read all", 240)
        for number in range(DAMAGES):
            channel = CHANNELS[number % len(CHANNELS)]
            statement = CHANGE if number % 2 else DELETE
            began = datetime.now(UTC)
            key, whole = damage(county, channel, statement, number)
            assert document(county, channel, key) != whole
            row = wait_for(partial(closed, county, channel, began), f"{key} of {channel} repaired", 240)
            found = datetime.fromisoformat(row["found_at"])
            detect.append((found - began).total_seconds())
            repair.append((datetime.fromisoformat(row["repaired_at"]) - found).total_seconds())
            assert document(county, channel, key) == whole
        county.verified()
    for name, values in (("detect", detect), ("repair", repair)):
        record_property(f"{name}: median, longest", f"{median(values):.1f} s, {max(values):.1f} s")


def damage(county: County, channel: str, statement: str, number: int) -> tuple[str, str]:
    """Do it behind the channel's back, to one item after the other; its key, and the document as it was."""
    with closing(store_of(county, channel)) as connection:
        query = "SELECT key, content FROM document WHERE key LIKE 'item:%' AND content IS NOT NULL ORDER BY key"
        documents = connection.execute(query).fetchall()
        key, content = documents[number % len(documents)]
        assert connection.execute(statement, {"key": key}).rowcount == 1
        connection.commit()
    return key, content


def document(county: County, channel: str, key: str) -> str | None:
    """As it lies there now."""
    with closing(store_of(county, channel)) as connection:
        row = connection.execute("SELECT content FROM document WHERE key = ?", [key]).fetchone()
    return row[0] if row else None


def store_of(county: County, channel: str) -> sqlite3.Connection:
    """The channel's own file."""
    return sqlite3.connect(Path(county.env["TONGYUAN_DATA_DIR"]) / f"{channel}.db", timeout=30)


def closed(county: County, channel: str, since: datetime) -> Any:
    """The first finding of the channel since then, once it is closed: of the document, or of all that it lies among."""
    rows = county.http("auditor").get("/auditor/v1/findings").json()["findings"]
    ours = [row for row in rows if row["channel"] == channel and datetime.fromisoformat(row["found_at"]) >= since]
    return ours[-1] if ours and all(row["repaired_at"] for row in ours) else None
