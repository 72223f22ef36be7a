"""A whole county as real processes, killable one by one: embedded (`tongyuan up`) or production (one per service)."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from shared.tokens.minting import Bearer, Token
from tests.harness import callers
from tests.harness.ports import free_port
from tests.harness.rabbitmq import WAIT_SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]
TONGYUAN = (sys.executable, "-m", "services")
SOURCES = ("catalog", "guides", "applications")
CHANNELS = ("web", "mobile", "kiosk", "portal")
WITH_WORKERS = (*SOURCES, "ledger", *CHANNELS)
SERVICES = (*WITH_WORKERS, "auditor", "console", "importing", "subscriptions")
ADMIN, SERVICE = "admin-token-of-a-test", "service-token-of-a-test"
TOKENS = ("TONGYUAN_ADMIN_TOKEN", "TONGYUAN_SERVICE_TOKEN")
START_SECONDS = 300.0


class County:
    """Common to both shapes: processes by name, addresses by service, the command line."""

    repository = REPOSITORY

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TONGYUAN_")},
            "PYTHONUNBUFFERED": "1",
            "TONGYUAN_ADMIN_TOKEN": ADMIN,
            "TONGYUAN_SERVICE_TOKEN": SERVICE,
            "TONGYUAN_DATA_DIR": str(folder / "data"),
            # All screens of a test share one address, as those of a hall may.
            "TONGYUAN_STREAM_NETWORKS": "127.0.0.0/8",
            **env,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.kills = 0
        self._clients: dict[str, httpx.Client] = {}

    @property
    def names(self) -> list[str]:
        """Names of the processes of this shape."""
        raise AssertionError("a shape says")

    def url(self, service: str) -> str:
        """Return the base address of a service."""
        raise AssertionError("a shape says")

    def command(self, name: str) -> list[str]:
        """Return the command line of a process."""
        raise AssertionError("a shape says")

    def start(self, *names: str) -> None:
        """Start processes, by default all, and wait until they are ready."""
        for name in names or self.names:
            self._spawn(name)
        for name in names or self.names:
            self.wait_ready(name)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.processes[name].kill()
        self.processes[name].wait()
        self.kills += 1

    def restart(self, name: str) -> None:
        """Start a process that has ended."""
        self._spawn(name)

    def stop(self) -> None:
        """Ask all to stop; kill those that do not within half a minute."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def wait_ready(self, name: str) -> None:
        """Wait until the process answers. Fails at once, with its log, when it has ended."""

        def ready() -> bool:
            ended = self.processes[name].poll()
            assert ended is None, f"{name} ended with {ended}\n{self.log(name)[-3000:]}"
            return self._ready(name)

        wait_for(ready, f"{name} is ready", START_SECONDS, lambda: self.log(name)[-3000:])

    def log(self, name: str) -> str:
        """Return the output of a process."""
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def http(self, service: str) -> httpx.Client:
        """Return a client of a service, with a token for everything."""
        if service not in self._clients:
            auth = Bearer(self.token(service))
            self._clients[service] = httpx.Client(
                base_url=self.url(service), auth=auth, timeout=120, trust_env=False, verify=self.verify()
            )
        return self._clients[service]

    def token(self, service: str) -> Token:
        """Return a token that allows everything at a service."""
        return ADMIN

    def verify(self) -> ssl.SSLContext:
        """Return how clients verify the services' certificates."""
        return public_authorities()

    def cli(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run `tongyuan …` against this county."""
        command = [*TONGYUAN, *arguments]
        return subprocess.run(
            command,
            cwd=self.repository,
            env=self.cli_env(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def cli_env(self) -> dict[str, str]:
        """Environment of the command line."""
        return self.env

    def verified(self) -> None:
        """Require that `tongyuan verify` exits with 0."""
        done = self.cli("verify")
        assert done.returncode == 0, done.stdout + done.stderr

    def _ready(self, name: str) -> bool:
        raise AssertionError("a shape says")

    def _spawn(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as sink:
            self.processes[name] = subprocess.Popen(
                self.command(name), cwd=self.repository, env=self.env_of(name), stdout=sink, stderr=sink
            )

    def env_of(self, name: str) -> dict[str, str]:
        """Return the environment of a process."""
        return self.env


class EmbeddedCounty(County):
    """`tongyuan up`."""

    def __init__(self, folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, {"TONGYUAN_PORT": str(free_port()), **(env or {})})
        self._arguments = arguments

    @property
    def names(self) -> list[str]:
        return ["up"]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.env['TONGYUAN_PORT']}"

    def command(self, name: str) -> list[str]:
        return [*TONGYUAN, name, *self._arguments]

    def _ready(self, name: str) -> bool:
        return answers(f"{self.url(name)}/healthz", self.verify())


@dataclass(frozen=True)
class Elsewhere:
    """A process that runs elsewhere: its address, the addresses it uses, and how it is started."""

    host: str
    env: Mapping[str, str]
    command: Callable[[Sequence[str]], list[str]]


class ProductionCounty(County):
    """One process per service over RabbitMQ and PostgreSQL; `elsewhere`: those that do not run here."""

    def __init__(self, folder: Path, amqp_url: str, database_url: str, env: Mapping[str, str] | None = None) -> None:
        self.ports = {name: free_port() for name in (*SERVICES, *(f"{service}-worker" for service in WITH_WORKERS))}
        urls = {f"TONGYUAN_{name.upper()}_URL": f"http://127.0.0.1:{self.ports[name]}" for name in SERVICES}
        base = {"TONGYUAN_AMQP_URL": amqp_url, "TONGYUAN_DATABASE_URL": database_url, **urls}
        super().__init__(folder, {**base, **(env or {})})
        self.elsewhere: dict[str, Elsewhere] = {}

    @property
    def names(self) -> list[str]:
        return list(self.ports)

    def prepare(self) -> None:
        """Set up topology and schemas."""
        for arguments in (("topology", "apply"), ("migrate",)):
            done = self.cli(*arguments)
            assert done.returncode == 0, done.stdout + done.stderr

    def url(self, service: str) -> str:
        host = self.elsewhere[service].host if service in self.elsewhere else "127.0.0.1"
        return f"http://{host}:{self.ports[service]}"

    def command(self, name: str) -> list[str]:
        command = [*TONGYUAN, "run", kind(name)]
        return self.elsewhere[name].command(command) if name in self.elsewhere else command

    def env_of(self, name: str) -> dict[str, str]:
        port = "TONGYUAN_METRICS_PORT" if is_worker(name) else "TONGYUAN_PORT"
        place = self.elsewhere[name].env if name in self.elsewhere else {}
        return {**self._common(), port: str(self.ports[name]), **callers.environment(kind(name), ADMIN), **place}

    def cli_env(self) -> dict[str, str]:
        return {**self._common(), "TONGYUAN_OPERATOR_KEY": callers.key_of("operator")}

    def token(self, service: str) -> Token:
        return ADMIN if service in SOURCES else callers.operator(service)

    def _common(self) -> dict[str, str]:
        """Settings common to all processes, without the tokens of embedded mode."""
        return {name: value for name, value in self.env.items() if name not in TOKENS}

    def _ready(self, name: str) -> bool:
        path = "metrics" if is_worker(name) else f"{kind(name)}/healthz"
        return answers(f"{self.url(name)}/{path}")


@contextmanager
def running(county: County) -> Iterator[County]:
    """Start the county, and stop it at the end."""
    try:
        if isinstance(county, ProductionCounty):
            county.prepare()
        county.start()
        yield county
    finally:
        county.stop()


def wait_for(
    condition: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS, explain: Callable[[], str] = str
) -> Any:
    """Return the condition's value as soon as it is true.

    It rests as long as the condition took, at most a second: what is waited for needs the processor, too.
    """
    deadline = time.monotonic() + seconds
    while (begun := time.monotonic()) < deadline:
        value = condition()
        if value:
            return value
        time.sleep(min(max(0.02, time.monotonic() - begun), 1.0))
    raise AssertionError(f"not within {seconds:.0f} s: {what}\n{explain()}")


def kind(name: str) -> str:
    """Return the kind of a process: `catalog 2` is a second `catalog`."""
    return name.partition(" ")[0]


def is_worker(name: str) -> bool:
    """Whether the process has only a metrics port."""
    return kind(name).endswith("-worker")


def answers(url: str, verify: ssl.SSLContext | None = None) -> bool:
    """Whether the address answers with 2xx."""
    try:
        return httpx.get(url, timeout=10, trust_env=False, verify=verify or public_authorities()).is_success
    except httpx.HTTPError:
        return False


@cache
def public_authorities() -> ssl.SSLContext:
    """Return the context that trusts the public authorities: httpx would read them for each client, 30 ms of work."""
    return httpx.create_ssl_context(trust_env=False)
