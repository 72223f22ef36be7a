"""A worker's own port: /healthz, /readyz, /metrics. WSGI, because uvicorn does not run beside eventlet."""

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.errors import TongyuanError, Unavailable
from shared.web.callers import authority

PATIENCE_SECONDS = 5
"""Seconds from the connection to the end of its response; a supervisor needs no more."""

MOST_BYTES = 8_192
"""Most bytes of a request."""

MOST_AT_ONCE = 16

Ready = Callable[[], object]
"""Returns when the worker can do its work, raises `Unavailable` when it cannot."""


def serve_health(service: str, host: str, port: int, ready: Ready, tls: ssl.SSLContext | None = None) -> None:
    """Serve in the background until the process ends. Raises `Unavailable` when the port is taken."""
    try:
        server = make_server(host, port, _application(service, ready), _server_class(host, tls), handler_class=_Silent)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {authority(host, port)}: {error.strerror}. "
            "TONGYUAN_METRICS_PORT must be a port that nobody else uses, and TONGYUAN_HOST an address of this machine"
        ) from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()


def _application(service: str, ready: Ready) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    def application(request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        status, content_type, body = _answer(service, ready, request["PATH_INFO"])
        start(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    return application


def _answer(service: str, ready: Ready, path: str) -> tuple[str, str, bytes]:
    if path == "/metrics":
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest()
    if path == "/healthz":
        return "200 OK", "application/json", orjson.dumps({"status": "alive", "service": service})
    if path != "/readyz":
        return "404 Not Found", "application/problem+json", orjson.dumps({"status": 404, "title": "Not found"})
    try:
        ready()
    except TongyuanError:
        content = {"status": 503, "title": "Unavailable", "detail": f"{service} cannot reach a service that it needs"}
        return "503 Service Unavailable", "application/problem+json", orjson.dumps(content)
    return "200 OK", "application/json", orjson.dumps({"status": "ready", "service": service})


def _server_class(host: str, tls: ssl.SSLContext | None) -> type[WSGIServer]:
    class Server(ThreadingMixIn, WSGIServer):
        """A limited number of threads, one per request: a slow client delays only itself."""

        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def __init__(self, *given: Any) -> None:
            self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
            super().__init__(*given)

        def server_bind(self) -> None:
            """Listen on `::` for IPv4 as well."""
            if self.address_family == socket.AF_INET6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            super().server_bind()

        def process_request(self, request: Any, client_address: Any) -> None:
            """Close the connection when all threads are in use."""
            if self._places.acquire(blocking=False):
                super().process_request(request, client_address)
            else:
                self.shutdown_request(request)

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            """See `socketserver.ThreadingMixIn`."""
            try:
                super().process_request_thread(request, client_address)
            finally:
                self._places.release()

        def get_request(self) -> tuple[socket.socket, Any]:
            """Defer the handshake to the first read, which has a time limit: a silent client must not block others."""
            sock, address = super().get_request()
            if tls is None:
                return sock, address
            try:
                # Fails if the client has gone already; after wrapping, nobody could close the socket.
                sock.getpeername()
            except OSError:
                sock.close()
                raise
            return tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Print no traceback: clients without a certificate and port probes are normal."""

    return Server


class _Silent(WSGIRequestHandler):
    """Does not log requests."""

    timeout = PATIENCE_SECONDS

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Request(self.connection))

    def log_message(self, *_arguments: Any) -> None:
        pass


class _Request(io.RawIOBase):
    """Limits a request to `MOST_BYTES`, within `PATIENCE_SECONDS` in total; then it reads as ended."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._left = sock, MOST_BYTES
        self._until = time.monotonic() + PATIENCE_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises `TimeoutError`."""
        wanted = min(len(buffer), self._left)
        if not wanted:
            return 0
        self._sock.settimeout(max(self._until - time.monotonic(), 0.001))
        count = self._sock.recv_into(memoryview(buffer)[:wanted])
        self._left -= count
        return count
