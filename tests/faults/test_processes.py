"""A process that dies: at every single commit of every hop, by kill -9, or of hunger for descriptors."""

import resource
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.harness.county import EmbeddedCounty, answers, running, wait_for
from tests.harness.invariants import judge
from tests.harness.simulation import Killed, simulated

PASSAGES = 14


@pytest.mark.parametrize("passage", range(PASSAGES))
def test_a_county_that_dies_at_its_nth_commit_goes_on_as_if_it_had_not(tmp_path, passage):
    """Before and after the commit of the source, of the ledger, of each channel, of each cursor: all are passed."""
    with simulated(tmp_path) as run:
        run.honest = True
        run.edit(1, "release")
        run.county.flow()
        run.commits_to_live = passage
        with pytest.raises(Killed):
            release_many(run)
        run.restart()
        run.look()
        run.edit(2, "release")
        run.heal()

        judge(run.history)


def release_many(run):
    for number in range(PASSAGES):
        run.edit(number % 3, "release")
        run.county.flow()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("county")
def test_a_county_without_descriptors_says_no_and_recovers(tmp_path):
    with running(EmbeddedCounty(tmp_path / "county")) as county:
        pid = county.processes["up"].pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(list(Path(f"/proc/{pid}/fd").iterdir())) + 10, limits[1]))
        held = [httpx.Client(trust_env=False, timeout=2) for _ in range(20)]
        for client in held:
            with suppress(httpx.HTTPError):
                client.get(f"{county.url('web')}/web/v1/position")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        for client in held:
            client.close()
        wait_for(lambda: answers(f"{county.url('web')}/web/readyz"), "it answers again")

        assert county.processes["up"].poll() is None
        county.verified()
