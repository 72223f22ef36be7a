"""What every test may ask for: private servers, the county's real data, and generated cases that come out the same."""

import gc
import os
import sys
from pathlib import Path

import hypothesis
import pytest

from tests.harness.postgres import database_url, postgres
from tests.harness.rabbitmq import rabbitmq

__all__ = ["data", "database_url", "postgres", "rabbitmq"]

SERVERS = {"postgres", "database_url", "rabbitmq"}

# A slow machine is no failure; in CI the same commit gives the same answer.
PATIENT = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("local", deadline=None, suppress_health_check=PATIENT)
hypothesis.settings.register_profile(
    "ci", deadline=None, suppress_health_check=PATIENT, derandomize=True, print_blob=True
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

# Tests start hundreds of processes and three workers read every test: without bytecode on disk each would compile all
# modules anew, a second of work per process. An installed county has bytecode, too.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# jsonschema would build 38 grammars in every worker to check the format `iri`, which no schema of ours has.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # Python's way to say that there is no such module

# Hundreds of apps and stores are made and dropped: by default the collector looks at the whole heap every few tests.
gc.set_threshold(10_000, 10, 50)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, so that `make test-fast` can leave it out. The tests of a file that share what they set
    up once are a group: spread over the workers, they would set it up in each. What must stay in one worker comes
    first: begun last, a group would keep one worker busy while the others have nothing left to do.
    """
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("servers")
        if item.get_closest_marker("xdist_group") is None and _shares_with_its_file(item):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def _shares_with_its_file(item: pytest.Item) -> bool:
    """Whether a fixture of the test is set up once for a file or a folder."""
    known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}  # noqa: SLF001  # no public way
    return any(each[-1].scope in ("module", "package", "class") for each in known.values())


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the real data, shared/data beside the repository. Missing, the test fails: it must not pass unseen."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.fail(f"the real data are missing: expected the folder shared/data beside the repository, at {folder}")
    return folder
