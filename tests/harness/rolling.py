"""A county that is brought from an earlier version to this one while it runs, process by process.

Readers reach each channel through a front that holds both the process of before and the one after it, as a gateway does
that is told of a second container.
"""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.harness.county import (
    CHANNELS,
    REPOSITORY,
    SOURCES,
    ProductionCounty,
    answers,
    is_worker,
    kind,
    wait_for,
)
from tests.harness.gateway import nginx
from tests.harness.ports import free_port

AFTER = " after"
"""What follows a channel's name in the name of its second process."""

ORDER = (
    "subscriptions",
    *CHANNELS,
    *(f"{name}-worker" for name in CHANNELS),
    "ledger-worker",
    "ledger",
    *(f"{name}-worker" for name in SOURCES),
    *SOURCES,
    "importing",
    "auditor",
    "console",
)
"""Who is asked by a channel comes first, who reads before who writes, and who asks everybody last
(docs/operating/starting.md, 5).
"""


def checked_out(commit: str, folder: Path) -> Path:
    """Write the files of a commit into the folder. Fails where the history does not reach back so far."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, capture_output=True, check=False)
    assert archive.returncode == 0, f"the earlier version is not in this clone: {archive.stderr.decode()}"
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


class RollingCounty(ProductionCounty):
    """Every process runs the earlier version until `bring_over` has replaced it."""

    def __init__(
        self, folder: Path, amqp_url: str, database_url: str, env: Mapping[str, str] | None = None, *, earlier: Path
    ) -> None:
        super().__init__(folder, amqp_url, database_url, env)
        self.repository = earlier
        self.fronts = {name: free_port() for name in CHANNELS}
        self.second = {name: free_port() for name in CHANNELS}
        self.env |= {f"TONGYUAN_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in self.fronts.items()}

    def url(self, service: str) -> str:
        """Return the front of a channel; the process itself for its names as a process, and for all others."""
        return f"http://127.0.0.1:{self.fronts[service]}" if service in self.fronts else super().url(service)

    def bring_over(self, name: str) -> None:
        """Replace one process by this version's: a channel's by a second one beside it, any other after it."""
        if name not in CHANNELS:
            self._end(name)
            self._spawn(name)
            self.wait_ready(name)
            return
        after = f"{name}{AFTER}"
        self.ports[after] = self.second[name]
        self._spawn(after)
        self.wait_ready(after)
        self._end(name)
        del self.ports[name]

    def _end(self, name: str) -> None:
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, f"{name} ended with {process.returncode}\n{self.log(name)[-3000:]}"

    def _ready(self, name: str) -> bool:
        path = "metrics" if is_worker(name) else f"{kind(name)}/readyz"
        return answers(f"http://127.0.0.1:{self.ports[name]}/{path}")


@contextmanager
def fronts(county: RollingCounty, folder: Path) -> Iterator[None]:
    """Run nginx: for each channel a server before both of its processes, as the shipped gateway asks all addresses."""
    servers = "\n".join(
        f"upstream {name} {{ server 127.0.0.1:{county.ports[name]} max_fails=0; "
        f"server 127.0.0.1:{county.second[name]} max_fails=0; }}\n"
        f"server {{ listen 127.0.0.1:{county.fronts[name]}; location / {{ proxy_pass http://{name}; "
        "proxy_set_header Host $http_host; proxy_buffering off; proxy_read_timeout 1h; } }"
        for name in CHANNELS
    )
    with nginx(folder, servers):
        for name in CHANNELS:
            wait_for(partial(answers, f"{county.url(name)}/{name}/healthz"), f"the front of {name} answers")
        yield
