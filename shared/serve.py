"""Running an ASGI app and its background threads as one process that stops cleanly and dies loudly."""

import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from shared import log
from shared.errors import Unavailable
from shared.http import problem

SEND_BUFFER = 65_536
STOP_SECONDS = 5
SWITCH_SECONDS = 0.001
Background = Callable[[threading.Event], None]
_log = log.get("serve")


def mount(apis: Mapping[str, ASGIApp], root: ASGIApp | None = None) -> Starlette:
    """Each app under `/<service>`; `root` answers for everything else."""
    routes = [Mount(f"/{name}", api) for name, api in apis.items()]
    # A line break in an address is matched by no mount.
    nowhere = {404: lambda _request, _error: problem(404, "Not found", "no such address")}
    return Starlette(routes=[*routes, *([Mount("/", root)] if root else [])], exception_handlers=nowhere)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. A small send buffer bounds what a screen that does not read can hold in the kernel.

    Raises `Unavailable` when somebody else has the port, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return sock


class Threads:
    """Background work beside HTTP. A thread that ends by an exception ends the process: a supervisor restarts it."""

    def __init__(self, work: Mapping[str, Background]) -> None:
        self.stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(name, run), name=name, daemon=True)
            for name, run in work.items()
        ]

    def start(self) -> None:
        """Start all."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Ask all to stop, and wait a little."""
        self.stop.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _guarded(self, name: str, run: Background) -> None:
        try:
            run(self.stop)
        except BaseException as error:  # noqa: BLE001  # a dead background thread must not hide behind a live server
            _log.error("background work died", thread=name, exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)


def serve(
    app: ASGIApp,
    sock: socket.socket,
    threads: Threads,
    on_started: Callable[[], None] = lambda: None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then stop accepting, let requests finish, stop the threads."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=2,
        limit_concurrency=20_000,
        h11_max_incomplete_event_size=16_384,
        lifespan="off",
        ssl_context_factory=(lambda _config, _default: tls) if tls else None,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again when it is done; by default that would end us before the threads are.
        signal.signal(number, lambda *_: None)
    # A relay that wakes up must not wait the usual 5 ms for the interpreter while an answer is being written.
    sys.setswitchinterval(SWITCH_SECONDS)
    threads.start()
    started = threading.Thread(target=_when_started, args=(server, on_started, threads.stop), daemon=True)
    started.start()
    try:
        server.run(sockets=[sock])
    finally:
        threads.end()


def periodically(seconds: float, work: Callable[[], object], *, name: str) -> Background:
    """Background work that runs again and again; an error is logged and the next round comes."""

    def run(stop: threading.Event) -> None:
        while not stop.wait(seconds):
            try:
                work()
            except Exception as error:  # noqa: BLE001  # the next round may succeed; the metric and the log tell
                _log.warning("periodic work failed", work=name, reason=str(error) or type(error).__name__)

    return run


def _when_started(server: uvicorn.Server, on_started: Callable[[], None], stop: threading.Event) -> None:
    while not server.started and not stop.wait(0.02):
        pass
    if server.started:
        on_started()
