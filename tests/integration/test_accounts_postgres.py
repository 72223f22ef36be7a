"""What somebody can do to the other services who has the database account of one."""

import zlib
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from shared.database.engine import Database
from shared.database.notifications import Listener
from tests.harness.postgres import PrivatePostgres
from tests.harness.postgres_accounts import SERVICES, accounts
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("postgres-accounts")]

OTHERS = [
    "SELECT * FROM {other}.leader_role",
    "DO $$BEGIN LOCK TABLE {other}.leader_role IN ACCESS SHARE MODE; END$$",
    "DROP TABLE {other}.leader_role",
    "CREATE TABLE {other}.mine (a int)",
    "DROP SCHEMA {other} CASCADE",
    "ALTER SCHEMA {other} RENAME TO mine",
    "SET ROLE {other}",
    "ALTER ROLE {other} CONNECTION LIMIT 0",
    "ALTER ROLE {other} SET search_path = mine",
    "GRANT {other} TO CURRENT_USER",
    "DROP OWNED BY {other}",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{other}'",
    "ALTER DATABASE {database} CONNECTION LIMIT 0",
    "DROP DATABASE {database}",
    "ALTER SYSTEM SET max_connections = 1",
    "SELECT pg_reload_conf()",
    "SELECT pg_read_file('postgresql.conf')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "CREATE SCHEMA pg_mine",
    "CREATE TABLE public.mine (a int)",
    "SELECT passwd FROM pg_shadow",
]


@pytest.fixture(scope="module")
def urls(postgres: PrivatePostgres) -> Iterator[dict[str, str]]:
    """Service → address with its account; in each schema lies a table that another one could be after."""
    name = postgres.create_database()
    made = accounts(postgres.url(name))
    for service, url in made.items():
        with psycopg.connect(url) as connection:
            connection.execute(f"CREATE TABLE {service}.leader_role ()")
    yield made
    postgres.drop_database(name)


def listener(urls: dict[str, str], service: str) -> Listener:
    return Database(service, urls[service].replace("postgresql://", "postgresql+psycopg://")).notifier.listener()


@pytest.mark.parametrize("service", SERVICES)
def test_an_account_does_nothing_to_another_service(urls: dict[str, str], service: str) -> None:
    with psycopg.connect(urls[service], autocommit=True) as connection:
        database = connection.info.dbname
        for other in set(SERVICES) - {service}:
            with psycopg.connect(urls[other]):
                for attempt in OTHERS:
                    statement = attempt.format(other=other, database=database)
                    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReservedName)):
                        connection.execute(statement)


def test_no_other_account_can_keep_a_service_from_leading(urls: dict[str, str]) -> None:
    """Advisory locks are everybody's: one of them must not decide who leads."""
    with psycopg.connect(urls["web"], autocommit=True) as attacker:
        for service in SERVICES:
            for role in ("sequencer", "live", "backfill", "broker", "feedback"):
                number = zlib.crc32(f"{service}/{role}".encode())
                assert attacker.execute("SELECT pg_try_advisory_lock(%s)", [number]).fetchone() == (True,)
        with ExitStack() as stack:
            for service, role in (("ledger", "sequencer"), ("catalog", "live"), ("ledger", "broker")):
                first, second = listener(urls, service), listener(urls, service)
                stack.callback(first.close)
                stack.callback(second.close)
                assert first.lead(role)
                assert not second.lead(role)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    attacker.execute(f"DO $$BEGIN LOCK TABLE {service}.leader_{role}; END$$")
                first.close()
                wait_until(lambda: second.lead(role), "the role stayed with the dead")  # noqa: B023


def test_a_leader_keeps_no_dead_row_from_being_removed(urls: dict[str, str]) -> None:
    leader = listener(urls, "ledger")
    # The server may still be ending the session of a leader before.
    wait_until(lambda: leader.lead("sequencer"), "nobody gave up the role")
    # The driver prepares a statement that it has sent five times, and then treats it differently.
    assert all(leader.lead("sequencer") for _ in range(10))
    with psycopg.connect(urls["ledger"]) as connection:
        found = connection.execute(
            "SELECT backend_xid, backend_xmin FROM pg_stat_activity "
            "WHERE application_name = 'tongyuan leads' AND usename = 'ledger' AND state = 'idle in transaction'"
        )
        assert found.fetchall() == [(None, None)]
    leader.close()


def test_an_account_that_opens_all_it_can_leaves_connections_to_the_others(urls: dict[str, str]) -> None:
    with ExitStack() as stack:
        attempts = (stack.enter_context(psycopg.connect(urls["web"])) for _ in range(150))
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            list(attempts)
        for service in set(SERVICES) - {"web"}:
            stack.enter_context(psycopg.connect(urls[service]))
