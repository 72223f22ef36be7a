"""F52: the process that calls webhooks is killed (-9) at any moment: per key nothing is lost and nothing inverted.

Twenty kills in every run; `make faults` makes a thousand (TONGYUAN_WEBHOOK_KILLS sets another number).
"""

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.county import REPOSITORY, wait_for
from tests.harness.pipeline import Pipeline, code_of, item, pipeline
from tests.harness.receivers import Call, Receiver, receiver, status
from tests.harness.subscribers import Subscribers, subscribers

SEED = int(os.environ.get("TONGYUAN_FAULT_SEED") or 20261130)
KILLS = int(os.environ.get("TONGYUAN_WEBHOOK_KILLS") or 1000)
KEYS = 6


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path / "county", channels=()) as made:
        yield made


@pytest.fixture
def service(county: Pipeline, tmp_path: Path) -> Iterator[Subscribers]:
    with subscribers(county, tmp_path) as made:
        yield made


@contextmanager
def process(service: Subscribers, folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.harness.webhook_process", str(folder), str(folder / "county")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with (folder / "process.log").open("ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=REPOSITORY)
        try:
            yield
        finally:
            child.kill()
            child.wait()


def first_seen(calls: list[Call]) -> dict[str, list[int]]:
    """Return the versions of each key in the order in which a receiver that drops repeats saw them."""
    seen: dict[str, list[int]] = defaultdict(list)
    for call in calls:
        key, _, version = call.id.partition("/")
        if key.startswith("item:") and int(version) not in seen[key]:
            seen[key].append(int(version))
    return seen


def killed(service: Subscribers, folder: Path, there: Receiver, kills: int) -> dict[str, int]:
    """Release and kill so often; then let it end. Return the newest version of each key."""
    dice = random.Random(SEED)
    newest: dict[str, int] = defaultdict(int)
    hook = service.webhook(there.url)
    for _ in range(kills):
        for number in dice.choices(range(KEYS), k=4):
            newest[f"item:{code_of(number)}"] += 1
            service.county.release(item(number, name=f"第{newest[f'item:{code_of(number)}']}版"))
        service.county.flow()
        before = len(there.calls)
        with process(service, folder):
            wait_for(lambda before=before: len(there.calls) > before, "it calls again")  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.1))
    with process(service, folder):
        wait_for(lambda: _is_all_delivered(service, hook), "everything is delivered")
    return newest


def _is_all_delivered(service: Subscribers, hook: dict[str, str]) -> bool:
    size = service.county.get("ledger/v1/head").json()["size"]
    state, row = service.parts.log.state(), service.one(hook)
    return bool(state.ledger_position == size and row["queued"] == state.position and row["open"] == 0)


def judge(newest: dict[str, int], calls: list[Call]) -> None:
    seen = first_seen(calls)
    assert {key: sorted(versions) for key, versions in seen.items()} == {
        key: list(range(1, count + 1)) for key, count in newest.items()
    }, "lost"
    assert {key for key, versions in seen.items() if versions != sorted(versions)} == set(), "inverted"


def test_twenty_kills_lose_and_invert_nothing(service: Subscribers, tmp_path: Path) -> None:
    with receiver(status(204)) as there:
        newest = killed(service, tmp_path, there, 20)

    judge(newest, there.calls)


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_a_thousand_kills_lose_and_invert_nothing(service: Subscribers, tmp_path: Path) -> None:
    with receiver(status(204), *[status(503)] * 3, status(204)) as there:
        newest = killed(service, tmp_path, there, KILLS)

    judge(newest, there.calls)
