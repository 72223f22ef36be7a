"""Memory, streams and descriptors are shared: heavy users wait, light users are not affected."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from shared.config import Settings, SettingsError, load
from shared.web.limits import RESERVED_DESCRIPTORS, Limits
from tests.harness.bounded import Bounded, bounded, closes, everything, reading, status, until

STREAM = b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n%s\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
SHARED = LARGE.replace(b"large", b"shared")
BYTES = "tongyuan_http_bytes_in_flight"
LISTS, BODIES = (f'{BYTES}{{pool="{pool}"}}' for pool in ("lists", "bodies"))


@pytest.fixture(scope="module")
def narrow() -> Iterator[Bounded]:
    """Room for one list at a time, and for a few large answers."""
    with bounded(
        bytes_in_flight=2 * (16 * 2**20 + 3 * 65_536), patience_seconds=1, streams=6, streams_per_address=3,
        stream_networks=["10.0.0.0/8"],
    ) as server:  # fmt: skip
        yield server


def test_lists_are_made_one_after_the_other_where_there_is_no_room_for_two(narrow):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: httpx.get(f"{narrow.url}/list"), range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8


def test_who_finds_no_room_for_long_is_told_to_come_again(narrow):
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(httpx.get, f"{narrow.url}/list?seconds=4", timeout=30)
        assert until(lambda: reading(narrow.url, LISTS) >= 16 * 2**20)
        second = httpx.get(f"{narrow.url}/list")
        small = httpx.get(f"{narrow.url}/who")
        supervised = [httpx.get(f"{narrow.url}/{path}").status_code for path in ("healthz", "readyz", "metrics")]
        assert first.result().status_code == 200

    assert (second.status_code, second.headers["retry-after"]) == (503, "2")
    assert second.headers["content-type"] == "application/problem+json"
    assert supervised == [200] * 3
    assert small.status_code == 200, "it waits behind no list"
    assert httpx.get(f"{narrow.url}/list").status_code == 200
    assert until(lambda: reading(narrow.url, BYTES) == 0)


def test_readers_that_hold_everything_and_take_nothing_make_room_for_others(narrow):
    stuck = [narrow.dial(LARGE, receive_buffer=4_096) for _ in range(12)]
    assert until(lambda: reading(narrow.url, LISTS) > 4 * 2**20)

    assert until(lambda: httpx.get(f"{narrow.url}/list").status_code == 200)
    assert any(len(everything(sock)) < 2**20 for sock in stuck), "somebody was cut"
    assert until(lambda: reading(narrow.url, BYTES) == 0)


def test_an_answer_that_many_take_is_counted_once(narrow):
    readers = [narrow.dial(SHARED, receive_buffer=4_096) for _ in range(12)]
    assert until(lambda: reading(narrow.url, BYTES) >= 2**20 + 12 * 65_536)

    assert reading(narrow.url, LISTS) == 2**20
    assert all(len(everything(sock)) > 2**20 for sock in readers)


def test_a_body_counts_as_it_comes_and_not_as_it_is_announced(narrow):
    head = b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n"
    slow = [narrow.dial(head + b"a" * 100_000) for _ in range(5)]
    assert until(lambda: reading(narrow.url, BODIES) >= 5 * 100_000)

    assert reading(narrow.url, BODIES) == 5 * 100_000
    assert status(everything(slow[0], b"a" * 900_000 + LARGE)) == 200
    for sock in slow:
        sock.close()
    assert until(lambda: reading(narrow.url, BYTES) == 0)


def test_streams_are_limited_for_each_address_and_in_all(narrow):
    def opened(head: bytes = b"") -> socket.socket:
        return narrow.dial(STREAM % head)

    own = [opened() for _ in range(3)]
    assert all(until(lambda sock=sock: sock.recv(1_000, socket.MSG_PEEK).endswith(b"hello\n\r\n")) for sock in own)
    assert status(everything(opened())) == 429
    hall = [opened(b"X-Forwarded-For: 10.1.2.3\r\n") for _ in range(3)]
    assert all(until(lambda sock=sock: b"hello" in sock.recv(1_000, socket.MSG_PEEK)) for sock in hall)
    full = everything(opened(b"X-Forwarded-For: 10.1.2.3\r\n"))

    assert status(full) == 503
    assert b"retry-after" in full
    own[0].close()
    again = [opened(b"X-Forwarded-For: 192.0.2.7\r\n")]
    assert until(lambda: b"hello" in again[0].recv(1_000, socket.MSG_PEEK)) or closes(again[0])
    assert httpx.get(f"{narrow.url}/who").status_code == 200


@pytest.mark.parametrize(
    ("descriptors", "connections", "streams"), [(1_024, 512, 384), (64, 32, 24), (65_536, 8_000, 5_000)]
)
def test_connections_and_streams_leave_descriptors_to_the_process(descriptors, connections, streams):
    limits = Limits().within(descriptors)

    assert (limits.connections, limits.streams) == (connections, streams)
    assert limits.connections + min(RESERVED_DESCRIPTORS, descriptors // 2) <= descriptors


@pytest.mark.parametrize("networks", ["10.0.0.0/8", "10.0.0.0/8,2001:db8::/32", ""])
def test_networks_of_halls_are_taken(networks):
    assert len(Limits.of(Settings(stream_networks=networks)).stream_networks) == len(
        list(filter(None, networks.split(",")))
    )


@pytest.mark.parametrize("networks", ["10.0.0.1/8", "hall", "10.0.0.0/8, 10.1.0.0/16;"])
def test_what_is_no_network_stops_the_start_by_name(monkeypatch, networks):
    monkeypatch.setenv("TONGYUAN_STREAM_NETWORKS", networks)
    with pytest.raises(SettingsError, match="TONGYUAN_STREAM_NETWORKS"):
        load()
