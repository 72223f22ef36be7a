"""A version is replaced process by process while releases flow: nothing is lost, and no reader sees an error."""

import threading
from functools import partial

import pytest

from tests.harness.convergence import settle
from tests.harness.county import REPOSITORY
from tests.harness.editors import at_work
from tests.harness.invariants import judge
from tests.harness.rolling import ORDER, RollingCounty, checked_out, fronts
from tests.harness.schedule import CLERKS, audience, case_office, release_canary, siege
from tests.harness.witnesses import Clerk, over_http, roll_call

EARLIER = "6109df655e85f8263727ccc8a76afb237ccfc824"
"""Of 1 December 2026: other tables in all stores, other queues, fewer endpoints."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("county"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_county_is_brought_to_this_version_while_it_is_read_and_written(tmp_path):
    make = partial(RollingCounty, earlier=checked_out(EARLIER, tmp_path / "earlier"))
    (tmp_path / "site").mkdir()
    with siege(tmp_path / "site", make=make) as site, fronts(site.county, tmp_path / "fronts"):
        try:
            bring_over(site)
        finally:
            site.history.save(tmp_path / "history.jsonl")
        site.county.verified()

    judge(site.history)
    reads = list(site.history.of("read"))
    assert len(reads) > 1000
    assert [line for line in reads if line.phase == "fail"] == []


def bring_over(site):
    """Bring every process over while clerks, halls, readers and screens go on; then wait until all has settled."""
    stop, leave = threading.Event(), threading.Event()
    office = case_office(site, stop)
    clerks = [Clerk(site.county, site.history, stop, number) for number in range(CLERKS)]
    with at_work(*audience(site, [clerk.item.code for clerk in clerks], leave)) as unseen:
        with at_work(*[clerk.run for clerk in clerks], office.run) as failures:
            try:
                replace_all(site)
            finally:
                stop.set()
        assert not failures, failures
        canary = release_canary(site, clerks[0])
        settle(site.history, site.county, site.rabbit.url, site.postgres.dsn(site.database), canary)
        leave.set()
    assert not unseen, unseen
    roll_call(site.history, over_http(site.county))


def replace_all(site):
    """Do what the manual says: schemas and topology first, which both versions bear, then one process after another."""
    county, rest = site.county, threading.Event()
    assert not has_traces(county), "the earlier version has no such endpoint"
    rest.wait(5)
    county.repository = REPOSITORY
    for arguments in (("migrate",), ("topology", "apply")):
        done = county.cli(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        rest.wait(3)
    assert set(ORDER) == set(county.names)
    for name in ORDER:
        county.bring_over(name)
        rest.wait(1)
    assert has_traces(county)


def has_traces(county):
    """Whether the service platform is of this version."""
    return county.http("web").get("/web/v1/traces", params={"key": "item:none"}).is_success
