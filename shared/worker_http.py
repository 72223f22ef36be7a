"""What a worker answers on its own port: /healthz, /readyz, /metrics. WSGI: uvicorn has no place beside eventlet."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.errors import TongyuanError, Unavailable

PATIENCE_SECONDS = 5

Ready = Callable[[], object]
"""Returns when the worker can do its work, raises `Unavailable` when it cannot."""


def serve_health(service: str, host: str, port: int, ready: Ready, tls: ssl.SSLContext | None = None) -> None:
    """Answer in the background, for as long as the process lives. Raises `Unavailable` when the port is taken."""
    try:
        server = make_server(host, port, _application(service, ready), _server_class(tls), handler_class=_Silent)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror}") from error
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
        content = {"status": 503, "title": "Unavailable", "detail": f"{service} cannot reach what it needs"}
        return "503 Service Unavailable", "application/problem+json", orjson.dumps(content)
    return "200 OK", "application/json", orjson.dumps({"status": "ready", "service": service})


def _server_class(tls: ssl.SSLContext | None) -> type[WSGIServer]:
    class Server(WSGIServer):
        def get_request(self) -> tuple[socket.socket, Any]:
            """The handshake is left to the first read, which has a time limit: silence holds up nobody for long."""
            sock, address = super().get_request()
            if tls is None:
                return sock, address
            try:
                # Who has hung up already: asked before the socket is inside an object that nobody could close.
                sock.getpeername()
            except OSError:
                sock.close()
                raise
            return tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Strangers without a certificate, and probes that only knock, are not worth a traceback."""

    return Server


class _Silent(WSGIRequestHandler):
    """Scrapes are not worth a line in the log."""

    timeout = PATIENCE_SECONDS

    def log_message(self, *_arguments: Any) -> None:
        pass
