"""A county that is stopped ends its event streams itself: their readers come back, and no alarm is written."""

import http.client
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from tests.harness.county import CHANNELS, EmbeddedCounty, running

STREAMS = 3


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_are_ended_and_the_log_stays_quiet(tmp_path, sign):
    county = EmbeddedCounty(tmp_path, "--no-demo")
    with running(county):
        process = county.processes["up"]
        with ExitStack() as open_streams:
            streams = [open_streams.enter_context(opened(county, name)) for name in CHANNELS for _ in range(STREAMS)]
            process.send_signal(sign)
            for stream in streams:
                stream.read()  # an IncompleteRead here would be a stream that was cut off instead of ended
        assert process.wait(60) == 0

    lines = county.log("up").splitlines()
    assert [line for line in lines if "error" in line.lower() or "Traceback" in line or "CancelledError" in line] == []


@contextmanager
def opened(county: EmbeddedCounty, channel: str) -> Iterator[http.client.HTTPResponse]:
    """A stream that has told where the channel stands."""
    with closing(http.client.HTTPConnection("127.0.0.1", int(county.env["TONGYUAN_PORT"]), timeout=60)) as connection:
        connection.request("GET", f"/{channel}/v1/stream")
        with connection.getresponse() as answer:
            assert answer.readline().startswith((b"id:", b"event:", b"retry:"))
            yield answer
