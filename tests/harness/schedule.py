"""Faults drawn from a seed: the same seed and seconds give the same faults in the same order and at the same targets.

with siege(folder) as site:
    besiege(site, plan(seed, site.county.names), enough)
    judge(site.history)
"""

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from services.runtime.manifests import CHANNELS
from tests.harness.blows import NETWORKS, Blow, Site
from tests.harness.casework import CaseOffice, people
from tests.harness.convergence import Sampler, settle
from tests.harness.county import ProductionCounty, running
from tests.harness.editors import at_work
from tests.harness.history import History
from tests.harness.postgres import USER, private_postgres
from tests.harness.proxy import Proxy
from tests.harness.rabbitmq import PrivateRabbit, wait_until
from tests.harness.searching import search
from tests.harness.traces_of_people import SHORTEST
from tests.harness.witnesses import Clerk, Reader, Screen, over_http, roll_call

CLERKS = 2
PATIENCE = 4.0
PEOPLE_SEED, CROWD = 10, 12
SETTINGS = {
    "TONGYUAN_LOG_LEVEL": "debug",
    "TONGYUAN_LOOKUP_LIMIT": "1000000/second",
    "TONGYUAN_LOOKUP_CASE_LIMIT": "1000000/second",
}
"""Log at every level, and let nobody be rate limited."""

WEIGHTS = {
    "kill": 6, "stop": 4, "broker kill": 2, "broker restart": 2, "broker pause": 1, "broker network": 5,
    "database kill": 2, "database restart": 1, "database pause": 1, "database network": 4,
    "duplicates": 3, "garbage": 2,
}  # fmt: skip


def plan(seed: int, processes: Sequence[str]) -> Iterator[Blow]:
    """Yield without end the faults that this seed gives for a county of these processes."""
    draw = random.Random(seed)
    while True:
        what = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        victims = processes if what in ("kill", "stop") else NETWORKS if what.endswith("network") else [""]
        yield Blow(draw.uniform(0.1, 1.0), what, draw.choice(victims), draw.uniform(0.5, 4.0))


@contextmanager
def siege(
    folder: Path,
    more: Mapping[str, str] | None = None,
    make: Callable[[Path, str, str, Mapping[str, str]], ProductionCounty] = ProductionCounty,
) -> Iterator[Site]:
    """Run a county in production shape with its own servers, each behind a controllable network.

    `more`: settings beside the usual ones. `make` returns the county.
    """
    settings = {**SETTINGS, **(more or {})}
    (folder / "rabbitmq").mkdir()
    rabbit = PrivateRabbit(folder / "rabbitmq").start()
    try:
        with private_postgres() as postgres:
            name = postgres.create_database()
            port = int(rabbit.url.rpartition(":")[2].partition("/")[0])
            with Proxy(port) as broker_net, Proxy(postgres.port) as database_net:
                amqp_url = rabbit.url.replace(f":{port}/", f":{broker_net.port}/")
                password = secrets.token_hex(12)
                database_url = postgres.url(name).replace(f":{postgres.port}/", f":{database_net.port}/")
                # The private server checks no passwords; this one is there to be searched for in places where it must
                # not be.
                database_url = database_url.replace(f"{USER}@", f"{USER}:{password}@")
                with running(make(folder / "county", amqp_url, database_url, settings)) as county:
                    rabbit.settle()
                    assert isinstance(county, ProductionCounty)
                    history = History(patience=PATIENCE)
                    yield Site(county, rabbit, postgres, broker_net, database_net, name, password, history)
    finally:
        rabbit.stop()


def besiege(site: Site, blows: Iterator[Blow], enough: Callable[[], bool], *more_work: Callable[[], None]) -> float:
    """Inject faults until it is enough while editors work; then heal, wait until all settles, and collect the state.

    Return the seconds until it settled. The history can then be judged.
    """
    stop, leave = threading.Event(), threading.Event()
    office = case_office(site, stop)
    clerks = [Clerk(site.county, site.history, stop, number) for number in range(CLERKS)]
    with at_work(*audience(site, [clerk.item.code for clerk in clerks], leave)) as unseen:
        with at_work(*[clerk.run for clerk in clerks], office.run, *more_work) as failures:
            try:
                while not enough():
                    blow = next(blows)
                    time.sleep(blow.pause)
                    site.strike(blow)
            finally:
                stop.set()
        assert not failures, failures
        canary = release_canary(site, clerks[0])
        seconds = settle(site.history, site.county, site.rabbit.url, site.postgres.dsn(site.database), canary)
        leave.set()
    assert not unseen, unseen
    roll_call(site.history, over_http(site.county))
    assert office.opened, "no case was opened"
    search(site, office)
    return seconds


def case_office(site: Site, stop: threading.Event) -> CaseOffice:
    """Return an office with many cases; the history knows all their secrets."""
    crowd = people(PEOPLE_SEED, CROWD)
    site.history.persons |= {token for person in crowd for token in person.tokens if len(token.encode()) >= SHORTEST}
    return CaseOffice(site.county, crowd, stop)


def audience(site: Site, codes: Sequence[str], leave: threading.Event) -> list[Callable[[], None]]:
    """Return a reader and a screen for each channel, and the sampler."""
    readers = [Reader(site.county, site.history, name, codes) for name in CHANNELS]
    screens = [Screen(site.county, site.history, name) for name in CHANNELS]
    sampler = Sampler(site.county, site.history)
    return [lambda one=one: one.run(leave) for one in (*readers, *screens, sampler)]  # type: ignore[misc]


def release_canary(site: Site, clerk: Clerk) -> int:
    """Release once more. Return the position in the ledger."""
    version = clerk.act("release") or clerk.act("withdraw")
    assert version is not None
    key = f"item:{clerk.item.code}"

    def position() -> int:
        versions = over_http(site.county)("ledger", f"versions/{key}")["versions"]
        return next((int(one["position"]) for one in versions if one["version"] == version), 0)

    wait_until(position, "the canary did not reach the ledger", 60 * PATIENCE)
    return position()
