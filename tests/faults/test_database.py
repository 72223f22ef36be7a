"""The database under a service: gone, back, read-only, locked, full of dead connections. No answer without a commit."""

import threading

import psycopg
import pytest

from shared.errors import TongyuanError, Unavailable
from tests.harness.pipeline import item, pipeline
from tests.harness.proxy import Proxy
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("fragile database")]


@pytest.fixture
def database(fragile_postgres):
    """(name, URL) of a fresh database."""
    name = fragile_postgres.start().create_database()
    yield name, fragile_postgres.url(name)
    fragile_postgres.start().drop_database(name)


@pytest.fixture
def county(database, tmp_path):
    with pipeline(database[1], tmp_path, ["web"]) as made:
        yield made


def release(county, number):
    """True when it was acknowledged; then it must be there for good."""
    try:
        county.release(item(number))
    except TongyuanError:
        return False
    return True


def released(county):
    """Versions that the catalog has."""
    return {key for (key,) in county.execute("catalog", "SELECT key FROM catalog.release")}


def test_a_killed_database_loses_nothing_that_was_acknowledged(county, fragile_postgres):
    acknowledged = [number for number in range(5) if release(county, number)]
    fragile_postgres.kill()
    assert not release(county, 7)
    fragile_postgres.start()
    wait_until(lambda: release(county, 8), "it does not come back")

    assert {f"item:{item(number).code}" for number in [*acknowledged, 8]} <= released(county)
    assert_flows(county)


def test_a_pool_full_of_dead_connections_costs_at_most_one_error_each(county, fragile_postgres):
    held = threading.Barrier(6)

    def hold():
        with county.dbs["catalog"].read() as session:
            session.connection()
            held.wait(20)

    threads = [threading.Thread(target=hold) for _ in range(5)]
    for thread in threads:
        thread.start()
    held.wait(20)
    for thread in threads:
        thread.join()
    fragile_postgres.restart()
    failures = sum(not release(county, number) for number in range(8))

    assert failures <= 5
    assert release(county, 9)


READ_ONLY = """
CREATE FUNCTION catalog.standby() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION 'cannot execute UPDATE in a read-only transaction' USING ERRCODE = '25006'; END $$;
CREATE TRIGGER standby BEFORE INSERT OR UPDATE ON catalog.counter EXECUTE FUNCTION catalog.standby();
"""
"""What a server says that has become a standby, to every writer: a default of read-only could be overridden by one."""


def test_a_database_that_only_reads_refuses_and_reading_goes_on(county, database, fragile_postgres):
    assert release(county, 1)
    county.flow()
    with psycopg.connect(fragile_postgres.dsn(database[0]), autocommit=True) as admin:
        admin.execute(READ_ONLY)
        try:
            assert not release(county, 2)
            assert county.get(f"web/v1/items/{item(1).code}").is_success
        finally:
            admin.execute("DROP FUNCTION catalog.standby CASCADE")
    assert release(county, 2)
    assert_flows(county)


def test_a_lock_that_somebody_holds_is_an_error_of_seconds_not_for_ever(county, database, fragile_postgres):
    assert release(county, 1)
    with psycopg.connect(fragile_postgres.dsn(database[0])) as somebody:
        somebody.execute("SELECT * FROM catalog.counter FOR UPDATE")
        with pytest.raises(Unavailable, match="lock timeout"):
            county.release(item(2))
    assert f"item:{item(2).code}" not in released(county)
    assert release(county, 2)


def test_connections_that_are_cut_in_the_middle_of_a_commit_leave_whole_releases(database, fragile_postgres, tmp_path):
    with Proxy(fragile_postgres.port) as network:
        url = database[1].replace(f":{fragile_postgres.port}/", f":{network.port}/")
        with pipeline(url, tmp_path, ["web"]) as county:
            acknowledged = set()
            for number in range(12):
                network.drop_after(150 * number + 1)
                if release(county, number):
                    acknowledged.add(f"item:{item(number).code}")
                network.resume()
            wait_until(lambda: release(county, 50), "it does not come back")

            assert acknowledged <= released(county)
            assert_flows(county)


@pytest.mark.long
def test_a_transaction_that_somebody_forgot_is_ended_and_frees_its_lock(county):
    with county.dbs["catalog"].engine.connect() as forgotten:
        forgotten.exec_driver_sql("UPDATE counter SET value = value")
        wait_until(lambda: release(county, 1), "the lock stays")
        forgotten.invalidate()


def assert_flows(county):
    """Everything that was released reaches the ledger and the channel, in order and without a hole."""
    wait_until(lambda: flowed(county), "it does not flow")
    entries = county.ledger.entries(0, 1000)
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry.key for entry in entries} == released(county)
    assert county.channels["web"].position() == len(entries)


def flowed(county):
    """One try: connections that died with the server cost an error each, and everybody tries again."""
    try:
        county.intake.reconcile()
        county.flow()
        county.channels["web"].reconcile()
    except TongyuanError:
        return False
    return county.ledger.head().size == len(released(county))
