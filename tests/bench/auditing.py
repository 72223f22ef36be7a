"""`make bench-audit`: how long the auditor takes to come round, what that costs, and how soon damage is healed.

A county in the production shape with invented items and a guide for each, and the settings that the project ships. The
turn that counts is one that began after everything was there.
"""

import argparse
import sys
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.releases import CHUNK, cpu_by_process
from tests.bench.run import servers
from tests.bench.watching import position
from tests.harness import pipeline
from tests.harness.county import CHANNELS, County, ProductionCounty, running, wait_for

SURFACES = ("digests", "changes", "list", "document")
HOUR = 3_600.0
DAMAGE = 'UPDATE {schema}.document SET content = replace(content, \'"name":"\', \'"name":"假\') WHERE key = %s'


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000)
    items: int = parser.parse_args().items
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name, servers(Path(name)) as (rabbit, postgres):
        database = postgres.url(postgres.create_database("bench"))
        env = {"TONGYUAN_REGION": pipeline.REGION}
        with running(ProductionCounty(Path(name) / "county", rabbit.new_vhost(), database, env=env)) as county:
            fill(county, items)
            turn(county)
            with psycopg.connect(postgres.dsn("bench"), autocommit=True) as connection:
                for channel in CHANNELS:
                    heal(county, connection, channel)


def fill(county: County, items: int) -> None:
    """Release them in bulk, and wait until every channel shows all."""
    for source, make in (("catalog", pipeline.item), ("guides", pipeline.guide)):
        http = county.http(source)
        rows = [make(number, f"第{number}号事项").model_dump(mode="json") for number in range(items)]
        for start in range(0, items, CHUNK):
            http.post(
                f"/{source}/v1/imports", json={"rows": rows[start : start + CHUNK]}, timeout=120
            ).raise_for_status()
    wait_for(lambda: min(position(county, name) for name in CHANNELS) >= 2 * items, "everything is shown", 300)
    print(f"{items:,} items with a guide each, shown by {len(CHANNELS)} channels")


def turn(county: County) -> None:
    """The next whole turn of every channel: seconds, questions a second, processor time."""
    began, before = time.time(), cpu_by_process(county)
    passes = wait_for(partial(finished, county, began), "a whole turn", HOUR)
    seconds, after = time.time() - began, cpu_by_process(county)
    for surface in SURFACES:
        took = [passes[name][surface] for name in CHANNELS]
        print(
            f"  {surface:<9} {max(one['seconds'] for one in took):8.1f} s the slowest, {took[0]['checked']:,} looked at"
        )
    spent = {name: after[name] - before[name] for name in after}
    channels = sum(spent[name] for name in CHANNELS)
    print(
        f"  of one processor, over {seconds:.0f} s: auditor {spent['auditor'] / seconds:.0%}, "
        f"channels {channels / seconds:.0%}"
    )


def finished(county: County, began: float) -> Any:
    """Passes by channel and surface, once the turn of single documents began since then and has ended everywhere."""
    passes = county.http("auditor").get("/auditor/v1/report").json()["channels"]
    time.sleep(1)
    done = [passes.get(name, {}).get("document") for name in CHANNELS]
    return passes if all(one and moment(one["finished_at"]) - one["seconds"] >= began for one in done) else None


def heal(county: County, connection: psycopg.Connection[Any], channel: str) -> None:
    """Change one document behind the channel's back; until found, until repaired."""
    began = time.time()
    changed = connection.execute(DAMAGE.format(schema=channel), [f"item:{pipeline.code_of(7)}"])  # type: ignore[call-overload]
    assert changed.rowcount == 1
    found, repaired = wait_for(partial(healed, county, channel, began), f"{channel} is repaired", HOUR)
    print(f"  {channel}: damage found after {found - began:.1f} s, repaired {repaired - found:.1f} s later")


def healed(county: County, channel: str, began: float) -> tuple[float, float] | None:
    """When it was first found and last repaired, once nothing is open."""
    rows = county.http("auditor").get("/auditor/v1/findings").json()["findings"]
    ours = [row for row in rows if row["channel"] == channel and moment(row["found_at"]) >= began]
    time.sleep(0.2)
    if not ours or any(row["repaired_at"] is None for row in ours):
        return None
    found, repaired = ([moment(row[field]) for row in ours] for field in ("found_at", "repaired_at"))
    return min(found), max(repaired)


def moment(text: str) -> float:
    """RFC 3339 → seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


if __name__ == "__main__":
    main()
