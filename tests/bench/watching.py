"""Watches what is released become visible: on the streams of the channels, and by the channels' own metrics."""

import json
import re
import threading
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

import httpx

from tests.harness.county import CHANNELS, County


class Watch:
    """Listens to the stream of each channel and notes when a version arrives."""

    def __init__(self, county: County, key: str) -> None:
        self._key = f'"key":"{key}"'.encode()
        self._seen: dict[str, dict[int, float]] = {name: {} for name in CHANNELS}
        self._changed = threading.Condition()
        self._stop = False
        self._open = threading.Semaphore(0)
        for name in CHANNELS:
            threading.Thread(target=self._listen, args=(county.url(name), name), daemon=True).start()
        for _ in CHANNELS:
            assert self._open.acquire(timeout=30), "a stream did not open"

    def wait(self, version: int) -> float:
        """Moment at which the last channel had the version."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: all(version in seen for seen in self._seen.values()), 30)
        assert arrived, f"version {version} was not seen everywhere"
        return max(seen[version] for seen in self._seen.values())

    def apart(self, version: int) -> float:
        """Return the seconds between the first and the last channel that had the version."""
        moments = [seen[version] for seen in self._seen.values()]
        return max(moments) - min(moments)

    def close(self) -> None:
        """Stop listening with the next event."""
        self._stop = True

    def _listen(self, url: str, name: str) -> None:
        # The plainest client: on two cores whoever watches must not weigh on what is watched.
        connection = HTTPConnection(url.removeprefix("http://"))
        with closing(connection), suppress(HTTPException, OSError):
            connection.request("GET", f"/{name}/v1/stream")
            for line in connection.getresponse():
                if line.startswith(b"event: sync"):
                    self._open.release()
                if self._stop:
                    return
                if line.startswith(b"data: ") and self._key in line:
                    moment = time.perf_counter()
                    version = json.loads(line[6:])["version"]
                    with self._changed:
                        self._seen[name][version] = moment
                        self._changed.notify_all()


def visible(county: County) -> dict[str, float]:
    """From the source's commit to the commit of the slowest channel, by the channels' own histogram; milliseconds."""
    slowest = {"p50": 0.0, "p99": 0.0}
    for name in CHANNELS:
        worker = f"{name}-worker"
        address = county.url(worker if worker in county.names else name)
        buckets = _buckets(httpx.get(f"{address}/metrics", trust_env=False).text, name)
        for label, share in (("p50", 0.5), ("p99", 0.99)):
            slowest[label] = max(slowest[label], round(_quantile(buckets, share) * 1000, 1))
    return slowest


def _buckets(page: str, channel: str) -> list[tuple[float, float]]:
    pattern = rf'tongyuan_publication_latency_seconds_bucket{{channel="{channel}",le="([^"]+)"}} (\S+)'
    return [(float(bound), float(count)) for bound, count in re.findall(pattern, page)]


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """Linear within the bucket, as Prometheus does it."""
    wanted = buckets[-1][1] * share
    below, before = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted and count > before:
            return below + (bound - below) * (wanted - before) / (count - before)
        below, before = bound, count
    return below


def position(county: County, name: str) -> int:
    """How far a channel is."""
    return int(county.http(name).get(f"/{name}/v1/position").json()["position"])
