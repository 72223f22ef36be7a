"""What the supervisor gets to deal with: a unit that systemd understands; processes that end at once, or not at all."""

import os
import re
import socket
import subprocess
from collections import defaultdict
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import httpx
import orjson
import pytest

from tests.harness.callers import key_of
from tests.harness.county import ADMIN, REPOSITORY, TONGYUAN, answers, wait_for
from tests.harness.packages import require
from tests.harness.ports import free_port

UNIT = REPOSITORY / "deploy" / "systemd" / "tongyuan@.service"
LEAST_PAUSE = timedelta(seconds=0.1)
NEWER = {"RestartSteps", "RestartMaxDelaySec"}
"""Keys that systemd knows from 254 on; Debian 12 has 252."""

NOWHERE = {
    "TONGYUAN_CALLER_KEY": key_of("web"),
    "TONGYUAN_AMQP_URL": "amqp://127.0.0.1:9/",
    "TONGYUAN_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/none",
}
CANNOT_START = {
    "without a broker's address": ("catalog", {"TONGYUAN_AMQP_URL": None}, "TONGYUAN_AMQP_URL"),
    "without a key for its tokens": ("web", {"TONGYUAN_CALLER_KEY": None}, "TONGYUAN_CALLER_KEY"),
    "with a key that is none": ("web", {"TONGYUAN_CALLER_KEY": "secret"}, "TONGYUAN_CALLER_KEY: must be 64"),
    "with a token that it may not hold": ("web", {"TONGYUAN_ADMIN_TOKEN": ADMIN}, "TONGYUAN_ADMIN_TOKEN: web may not"),
    "with a key of operators": ("catalog", {"TONGYUAN_OPERATOR_KEY": key_of("x")}, "TONGYUAN_OPERATOR_KEY: catalog"),
    "with a port that is no number": ("web", {"TONGYUAN_PORT": "eighty"}, "TONGYUAN_PORT"),
    "with a port that is taken": ("web", {"TONGYUAN_PORT": "taken"}, "taken"),
    "with a worker's port that is taken": ("web-worker", {"TONGYUAN_METRICS_PORT": "taken"}, "taken"),
    "under a name that is none": ("wbe", {}, "no process 'wbe'"),
}


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    """The unit as it is installed, but for the program, which is not."""
    file = tmp_path_factory.mktemp("unit") / "tongyuan@web.service"
    file.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE))
    return file


def analyze(*arguments):
    program = require("systemd-analyze", "systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)


def test_systemd_understands_every_line_of_the_unit_but_those_of_newer_versions(unit):
    done = analyze("verify", str(unit))
    unknown = set(re.findall(r"Unknown key(?: name)? '(\w+)'", done.stderr))
    others = [line for line in done.stderr.splitlines() if line and "Unknown key" not in line]

    assert done.returncode == 0, done.stderr
    assert unknown <= NEWER
    assert others == []


def test_systemd_finds_the_unit_well_shut_in(unit):
    done = analyze("security", "--offline=true", "--threshold=20", str(unit))

    assert done.returncode == 0, done.stdout[-500:]


def test_whatever_ends_is_started_again_for_ever_with_growing_pauses():
    settings = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and line[0] != "#")

    assert settings["Restart"] == "always"
    assert settings["StartLimitIntervalSec"] == "0"
    assert float(settings["RestartSec"]) >= 1, "never a busy loop, also where the pauses do not grow"
    assert float(settings["RestartMaxDelaySec"]) == 30


@pytest.mark.parametrize("case", CANNOT_START)
def test_a_process_that_cannot_start_says_why_in_one_line_and_ends(case):
    name, change, said = CANNOT_START[case]
    with taken_port() as taken:
        done = run(name, {key: str(taken) if value == "taken" else value for key, value in change.items()})
        said = str(taken) if said == "taken" else said

    complaints = [line for line in done.stderr.splitlines() if line.startswith("✗")]
    assert done.returncode in (1, 2), done.stderr
    assert len(complaints) == 1, done.stderr
    assert said in complaints[0]
    assert "Traceback" not in done.stderr


def test_a_process_without_a_database_lives_says_so_and_spins_in_no_loop(tmp_path):
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*TONGYUAN, "run", "web"], cwd=REPOSITORY, env=environment({"TONGYUAN_PORT": str(port)}), stderr=sink
        )
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/web/healthz"), "it lives", 120)
        wait_for(lambda: max(map(len, tries(log).values()), default=0) >= 10, "it goes on trying")

        pauses = [later - earlier for times in tries(log).values() for earlier, later in pairwise(times)]
        assert min(pauses) >= LEAST_PAUSE
        assert httpx.get(f"http://127.0.0.1:{port}/web/readyz", timeout=30, trust_env=False).status_code == 503
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def tries(log):
    """When each of its loops failed, by its own clock. Between two tries it rests, so a slow machine adds to that."""
    times = defaultdict(list)
    for line in log.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n") and (said := orjson.loads(line))["level"] == "warning":
            loop = said["area"], said.get("relay"), said["event"]
            times[loop].append(datetime.fromisoformat(said["timestamp"]))
    return times


@contextmanager
def taken_port():
    """Somebody else listens there."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def environment(change):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TONGYUAN_")}
    return {name: value for name, value in {**kept, **NOWHERE, **change}.items() if value is not None}


def run(name, change):
    return subprocess.run(
        [*TONGYUAN, "run", name], cwd=REPOSITORY, env=environment(change), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
