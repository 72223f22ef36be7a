"""The search at the end of every run of a whole county finds a leak wherever it is: each is made here on purpose."""

import subprocess
import sys
import threading

import psycopg
import pytest

from tests.harness.broker_queues import dead_letters, publish_raw
from tests.harness.casework import CaseOffice, people
from tests.harness.county import ADMIN
from tests.harness.invariants import check
from tests.harness.rabbitmq import wait_until
from tests.harness.schedule import siege
from tests.harness.searching import search, secrets_of

PARKED = """
INSERT INTO web.parked (position, key, version, reason, parked_at, entry)
VALUES (9999, 'item:1', 1, %s, '2026-01-01T00:00:00.000000Z', '{}')
"""


@pytest.mark.long
@pytest.mark.servers
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("county")
def test_a_leak_is_found_wherever_it_is_and_nothing_is_found_where_there_is_none(tmp_path):
    with siege(tmp_path) as site:
        person = people(11, 1)[0]
        site.history.persons |= {person.name, person.mobile, person.page_code}
        office = CaseOffice(site.county, [person], threading.Event())
        *_, key = secrets_of(site)
        search(site, office)
        assert list(site.history.of("found")) == []

        with (site.county.folder / "kiosk-worker.log").open("a") as log:
            log.write(f"not taken: {person.story} {site.database_password}\n")
        publish_raw(site.rabbit.url, "tongyuan.publications", person.name.encode(), message_id="leak")
        with psycopg.connect(site.postgres.dsn(site.database)) as connection:
            connection.execute(PARKED, [f"{person.page_code} {key}"])
        office.answers += person.mobile.encode("utf-16-le")
        sleeper = subprocess.Popen([sys.executable, "-c", "input()", ADMIN], stdin=subprocess.PIPE)
        site.county.processes["sleeper"] = sleeper
        wait_until(lambda: dead_letters(site.rabbit.url, "web.publications"), "it is not refused")
        try:
            search(site, office)
        finally:
            del site.county.processes["sleeper"]
            sleeper.communicate(b"\n")

        found = {line.what for line in site.history.of("found")}
        assert {"kiosk-worker log", "web database", "/web/v1/parked", "sleeper command line"} <= found
        assert {"answers about cases", "dead letters of web.publications"} <= found
        assert found.isdisjoint({"portal database", "portal log", "mobile metrics", "/portal/v1/parked"})
        said = " ".join(check(site.history)["S10"])
        assert "says a secret" in said
        assert "belongs to a person" in said
