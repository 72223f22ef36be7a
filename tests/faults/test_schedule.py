"""Faults at random, from a seed that replays them: TONGYUAN_FAULT_SEED and TONGYUAN_FAULT_SECONDS (`make faults`)."""

import os
import time
from itertools import islice

import pytest

from tests.harness.invariants import judge
from tests.harness.schedule import besiege, plan, siege
from tests.harness.simulation import simulated

SEED = int(os.environ.get("TONGYUAN_FAULT_SEED") or 20261124)
SECONDS = float(os.environ.get("TONGYUAN_FAULT_SECONDS") or 60)
ROUNDS, STEPS = 8, 120


def test_a_seed_gives_the_same_blows_every_time():
    def first(seed):
        return list(islice(plan(seed, ["web", "kiosk"]), 50))

    assert first(7) == first(7)
    assert first(7) != first(8)


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_a_county_whose_network_lies_and_whose_processes_die_breaks_no_invariant(tmp_path, seed):
    with simulated(tmp_path, seed) as run:
        run.rage(STEPS)
        run.heal()

        assert "kill" in run.struck
        judge(run.history)


def test_a_seed_gives_the_same_faults_every_time(tmp_path):
    def faults(folder):
        folder.mkdir()
        with simulated(folder, SEED) as run:
            run.rage(60)
            return run.struck, [line.key for line in run.history.of("release")]

    assert faults(tmp_path / "first") == faults(tmp_path / "again")


@pytest.mark.long
@pytest.mark.servers
@pytest.mark.timeout(SECONDS + 600)
@pytest.mark.xdist_group("county")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_random_schedule_of_faults_breaks_no_invariant(tmp_path, record_property):
    with siege(tmp_path) as site:
        end = time.monotonic() + SECONDS
        try:
            converged = besiege(site, plan(SEED, site.county.names), lambda: time.monotonic() > end)
        finally:
            site.history.save(tmp_path / "history.jsonl")
        struck = [line.what for line in site.history.of("fault")]
        record_property("faults", struck)
        record_property("converged", converged)
        judge(site.history)
