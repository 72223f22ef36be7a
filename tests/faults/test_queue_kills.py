"""The process that fills integrators' queues is killed (-9) at any moment: per key nothing lost, nothing inverted.

Eight kills in every run; `make faults` makes a thousand (TONGYUAN_QUEUE_KILLS sets another number).
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.county import REPOSITORY, wait_for
from tests.harness.integrators import Integrator, IntegratorBroker, QueueSubscribers
from tests.harness.pipeline import Pipeline, code_of, item, pipeline
from tests.harness.rabbitmq import PrivateRabbit

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("amqp-subscriptions")]

SEED = int(os.environ.get("TONGYUAN_FAULT_SEED") or 20261201)
KILLS = int(os.environ.get("TONGYUAN_QUEUE_KILLS") or 1000)
KEYS = 6


class Reader(threading.Thread):
    """Takes whatever comes with the integrator's account, and drops its connection now and then."""

    def __init__(self, integrator: Integrator) -> None:
        super().__init__(daemon=True)
        self._integrator, self._stop_now, self.ids = integrator, threading.Event(), list[str]()

    def run(self) -> None:
        while not self._stop_now.is_set():
            with self._integrator.channel() as opened:
                opened.basic_qos(prefetch_count=20)
                for number, (method, properties, _) in enumerate(
                    opened.consume(self._integrator.queue, inactivity_timeout=0.1)
                ):
                    if method is not None:
                        self.ids.append(str(properties.message_id))
                        opened.basic_ack(method.delivery_tag)
                    if self._stop_now.is_set() or number > 200:
                        break

    def close(self) -> None:
        self._stop_now.set()
        self.join()


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path / "county", channels=()) as made:
        yield made


@pytest.fixture
def service(county: Pipeline, rabbitmq: PrivateRabbit, tmp_path: Path) -> Iterator[QueueSubscribers]:
    made = QueueSubscribers(county, tmp_path, IntegratorBroker(rabbitmq, tmp_path))
    yield made
    made.close()


@contextmanager
def process(service: QueueSubscribers, folder: Path) -> Iterator[None]:
    url = service.broker.url("subscriptions")
    command = [sys.executable, "-m", "tests.harness.queue_process", str(folder), str(folder / "county"), url]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with (folder / "process.log").open("ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=REPOSITORY)
        try:
            yield
        finally:
            child.kill()
            child.wait()


def killed(service: QueueSubscribers, folder: Path, kills: int) -> tuple[dict[str, int], list[str]]:
    """Release and kill so often; then let it end. Return the newest version of each key, and the ids that came."""
    dice = random.Random(SEED)
    newest: dict[str, int] = defaultdict(int)
    one = service.integrator()
    reader = Reader(one)
    reader.start()
    for _ in range(kills):
        for number in dice.choices(range(KEYS), k=6):
            newest[f"item:{code_of(number)}"] += 1
            service.county.release(item(number, name=f"第{newest[f'item:{code_of(number)}']}版"))
        service.county.flow()
        before = len(reader.ids)
        with process(service, folder):
            wait_for(lambda before=before: len(reader.ids) > before, "it sends again")  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.05))
    size = service.county.get("ledger/v1/head").json()["size"]
    with process(service, folder):
        wait_for(lambda: service.parts.log.state().ledger_position == size and service.is_fed(one), "all is sent")
        wait_for(lambda: len(set(reader.ids)) >= sum(newest.values()), "all is taken")
    reader.close()
    return newest, reader.ids


def judge(newest: dict[str, int], ids: list[str]) -> None:
    """Judge as a reader that drops repeats sees it."""
    seen: dict[str, list[int]] = defaultdict(list)
    for name in dict.fromkeys(ids):
        key, _, version = name.partition("/")
        seen[key].append(int(version))
    assert {key: sorted(versions) for key, versions in seen.items()} == {
        key: list(range(1, count + 1)) for key, count in newest.items()
    }, "lost"
    assert {key for key, versions in seen.items() if versions != sorted(versions)} == set(), "inverted"


def test_eight_kills_lose_and_invert_nothing(service: QueueSubscribers, tmp_path: Path) -> None:
    judge(*killed(service, tmp_path, 8))


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_a_thousand_kills_lose_and_invert_nothing(service: QueueSubscribers, tmp_path: Path) -> None:
    judge(*killed(service, tmp_path, KILLS))
