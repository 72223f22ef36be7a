"""Servers that only fault tests use: whoever breaks them breaks nobody else's test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.amqp_site import Site
from tests.harness.postgres import PrivatePostgres, private_postgres
from tests.harness.proxy import Proxy
from tests.harness.rabbitmq import PrivateRabbit


@pytest.fixture(scope="module")
def fragile_rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbit]:
    """One broker for a module of faults."""
    rabbit = PrivateRabbit(tmp_path_factory.mktemp("fragile")).start()
    yield rabbit
    rabbit.stop()


@pytest.fixture(scope="module")
def fragile_postgres() -> Iterator[PrivatePostgres]:
    """One database server for a module of faults."""
    with private_postgres() as server:
        yield server


@pytest.fixture
def site(fragile_rabbit: PrivateRabbit, tmp_path: Path) -> Iterator[Site]:
    """A vhost with an exchange and a queue."""
    site = Site(fragile_rabbit, tmp_path)
    site.declare()
    yield site
    site.end()


@pytest.fixture
def network(site: Site) -> Iterator[Proxy]:
    """The network between us and the broker."""
    with Proxy(port_of(site.url)) as proxy:
        yield proxy


def port_of(url: str) -> int:
    """Port in an AMQP URL."""
    return int(url.rpartition(":")[2].partition("/")[0])
