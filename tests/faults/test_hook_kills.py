"""F52: hooks of the release before move to subscriptions while the processes are killed (-9) at any moment.

Ten kills in every run; TONGYUAN_HOOK_KILLS sets another number.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.harness.county import REPOSITORY, wait_for
from tests.harness.former_hooks import FormerHook, moved, require_nothing_lost, told, upgraded
from tests.harness.pipeline import pipeline
from tests.harness.receivers import Receiver, receiver, status
from tests.harness.subscribing import App

SEED = int(os.environ.get("TONGYUAN_FAULT_SEED") or 20261201)
KILLS = int(os.environ.get("TONGYUAN_HOOK_KILLS") or 10)
HOOKS = (
    *(FormerHook(number, told=2) for number in range(1, 5)),
    *(FormerHook(number, told=1, failures=number % 3) for number in range(5, 11)),
    FormerHook(11, told=1, state="dead", failures=10),
    FormerHook(12, told=1, state="ended"),
)
BUSY = [status(204), status(503), b"", status(500), status(204)] * 6


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    limits = {"lookup_limit": "1000/second", "lookup_case_limit": "1000/second"}
    with pipeline(tmp_path, channels=["mobile"], **limits) as county:
        made = App(county)
        made.advance("2")
        yield made


@contextmanager
def process(app: App, there: Receiver) -> Iterator[IO[bytes]]:
    folder = Path(app.county.settings.data_dir)
    command = [sys.executable, "-m", "tests.harness.hook_process", str(folder), there.host]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with (folder / "process.log").open("ab") as log:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=REPOSITORY)
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == b"ready\n", (folder / "process.log").read_text()
            yield child.stdout
        finally:
            child.kill()
            child.wait()
            child.stdout.close()


def all_told(app: App, there: Receiver) -> bool:
    heard = told(there.calls)
    alive = [one for one in HOOKS if one.state == "active"]
    return not moved(app.county) and all(str(app.version) in heard.get(one.id, {}) for one in alive)


def test_no_receiver_misses_a_state_or_hears_it_under_two_ids(app: App) -> None:
    dice = random.Random(SEED)
    with receiver(*BUSY) as there:
        app.allow(there.host)
        upgraded(app.county, HOOKS, there.host)
        assert len(moved(app.county)) == len(HOOKS)
        _ = app.county.case_hooks
        for number in range(KILLS):
            with process(app, there):
                time.sleep(dice.uniform(0, 0.3))
            if number % 2:
                app.advance(dice.choice("123"))
        with process(app, there):
            wait_for(lambda: all_told(app, there), "everybody has heard the newest state")

        require_nothing_lost(HOOKS, there.calls, str(app.version))
        for one in HOOKS:
            known = app.standing({"id": one.id, "secret": one.secret})
            assert known["state"] == one.state
            assert app.standing({"id": one.id, "secret": "whsec_wrong"})["status"] == 404
