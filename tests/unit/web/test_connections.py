"""Whatever a client sends, does not send, or does not read is bounded, and harms only that client."""

import socket
import urllib.error
import urllib.request
from contextlib import suppress

import httpx
import pytest

from tests.harness.bounded import HEAD, bounded, closes, everything, reading, status, until

POST = b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
ALIVE = b'{"status":"alive","service":"bounded"}'


@pytest.fixture(scope="module")
def usual():
    with bounded() as server:
        yield server


@pytest.fixture(scope="module")
def hasty():
    """A server with short time limits."""
    with bounded(
        head_seconds=0.6, idle_seconds=1, grace_seconds=0.6, stall_seconds=1, drain_seconds=1, answer_seconds=20
    ) as server:
        yield server


@pytest.mark.parametrize(("request_", "expected"), [
    (HEAD + b"Connection: close\r\n\r\n", 200),
    (b"GET /healthz?" + b"a" * 8_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
    (b"GET /healthz?" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"GET /healthz?" + b"a" * 20_000, 414),
    (HEAD + b"X-A: " + b"a" * 12_000 + b"\r\nConnection: close\r\n\r\n", 200),
    (HEAD + b"X-A: " + b"a" * 40_000, 431),
    (HEAD + b"X-A: 1\r\n" * 98 + b"Connection: close\r\n\r\n", 200),
    (HEAD + b"X-A: 1\r\n" * 100 + b"\r\n", 431),
    (b"\x16\x03\x01\x02\x00\x01\x00", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
])  # fmt: skip
def test_a_head_is_bounded_in_every_part(usual, request_, expected):
    assert status(usual.said(request_)) == expected


def test_a_browser_whose_cookies_are_too_large_is_told_by_a_page(usual):
    """No app has seen the request; what a program gets is as it was."""
    page = usual.said(HEAD + b"Accept: text/html,*/*;q=0.8\r\nCookie: " + b"a" * 40_000)
    answer = usual.said(HEAD + b"Accept: */*\r\nCookie: " + b"a" * 40_000)

    assert status(page) == status(answer) == 431
    assert b"content-type: text/html; charset=utf-8" in page
    assert "请清除本网站的 Cookie".encode() in page
    assert b"content-type: application/problem+json" in answer


def test_a_head_without_end_is_refused_before_it_is_in_memory(usual):
    sock, sent, part = usual.dial(HEAD + b"X-A: "), 0, b"a" * 65_536
    with suppress(BrokenPipeError, ConnectionResetError):
        while sent < 64 * 2**20:
            sent += sock.send(part)

    assert sent < 16 * 2**20, "what the kernels of both sides hold"


def test_a_head_may_come_in_many_parts_and_behind_another_one(usual):
    sock = usual.dial()
    for part in (b"GET /heal", b"thz HTTP/1.1\r\nHo", b"st: x\r\n", b"\r", b"\n" + HEAD, b"Connection: close\r\n\r\n"):
        sock.sendall(part)
    assert everything(sock).count(ALIVE) == 2


def test_requests_behind_one_another_are_answered_in_order_up_to_a_bound(usual):
    few = usual.said((HEAD + b"\r\n") * 15 + HEAD + b"Connection: close\r\n\r\n")
    many = usual.said((HEAD + b"\r\n") * 5_000)

    assert few.count(ALIVE) == 16
    assert many.count(ALIVE) < 5_000


def test_a_body_is_bounded_also_when_nobody_says_how_long_it_is(usual):
    chunk = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
    said = usual.said(POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunk * 40 + b"0\r\n\r\n")
    assert status(said) == 413


def test_a_body_of_one_byte_a_chunk_is_taken(usual):
    said = usual.said(
        POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n"
    )
    assert said.endswith(b"50000")


def test_what_stands_around_chunks_is_bounded_too(usual):
    extended = b"1;" + b"x" * 15_000 + b"\r\na\r\n"
    trailer = b"1\r\na\r\n0\r\n" + b"X-A: 1\r\n" * 300
    for body in (extended * 100, trailer):
        assert status(usual.said(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)) != 200


@pytest.mark.parametrize("size", [1_100_000, 5_000_000, 40_000_000])
def test_who_sends_too_much_comes_to_read_that_it_was_too_much(usual, size):
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError, match="413"):
            urllib.request.urlopen(
                urllib.request.Request(f"{usual.url}/length", data=b"x" * size, method="POST"), timeout=30
            )
    assert httpx.post(f"{usual.url}/length", content=b"x" * size).status_code == 413


def test_an_upgrade_leads_nowhere_else(usual):
    wanted = b"Upgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n"
    assert status(usual.said(HEAD + b"Connection: Upgrade, close\r\n" + wanted + b"\r\n")) == 200


@pytest.mark.parametrize("begun", [
    b"",
    b"\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
    POST + b"Content-Length: 1000\r\n\r\n{",
    POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
])  # fmt: skip
def test_who_does_not_go_on_is_hung_up_on(hasty, begun):
    assert closes(hasty.dial(begun))


def test_drop_by_drop_is_too_slow_for_a_head_and_for_a_body(hasty):
    for begun in (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", POST + b"Content-Length: 100000\r\n\r\n"):
        sock = hasty.dial(begun)
        sock.settimeout(0.05)

        def is_cut(sock=sock):
            try:
                sock.sendall(b"a")
                return sock.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        assert until(is_cut)


def test_a_body_that_waits_for_us_is_not_late(hasty):
    assert httpx.post(f"{hasty.url}/late", content=b"x" * 1_000_000, timeout=30).text == "1000000"


def test_a_connection_that_rests_is_kept_a_little_and_then_closed(hasty):
    sock = hasty.dial(HEAD + b"\r\n")
    assert until(lambda: ALIVE in sock.recv(65_536, socket.MSG_PEEK))
    sock.recv(65_536)
    assert closes(sock)


def test_a_reader_that_takes_nothing_is_cut_and_one_that_takes_its_time_is_not(hasty):
    stuck = hasty.dial(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", receive_buffer=4_096)
    slow = hasty.dial(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", receive_buffer=65_536)
    taken = 0

    def is_cut():
        nonlocal taken
        taken += len(slow.recv(65_536))
        return reading(hasty.url, 'tongyuan_http_cut_total{reason="reader"}') == 1

    assert until(is_cut)
    assert taken + len(everything(slow)) > 2**20
    assert len(everything(stuck)) < 2**20


def test_a_full_house_makes_room_for_who_has_something_to_say():
    with bounded(connections=8) as server:
        idle = [server.dial() for _ in range(8)]
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert sum(closes(sock, 0.2) for sock in idle) == 1, "the one that came first"


def test_where_all_are_being_answered_the_next_is_told_to_come_again():
    with bounded(connections=4, streams=10) as server:
        streams = [server.dial(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(4)]
        assert all(until(lambda sock=sock: b"hello" in sock.recv(4_096, socket.MSG_PEEK)) for sock in streams)
        assert status(server.said(b"")) == 503
