"""A worker's own port: slow, large or missing requests do not keep a supervisor from asking."""

import socket
import time

import httpx
import pytest

from shared.web.worker_http import MOST_AT_ONCE, PATIENCE_SECONDS, serve_health
from tests.harness.bounded import everything, until
from tests.harness.ports import free_port


@pytest.fixture(scope="module")
def port() -> int:
    """The port is served as long as the process lives, as in a worker."""
    made = free_port()
    serve_health("bounded-worker", "127.0.0.1", made, lambda: None)
    return made


def test_who_sends_slowly_holds_up_nobody_and_is_hung_up_on(port):
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
        slow.sendall(b"GET /healthz HT")
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").json()["status"] == "alive"

        def is_cut():
            try:
                slow.sendall(b"T")
                slow.settimeout(0.2)
                return slow.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        assert until(is_cut)
    assert time.monotonic() - begun >= PATIENCE_SECONDS - 1


@pytest.mark.parametrize("request_", [b"GET /" + b"a" * 100_000, b"GET / HTTP/1.1\r\n" + b"X-A: 1\r\n" * 50_000])
def test_a_request_is_bounded(port, request_):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        everything(sock, request_)
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200


def test_where_all_places_are_taken_they_come_free_again(port):
    idle = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(MOST_AT_ONCE * 2)]
    try:
        assert until(lambda: answers(port))
    finally:
        for sock in idle:
            sock.close()


def test_a_worker_that_listens_on_both_protocols_answers_on_both():
    made = free_port()
    serve_health("bounded-worker", "::", made, lambda: None)
    for host in ("127.0.0.1", "[::1]"):
        assert httpx.get(f"http://{host}:{made}/readyz").json() == {"status": "ready", "service": "bounded-worker"}


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.HTTPError:
        return False
