"""Every folder in services/channels is a parameter of the channels' suites: a new channel has them all at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.channels.port import adapters
from tests.harness.pipeline import Pipeline, pipeline


@pytest.fixture(params=list(adapters()))
def channel(request: pytest.FixtureRequest) -> str:
    """Name of the channel under test."""
    return str(request.param)


@pytest.fixture
def county(tmp_path: Path, channel: str) -> Iterator[Pipeline]:
    """A county whose only channel is the one under test."""
    with pipeline(tmp_path, channels=[channel]) as made:
        yield made
