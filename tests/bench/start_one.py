"""One start of one channel with nothing, before the ledger in a folder; prints its figures as a JSON line.

A process of its own, see `start.py`: what is measured here is what a channel's process needs, and nothing else.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.channels.api import queries
from services.channels.core.digests import root_of
from services.channels.core.model import DocumentRow
from services.channels.core.port import adapters
from services.channels.recovery.bootstrap import starting_channel
from services.channels.trust.snapshot import PAYS_FROM
from services.runtime.local_readers import LocalLedger
from shared.database.engine import Database

CHANNEL = "web"
FROM = {"snapshot": PAYS_FROM, "log": sys.maxsize}
TABLES = ("document", "scheduled", "parked")


def main() -> None:
    """Start and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=sorted(FROM))
    parser.add_argument("folder", type=Path, help="where ledger.db is")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name:
        print(json.dumps(started(arguments.folder, Path(name), FROM[arguments.way])))


def started(folder: Path, place: Path, pays_from: int) -> dict[str, Any]:
    """Start a channel in `place`; memory in MB."""
    db, ledger = Database(CHANNEL, f"sqlite:///{place}/web.db"), Database("ledger", f"sqlite:///{folder}/ledger.db")
    db.migrate("channels")
    channel = starting_channel(db, adapters()[CHANNEL], LocalLedger(ledger), pays_from=pays_from)
    before = _peak_mb()
    began, processor = time.perf_counter(), time.process_time()
    channel.reconcile()
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    peak = _peak_mb()
    with db.read() as session:
        root, position = root_of(session, DocumentRow), queries.freshness(session)["position"]
    rows = {table: db.fetch(text(f"SELECT count(*) AS count FROM {table}"))[0].count for table in TABLES}
    times = {"seconds": round(seconds, 1), "cpu_seconds": round(processor, 1)}
    return {**times, "memory_before": before, "memory_peak": peak, "position": position, "root": root[:16], **rows}


def _peak_mb() -> int:
    """Of this program alone: `getrusage` would count what its parent had before it became this one."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024


if __name__ == "__main__":
    main()
