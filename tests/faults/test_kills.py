"""kill -9 of any process, of the broker and of the database, at any moment: no invariant is broken."""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.harness.blows import Blow
from tests.harness.county import EmbeddedCounty, running, wait_for
from tests.harness.editors import Importer, at_work, everything_arrived
from tests.harness.history import History
from tests.harness.invariants import judge
from tests.harness.schedule import besiege, siege
from tests.harness.witnesses import Clerk, Reader, Screen, over_http, roll_call

SEED = 20261123
EMBEDDED_KILLS = 8
pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("county"),
    # Readers' sockets to a server that was killed while they opened may be left to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_production_survives_the_kill_of_every_process_during_a_bulk_import(tmp_path: Path, data: Path) -> None:
    with siege(tmp_path) as site:
        importer = Importer(site.county, data / "gd-items-1600.jsonl", threading.Event())
        again = ["ledger-worker", "ledger", "guides", "web-worker"]
        blows = [Blow(0.1, "kill", name, 0.0) for name in [*site.county.names, *again]]
        blows += [Blow(0.1, f"{server} kill", "", 0.0) for server in ("broker", "database")]
        random.Random(SEED).shuffle(blows)
        left = iter(blows)
        besiege(site, left, lambda: site.county.kills >= len(blows), importer.run)

        everything_of_the_file_is_there(site.history, importer)
        judge(site.history)
        site.county.verified()


def test_the_embedded_county_survives_kills_during_a_bulk_import(tmp_path: Path, data: Path) -> None:
    stop, leave = threading.Event(), threading.Event()
    moments = random.Random(SEED)
    history = History(patience=4)
    with running(EmbeddedCounty(tmp_path / "county")) as county:
        clerk, importer = Clerk(county, history, stop), Importer(county, data / "gd-items-1600.jsonl", stop)
        reader, screen = Reader(county, history, "web", [clerk.item.code]), Screen(county, history, "kiosk")
        with at_work(lambda: reader.run(leave), lambda: screen.run(leave)) as unseen:
            with at_work(clerk.run, importer.run) as failures:
                for _ in range(EMBEDDED_KILLS):
                    time.sleep(moments.uniform(0.2, 2.0))
                    history.add("web", "down")
                    county.kill("up")
                    county.restart("up")
                    county.wait_ready("up")
                    history.add("web", "up")
                stop.set()
            wait_for(lambda: everything_arrived(county), "all has arrived", 120, lambda: county.cli("status").stdout)
            leave.set()
        assert not failures + unseen, failures + unseen
        roll_call(history, over_http(county))

        everything_of_the_file_is_there(history, importer)
        judge(history)
        county.verified()


def everything_of_the_file_is_there(history: History, importer: Importer) -> None:
    """1600 rows: an item each, and a guide for all but the 19 that state nothing of one; each in the ledger once."""
    assert importer.outcomes == {"released": 1600}, "the whole file was taken"
    newest = Counter(entry.key for entry in history.entries)
    assert sum(count == 1 for count in newest.values()) >= 3181
    assert any(history.of("release", phase="ok")), "the clerk got something through"
