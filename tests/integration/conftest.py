"""A broker that a test may stop, starve and kill: nobody else uses it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.amqp_site import Site
from tests.harness.rabbitmq import PrivateRabbit


@pytest.fixture(scope="session")
def breakable_rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbit]:
    rabbit = PrivateRabbit(tmp_path_factory.mktemp("breakable")).start()
    yield rabbit
    rabbit.stop()


@pytest.fixture
def site(breakable_rabbit: PrivateRabbit, tmp_path: Path) -> Iterator[Site]:
    site = Site(breakable_rabbit, tmp_path)
    yield site
    site.end()
