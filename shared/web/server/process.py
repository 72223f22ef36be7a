"""Runs an ASGI app and its background threads as one process that stops cleanly and exits on failure."""

import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from shared import log
from shared.errors import Unavailable
from shared.timers import Background
from shared.web import event_stream
from shared.web.admission import Admission
from shared.web.callers import authority
from shared.web.edge import on_http, problem
from shared.web.error_pages import ErrorPages
from shared.web.limits import Limits
from shared.web.server.connection import Connection
from shared.web.server.open_connections import Connections

SEND_BUFFER = 65_536
RECEIVE_BUFFER = 131_072
DEFAULT_LIMITS = Limits()
STOP_SECONDS = 5
SWITCH_SECONDS = 0.001
_log = log.get("serve")


def mount(apis: Mapping[str, ASGIApp], root: ASGIApp | None = None) -> Starlette:
    """Mount each app under `/<service>`; `root` answers everything else."""
    routes = [Mount(f"/{name}", api) for name, api in apis.items()]
    # `root` would answer `/<service>` without its slash, and knows nothing there.
    bare = [Route(f"/{name}", _to_slash) for name in apis]
    # No mount matches a URL with a line break.
    nowhere = {404: lambda _request, _error: problem(404, "Not found", "there is nothing at this address")}
    app = Starlette(routes=[*routes, *bare, *([Mount("/", root)] if root else [])], exception_handlers=nowhere)
    app.add_exception_handler(HTTPException, on_http)  # type: ignore[arg-type]  # starlette types the base class only
    return app


async def _to_slash(request: Request) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    return Response(status_code=307, headers={"Location": f"{request.url.path}/{query}"})


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; `::` listens for IPv4 as well. Small buffers limit what a slow client holds in the kernel.

    Raises `Unavailable` when the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # whatever the machine's default is
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise Unavailable(
            f"cannot listen on {authority(host, port)}: {error.strerror}. "
            "TONGYUAN_HOST must be an address of this machine, and TONGYUAN_PORT a port that nobody else uses"
        ) from error
    return sock


class Threads:
    """Background work beside HTTP.

    A thread that ends with an exception ends the process, and a supervisor restarts it.
    """

    def __init__(self, work: Mapping[str, Background]) -> None:
        self.stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(name, run), name=name, daemon=True)
            for name, run in work.items()
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Ask all to stop, and wait up to `STOP_SECONDS` for each."""
        self.stop.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _guarded(self, name: str, run: Background) -> None:
        try:
            run(self.stop)
        except BaseException as error:  # noqa: BLE001  # a dead background thread must not go unnoticed
            _log.error("background thread failed", thread=name, exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)


def _plain_errors(app: ASGIApp) -> ErrorPages:
    return ErrorPages(app, {})


def serve(
    app: ASGIApp,
    sock: socket.socket,
    threads: Threads,
    on_started: Callable[[], None] = lambda: None,
    tls: ssl.SSLContext | None = None,
    limits: Limits = DEFAULT_LIMITS,
    errors: Callable[[ASGIApp], ErrorPages] = _plain_errors,
) -> None:
    """Serve until SIGTERM or SIGINT; then stop accepting, let requests finish, stop the threads.

    `errors` puts pages for browsers in the place of the app's problem details, and of the server's own.
    """
    pages = errors(Admission(app, limits))
    config = uvicorn.Config(
        pages,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        http=cast(Any, partial(Connection, Connections(limits), pages.page)),
        loop="shared.web.server.event_loop:Loop",
        ws="none",
        timeout_keep_alive=max(1, int(limits.idle_seconds)),
        timeout_graceful_shutdown=2,
        lifespan="off",
        ssl_context_factory=(lambda _config, _default: tls) if tls else None,
    )
    server = _Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again when it is done; its default action would end the process before the threads.
        signal.signal(number, lambda *_: None)
    # A relay that wakes up must not wait the usual 5 ms for the interpreter while a response is being written.
    sys.setswitchinterval(SWITCH_SECONDS)
    threads.start()
    started = threading.Thread(target=_when_started, args=(server, on_started, threads.stop), daemon=True)
    started.start()
    try:
        server.run(sockets=[sock])
    finally:
        threads.end()


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as uvicorn does, but let no event stream, which never ends by itself, be waited for and cancelled."""
        event_stream.end_all()
        await super().shutdown(sockets)


def _when_started(server: uvicorn.Server, on_started: Callable[[], None], stop: threading.Event) -> None:
    while not server.started and not stop.wait(0.02):
        pass
    if server.started:
        on_started()
