"""A process of one service holds no other service's modules: neither memory nor time of its start goes to them."""

import json
import subprocess
import sys

import pytest

from tests.harness.county import REPOSITORY

LOADED = "import json, sys; json.dump([name for name in sys.modules if name.startswith('services.')], sys.stdout)"
SHARED_BY_ALL = ("services.runtime", "services.importing.engine", "services.importing.row")
"""What runs processes, and what the manifest of importing takes from its own service."""


@pytest.mark.parametrize(
    "start",
    [
        "import services.runtime.http_process",
        "from shared.messaging import eventlet_patch; eventlet_patch.patch(); import services.runtime.worker_process",
    ],
    ids=["HTTP", "worker"],
)
def test_what_every_process_imports_has_only_the_manifests_of_the_services(start: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{start}; {LOADED}"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        timeout=300,
    )

    parts = [name for name in json.loads(done.stdout) if not name.startswith(SHARED_BY_ALL)]
    packages = {name.rpartition(".")[0] for name in parts}
    of_services = [name for name in parts if name not in packages and not name.endswith("manifest")]
    assert of_services == []
