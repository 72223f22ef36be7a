"""kill -9 of any process, of the broker and of the database, at any moment: nothing lost, nothing doubled."""

import random
import threading
from pathlib import Path

import pytest

from tests.harness.county import County, EmbeddedCounty, ProductionCounty, running, wait_for
from tests.harness.editors import Editor, Importer, at_work, everything_arrived
from tests.harness.postgres import private_postgres
from tests.harness.rabbitmq import PrivateRabbit

SEED = 20261123
pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


def check(county: County, editor: Editor, importer: Importer) -> None:
    """What must hold after every fault has healed."""
    wait_for(lambda: everything_arrived(county), "everything has arrived", 120, lambda: county.cli("status").stdout)
    county.verified()
    versions = county.http("ledger").get(f"/ledger/v1/versions/item:{editor.item.code}").json()["versions"]
    recorded = [entry["version"] for entry in versions]
    assert recorded == list(range(1, len(recorded) + 1)), "no version lost or doubled"
    assert set(editor.acknowledged) <= set(recorded), "every acknowledged release is in the ledger"
    assert editor.acknowledged, "the editor got something through"
    assert importer.report.accepted == 1600, "the whole file was taken"
    head = county.http("ledger").get("/ledger/v1/head").json()
    assert head["size"] >= 3200 + len(recorded)


@pytest.mark.xdist_group("county")
def test_production_survives_the_kill_of_every_process_during_a_bulk_import(tmp_path: Path, data: Path) -> None:
    (tmp_path / "rabbitmq").mkdir()
    rabbit = PrivateRabbit(tmp_path / "rabbitmq").start()
    stop = threading.Event()
    try:
        with private_postgres() as postgres:
            url = postgres.url(postgres.create_database())
            with running(ProductionCounty(tmp_path / "county", rabbit.url, url)) as county:
                rabbit.settle()
                editor, importer = Editor(county, stop), Importer(county, data / "gd-items-1600.jsonl", stop)
                with at_work(editor.run, importer.run) as failures:
                    victims = [*county.names, "broker", "database", "ledger-worker", "ledger", "guides", "web-worker"]
                    random.Random(SEED).shuffle(victims)
                    for victim in victims:
                        kill(victim, county, rabbit, postgres)
                    stop.set()
                assert not failures, failures
                check(county, editor, importer)
                assert county.kills + 2 >= 20
    finally:
        stop.set()
        rabbit.stop()


def kill(victim: str, county: County, rabbit: PrivateRabbit, postgres: object) -> None:
    """kill -9, then what a supervisor does."""
    if victim == "broker":
        rabbit.kill()
        rabbit.start()
    elif victim == "database":
        postgres.kill()
        postgres.start()
    else:
        county.kill(victim)
        county.restart(victim)
        county.wait_ready(victim)
    revive(county)


def revive(county: County) -> None:
    """A supervisor starts again whatever has ended by itself."""
    for name, process in county.processes.items():
        if process.poll() is not None:
            county.restart(name)


@pytest.mark.xdist_group("county")
def test_the_embedded_county_survives_kills_during_a_bulk_import(tmp_path: Path, data: Path) -> None:
    stop = threading.Event()
    moments = random.Random(SEED)
    with running(EmbeddedCounty(tmp_path / "county")) as county:
        editor, importer = Editor(county, stop), Importer(county, data / "gd-items-1600.jsonl", stop)
        with at_work(editor.run, importer.run) as failures:
            for _ in range(8):
                threading.Event().wait(moments.uniform(0.2, 2.0))
                county.kill("up")
                county.restart("up")
                county.wait_ready("up")
            stop.set()
        assert not failures, failures
        check(county, editor, importer)
