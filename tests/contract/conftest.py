"""Every folder in services/channels is a parameter of the channels' suites: a new channel has them all at once."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

import pytest

from services.channels.core.port import adapters
from tests.harness.pipeline import Pipeline, pipeline

Step = TypeVar("Step")


@pytest.fixture(params=list(adapters()))
def channel(request: pytest.FixtureRequest) -> str:
    """Name of the channel under test."""
    return str(request.param)


@pytest.fixture
def county(tmp_path: Path, channel: str) -> Iterator[Pipeline]:
    """A county whose only channel is the one under test."""
    with pipeline(tmp_path, channels=[channel]) as made:
        yield made


@pytest.fixture
def begun() -> Iterator[Callable[[Generator[Step, None, None]], Generator[Step, None, None]]]:
    """Holds what a test has begun and not ended, and closes it: a failed test must not keep its locks from the next."""
    with ExitStack() as stack:
        yield lambda steps: stack.enter_context(closing(steps))
