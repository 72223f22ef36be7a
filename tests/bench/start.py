"""`make bench-start`: a channel that starts before a long ledger, with a snapshot and without, in one run.

The ledger is made by its own `record` and `sign_head`, so digests, tree and signatures are real. Each start is a
process of its own, so that its peak of memory is its own. Both must give the same channel, or there are no figures.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from contracts.envelope.publication import Kind, Lane, Op, Release
from services.ledger.log.append import record
from services.ledger.signing.heads import sign_head
from services.ledger.signing.signer import Signer
from shared.database.engine import Database
from shared.transparency.canonical import digest
from tests.harness.pipeline import REGION, guide, item, progress

ONE = Path(__file__).with_name("start_one.py")
BATCH = 2_000
COSTS = ("seconds", "cpu_seconds", "memory_before", "memory_peak")


def main() -> None:
    """Make the ledger, start both ways, print a table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name:
        folder = Path(name)
        signing = make_ledger(folder, arguments.entries, arguments.keys)
        figures = {way: start(folder, way) for way in ("snapshot", "log")}
    show({**figures, "first_signing_seconds": signing})


def make_ledger(folder: Path, entries: int, keys: int) -> float:
    """A ledger of `entries` over `keys`; how long a sequencer that has just started takes for its first statement."""
    db, batch, began = Database("ledger", f"sqlite:///{folder}/ledger.db"), [], time.perf_counter()
    db.migrate("ledger")
    signer = Signer.of_folder(folder, "tongyuan/bench")
    for number, one in enumerate(releases(entries, keys), 1):
        batch.append(one)
        if len(batch) == BATCH or number == entries:
            with db.write() as session:
                record(session, batch, signer)
            batch.clear()
    print(f"made {entries:,} entries of {keys:,} keys in {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter()
    sign_head(db, signer)
    db.close()
    return round(time.perf_counter() - began, 1)


def releases(entries: int, keys: int) -> Iterator[Release]:
    """Version after version of every key: seven of ten are items, two guides, one a case.

    Of the newest ones 1 % withdraw and 2 % wait for tomorrow.
    """
    bodies = [_body(number) for number in range(keys)]
    now = datetime.now(UTC)
    for number in range(entries):
        version, at = number // keys + 1, number % keys
        kind, code, body = bodies[at]
        newest = number + keys >= entries
        withdraws = newest and at % 100 == 0
        release = Release.model_construct(
            source="bench", lane=Lane.LIVE, sequence=number + 1, key=f"{kind}:{code}", kind=kind, version=version,
            op=Op.WITHDRAW if withdraws else Op.RELEASE, region=REGION, expires_at=None, released_at=now, digest="",
            effective_at=now + timedelta(days=1) if newest and at % 50 == 1 else None, traceparent=None,
            body=None if withdraws else body | ({"task_name": f"第{version}版"} if "task_name" in body else {}),
        )  # fmt: skip
        yield Release.model_construct(**{**vars(release), "digest": digest(release.content())})


def start(folder: Path, way: str) -> dict[str, Any]:
    """One start in a process of its own."""
    answer = subprocess.run([sys.executable, ONE, way, folder], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def show(figures: dict[str, Any]) -> None:
    """Raises `SystemExit` when the two ways gave two channels."""
    one, other = figures["snapshot"], figures["log"]
    results = [name for name in one if name not in COSTS]
    if any(one[name] != other[name] for name in results):
        raise SystemExit(f"two channels: {figures}")
    print(f"{'':16} {'snapshot':>16} {'every entry':>16}")
    for name in (*COSTS, *results):
        print(f"{name:16} {one[name]:>16} {other[name]:>16}")
    print(json.dumps(figures))


def _body(number: int) -> tuple[Kind, str, dict[str, Any]]:
    if number % 10 == 9:
        return Kind.APPLICATION, f"{number:064x}", progress().model_dump(mode="json")
    kind, made = (Kind.GUIDE, guide(number)) if number % 10 > 6 else (Kind.ITEM, item(number))
    return kind, made.code, made.model_dump(mode="json")


if __name__ == "__main__":
    main()
