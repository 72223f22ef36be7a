"""A planted fault fires its alert at a real Prometheus, and Alertmanager lets no other page through.

Prometheus has the rules as shipped but those on the SLOs' budgets, whose windows promtool plays; every `for` is QUICKER
times shorter and at most LONGEST seconds, and it looks every second.
"""

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from contracts.topology import PUBLICATIONS_EXCHANGE
from shared.messaging.delivery import Message
from shared.messaging.publisher import AmqpPublisher
from tests.faults.alert_faults import PLANTED
from tests.faults.test_disk import small_disk
from tests.harness.county import Elsewhere, wait_for
from tests.harness.pipeline import REGION
from tests.harness.ports import free_port
from tests.harness.prometheus import Monitoring, alerts, backed_up, node_exporter, targets
from tests.harness.proxy import Proxy
from tests.harness.schedule import siege
from tests.harness.witnesses import Clerk

pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("county"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
QUICKER, LONGEST = 30.0, 10.0
WITHIN = 300.0
COUNTY = {
    "TONGYUAN_CANARY_INTERVAL": "2",
    "TONGYUAN_AUDIT_REPAIR": "false",
    "TONGYUAN_ALLOWED_DELAY": "5",
    "TONGYUAN_AUDIT_INTERVAL": "20",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with siege(tmp_path_factory.mktemp("alerts"), COUNTY) as made:
        clerk = Clerk(made.county, made.history, None)
        clerk.save(clerk.item.model_dump(mode="json"))
        clerk.act("release")
        shown = f"/portal/v1/items/{clerk.item.code}"
        wait_for(lambda: made.county.http("portal").get(shown).is_success, "the item is shown", WITHIN)
        yield made


@pytest.fixture(scope="module")
def monitoring(site, tmp_path_factory):
    made = Monitoring(
        tmp_path_factory.mktemp("monitoring"), targets(site.county), QUICKER, longest=LONGEST, budgets=False
    )
    with made.running(), node_exporter(made) as made.textfiles:
        wait_for(lambda: not made.pages(), "a quiet county", WITHIN, lambda: str(made.pages()))
        yield made


# Each plants one fault until it is left.


@contextmanager
def killed(site, _monitoring):
    """F04."""
    site.county.kill("mobile")
    try:
        yield
    finally:
        back(site, "mobile")


@contextmanager
def unwatched(site, monitoring):
    """F59: the process that releases the canary is missing in the targets."""
    monitoring.watch({name: url for name, url in targets(site.county).items() if name != "applications"})
    try:
        yield
    finally:
        monitoring.watch(targets(site.county))


@contextmanager
def locked(site, table):
    """F33: a session keeps a lock that lets nobody write."""
    with psycopg.connect(site.postgres.dsn(site.database)) as connection:
        connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        yield


@contextmanager
def no_turn(site, _monitoring):
    clerk = Clerk(site.county, site.history, None)
    clerk.save({**clerk.item.model_dump(mode="json"), "promise_day": 7})
    due = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    path = f"/catalog/v1/items/{clerk.item.code}/release"
    answer = site.county.http("catalog").post(path, json={"effective_at": due})
    assert answer.is_success, answer.text
    with psycopg.connect(site.postgres.dsn(site.database), autocommit=True) as connection:
        scheduled = "SELECT count(*) FROM kiosk.scheduled"
        wait_for(lambda: connection.execute(scheduled).fetchone()[0], "kiosk has scheduled it", 60)
    with locked(site, "kiosk.scheduled"):
        yield


@contextmanager
def badly_signed(site, _monitoring):
    """F48: a release whose signature is another's. It stays refused."""
    spoil = """
    CREATE FUNCTION catalog.spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      NEW.document := regexp_replace(NEW.document, '("source_signature":"[^"]*)....(")', '\\1AAA=\\2'); RETURN NEW;
    END $$;
    CREATE TRIGGER spoil BEFORE INSERT ON catalog.release FOR EACH ROW EXECUTE FUNCTION catalog.spoil()
    """
    clerk = Clerk(site.county, site.history, None)
    clerk.save({**clerk.item.model_dump(mode="json"), "promise_day": 33})
    with psycopg.connect(site.postgres.dsn(site.database), autocommit=True) as connection:
        connection.execute(spoil)
        clerk.act("release")
        connection.execute("DROP FUNCTION catalog.spoil CASCADE")
    yield


@contextmanager
def unsigned(site, _monitoring):
    with locked(site, "ledger.head"):
        yield


@contextmanager
def led_by_a_stranger(site, _monitoring):
    """F05: a session of nobody's holds the role, as of a machine that is gone."""
    holder = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'catalog.leader_live'::regclass AND granted"
    )
    taking = psycopg.connect(site.postgres.dsn(site.database))
    with psycopg.connect(site.postgres.dsn(site.database), autocommit=True) as connection:

        def taken():
            connection.execute(holder)
            try:
                taking.execute("LOCK TABLE catalog.leader_live IN SHARE ROW EXCLUSIVE MODE NOWAIT")
            except psycopg.errors.LockNotAvailable:
                taking.rollback()
                return False
            return True

        wait_for(taken, "the role is taken", 60)
    try:
        yield
    finally:
        taking.close()


@contextmanager
def deaf(site, _monitoring):
    """F18: the network between one worker and the broker swallows everything."""
    with Proxy(site.rabbit.port) as network:
        address = site.county.env["TONGYUAN_AMQP_URL"].replace(f":{site.broker_net.port}/", f":{network.port}/")
        with moved(site, "kiosk-worker", {"TONGYUAN_AMQP_URL": address}):
            network.freeze()
            try:
                yield
            finally:
                network.resume()


@contextmanager
def changed(site, _monitoring):
    """F42: somebody writes into a channel's store."""
    with psycopg.connect(site.postgres.dsn(site.database), autocommit=True) as connection:
        key, content = connection.execute(
            "SELECT key, content FROM portal.document WHERE kind = 'item' AND content IS NOT NULL LIMIT 1"
        ).fetchone()
        change = "UPDATE portal.document SET content = %s WHERE key = %s"
        connection.execute(change, (content.replace("task_type", "task_typo").replace('"name":"', '"name":"伪'), key))
        try:
            yield
        finally:
            connection.execute(change, (content, key))


@contextmanager
def drilled(site, monitoring):
    """F42, and somebody builds the channel aside."""
    with changed(site, monitoring):
        assert site.county.cli("drill", "portal").returncode == 1
        yield
    assert site.county.cli("drill", "portal").returncode == 0


@contextmanager
def misdirected(site, _monitoring):
    """F61: the auditor has a wrong address of a source."""
    with moved(site, "auditor", {"TONGYUAN_GUIDES_URL": f"http://127.0.0.1:{free_port()}"}):
        yield


@contextmanager
def set_back(site, _monitoring):
    """F36: the ledger has fewer entries than it has signed."""
    with psycopg.connect(site.postgres.dsn(site.database), autocommit=True) as connection:
        site.county.kill("ledger-worker")
        for statement in SET_BACK:
            connection.execute(statement)
        site.county.restart("ledger-worker")
        site.county.wait_ready("ledger-worker")
        yield


@contextmanager
def full(site, monitoring):
    """F35: the disk of one process."""
    disk = monitoring.folder / "disk"
    with small_disk(disk, "4m"), moved(site, "auditor", {"TONGYUAN_DATA_DIR": str(disk)}):
        (disk / "filled").write_bytes(bytes(4_000_000))
        yield


@contextmanager
def garbage(site, _monitoring):
    """F26."""
    publisher = AmqpPublisher(site.rabbit.url, PUBLICATIONS_EXCHANGE, connection_name="nemesis")
    publisher.publish([Message(b'{"specversion":', f"{REGION}.item.release", "garbage")])
    publisher.close()
    yield


@contextmanager
def without_broker(site, _monitoring):
    """F08."""
    site.broker_net.cut()
    clerk = Clerk(site.county, site.history, None)
    clerk.save({**clerk.item.model_dump(mode="json"), "promise_day": 44})
    clerk.act("release")
    try:
        yield
    finally:
        site.broker_net.resume()


@contextmanager
def not_backed_up(_site, monitoring):
    """F60."""
    backed_up(monitoring.textfiles, datetime.now(UTC) - timedelta(hours=27))
    try:
        yield
    finally:
        backed_up(monitoring.textfiles, datetime.now(UTC))


@contextmanager
def moved(site, name, env):
    """The process runs with other settings."""
    site.county.kill(name)
    site.county.elsewhere[name] = Elsewhere("127.0.0.1", env, list)
    back(site, name)
    try:
        yield
    finally:
        site.county.kill(name)
        del site.county.elsewhere[name]
        back(site, name)


def back(site, name):
    site.county.restart(name)
    site.county.wait_ready(name)


FAULTS = {
    "BackupTooOld": not_backed_up,
    "ProcessDown": killed,
    "MetricsAbsent": unwatched,
    "NoLeader": led_by_a_stranger,
    "DiskAlmostFull": full,
    "ChannelShowsWrong": changed,
    "DrillFailed": drilled,
    "AuditorBlind": misdirected,
    "QueueWithoutConsumer": deaf,
    "BrokerNotConfirming": without_broker,
    "SignedHeadOld": unsigned,
    "ScheduledNotShown": no_turn,
    "DeadLetters": garbage,
    # These two leave traces that an operator has to decide on: last.
    "LedgerDiffersFromSources": badly_signed,
    "HistoryDisputed": set_back,
}
SET_BACK = (
    "DELETE FROM ledger.entry WHERE position > (SELECT max(position) - 3 FROM ledger.entry)",
    "UPDATE ledger.log SET size = (SELECT max(position) FROM ledger.entry)",
)


def test_every_fault_that_is_said_to_fire_an_alert_is_planted_here():
    assert FAULTS.keys() == PLANTED.keys()


@pytest.mark.parametrize("alert", FAULTS)
def test_a_fault_fires_its_alert_and_no_other_page(site, monitoring, alert):
    site.revive()
    wait_for(
        lambda: alert not in fired(monitoring), f"{alert} is silent before", WITHIN, lambda: str(fired(monitoring))
    )
    severity = alerts()[alert]["labels"]["severity"]
    others = {alert} if severity == "page" else set()
    with FAULTS[alert](site, monitoring):
        wait_for(lambda: alert in fired(monitoring), alert, WITHIN, lambda: str(monitoring.firing(inhibited=True)))
        # What follows from the fault has had its time too.
        settled = time.monotonic() + 10
        wait_for(lambda: time.monotonic() > settled, "consequences", 60)
        assert monitoring.pages() <= others | LEFT.get(alert, set())
        assert runbook(monitoring, alert).startswith(f"# {alert}\n")
    if alert not in LASTING:
        wait_for(lambda: alert not in fired(monitoring), f"{alert} ends", WITHIN, lambda: str(fired(monitoring)))


LASTING = {"DeadLetters", "LedgerDiffersFromSources", "HistoryDisputed"}
LEFT = {"HistoryDisputed": {"LedgerDiffersFromSources"}, "DrillFailed": {"ChannelShowsWrong"}}
"""Other pages that are right: what the fault before has left, and what the same fault does beside."""


def fired(monitoring):
    return {name.partition(" ")[0] for name in monitoring.firing()}


def runbook(monitoring, alert):
    """The page to which the alert leads, from where it leads to."""
    (found, *_) = [one for name, one in monitoring.firing().items() if name.partition(" ")[0] == alert]
    return httpx.get(found["annotations"]["runbook_url"], trust_env=False).text
