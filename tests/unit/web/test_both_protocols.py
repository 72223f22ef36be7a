"""A process that listens on `::` serves IPv6 and IPv4, and calls an IPv4 client what everybody else calls it."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from shared.errors import Unavailable
from shared.web.callers import authority, plain
from shared.web.server.process import listen
from tests.harness.bounded import Bounded, bounded

STREAM = b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Bounded]:
    with bounded(host="::", streams=40, streams_per_address=2, stream_networks=["127.0.0.0/8"]) as made:
        yield made


def status(sock: socket.socket) -> bytes:
    """The status with which the answer begins."""
    return sock.recv(64).split()[1]


def over(server: Bounded, host: str) -> str:
    return f"http://{authority(host, urlsplit(server.url).port or 0)}"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_client_is_named_by_its_own_address(server: Bounded, host: str) -> None:
    assert httpx.get(f"{over(server, host)}/who").json() == host


def test_a_listed_network_of_ipv4_is_recognised(server: Bounded) -> None:
    assert [status(server.dial(STREAM)) for _ in range(4)] == [b"200"] * 4


def test_a_client_of_ipv6_has_the_streams_of_one_address(server: Bounded) -> None:
    port = urlsplit(server.url).port
    socks = [socket.create_connection(("::1", port), timeout=30) for _ in range(3)]
    for sock in socks:
        sock.sendall(STREAM)
    assert sorted(map(status, socks)) == [b"200", b"200", b"429"]
    for sock in socks:
        sock.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("", "")],
)
def test_an_ipv4_client_is_written_as_ipv4(address: str, said: str) -> None:
    assert plain(address) == said


def test_a_taken_port_is_named_as_a_url_names_it() -> None:
    with listen("::1", 0) as sock:
        sock.listen()
        port = sock.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"\[::1\]:{port}"):
            listen("::1", port)
