"""The worker process of applications over a real broker: from a hall's message to a release, bad ones set aside."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.topology import INTAKE_EXCHANGE, INTAKE_QUEUE
from services.runtime.manifests import topology
from shared.messaging import topology_job
from shared.messaging.publisher import AmqpPublisher
from tests.harness.actors import TESTER
from tests.harness.broker_queues import dead_letters, ready
from tests.harness.cases import PROJECT_NO, RECEIVED
from tests.harness.county_cases import CODE, ITEM, KEY, County, hall
from tests.harness.rabbitmq import PrivateRabbit, wait_until

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from shared.messaging.eventlet_patch import patch
patch()
import sys
from pathlib import Path
from services.applications.commands import Applications
from services.applications.worker import make_worker
from shared.database.engine import Database
from shared.messaging.worker import run_worker
from shared.security.vault import Vault
from tests.harness.actors import TESTER
db = Database("applications", sys.argv[1], Vault(Path(sys.argv[3])))
run_worker(make_worker(Applications(db, "440232000000")), sys.argv[2])
"""


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    county = County.embedded(tmp_path)
    yield county
    county.close()


@pytest.fixture
def broker(rabbitmq: PrivateRabbit) -> str:
    url = rabbitmq.new_vhost()
    topology_job.apply(url, topology().queues)
    return url


@pytest.fixture
def start(county: County, broker: str, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Starts the worker, once; gives its log."""
    processes: list[subprocess.Popen[bytes]] = []

    def start() -> Path:
        log = tmp_path / "worker.log"
        with log.open("wb") as out:
            command = [sys.executable, "-c", PROGRAM, county.db.url, broker, str(county.db.vault.path)]
            processes.append(subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out))
        return log

    yield start
    for process in processes:
        process.terminate()
        process.wait(timeout=60)


def test_what_halls_report_is_released_and_what_is_wrong_lies_with_the_dead_letters(
    county: County, broker: str, start: Callable[[], Path]
) -> None:
    publisher = AmqpPublisher(broker, INTAKE_EXCHANGE, connection_name="hall")
    publisher.publish(
        [
            hall("jj", 12, item_code=ITEM, query_code=CODE),
            hall("fly", 12, details={"explain": "欧阳试来电"}),
            hall("notaccept", 13, details={"accept_doc_no": "S-1", "reason": "欧阳试材料不全"}),
        ]
    )
    publisher.close()
    log = start()

    wait_until(lambda: county.releases(KEY) and county.body()["state"] == "NOT_ACCEPTED", f"no release; see {log}")
    wait_until(lambda: dead_letters(broker, INTAKE_QUEUE), f"nothing was set aside; see {log}")
    assert ready(broker, INTAKE_QUEUE) == 0
    assert "delivery.refused" in log.read_text()
    assert "欧阳" not in log.read_text()


def test_the_worker_lets_time_do_what_the_law_says(county: County, start: Callable[[], Path]) -> None:
    """Received in October 2020 and never answered: by the worker's clock that was long ago."""
    county.open()
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])
    log = start()

    wait_until(lambda: county.body()["state"] == "ACCEPTED", f"no deemed acceptance; see {log}")
    assert county.count("fact", "fact_id = 'deemed:2020-10-19'") == 1
