"""The targets of Prometheus: every process of the manifests, in containers and on one machine under systemd.

`deploy/monitoring/prometheus.yml` reads these files. The labels of a target are `process`, and `serves` for processes
that people read; no metric has a label of these names.
"""

from collections.abc import Callable, Iterator, Mapping

from services.deployment import systemd
from services.deployment.values import HTTP_PORT
from services.runtime import manifests
from shared.manifest.model import WORKER_PORT, Process

Place = Callable[[Process], str]


def sections(place: Place) -> Mapping[str, Callable[[], Iterator[str]]]:
    """Return the function that yields the lines of the only section. `place`: host and port of a process."""
    return {"targets": lambda: _targets(place)}


def in_containers(process: Process) -> str:
    """Return where a process answers within the network of docker-compose.yml."""
    return f"{process.name}:{WORKER_PORT if process.is_worker else HTTP_PORT}"


def on_one_machine(process: Process) -> str:
    """Return where a process of deploy/systemd answers on its machine."""
    return f"127.0.0.1:{systemd.ports()[process.name]}"


def _targets(place: Place) -> Iterator[str]:
    for process in manifests.processes():
        yield f'- targets: ["{place(process)}"]'
        path = "/metrics" if process.is_worker else f"/{process.service}/metrics"
        serves = ", serves: channel" if process.name in manifests.CHANNELS else ""
        yield f"  labels: {{process: {process.name}, __metrics_path__: {path}{serves}}}"
