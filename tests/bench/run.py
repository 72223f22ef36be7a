"""`make bench`: how fast a release is seen, how many fit through, and what bounds it; limits from the same run.

Figures of a shared machine are noisy: compare them with the limits printed beside them, not with another day's.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import httpx
import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.demo import content
from services.runtime.manifests import topology
from shared.messaging import topology_job
from shared.messaging.delivery import Message
from shared.messaging.publisher import AmqpPublisher
from tests.harness.county import CHANNELS, County, EmbeddedCounty, ProductionCounty, running, wait_for
from tests.harness.postgres import PrivatePostgres, private_postgres
from tests.harness.rabbitmq import PrivateRabbit

BODY_BYTES = 6_000
CHUNK = 200
Figures = dict[str, Any]


def main() -> None:
    """Run what was asked for and print one table and one JSON line."""
    arguments = _arguments()
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name:
        folder = Path(name)
        with running(EmbeddedCounty(folder / "embedded")) as county:
            figures["embedded"] = {"latency_ms": latency(county, arguments.releases)}
            figures["embedded"]["bulk"] = bulk(county, arguments.embedded_bulk)
        with servers(folder) as (rabbit, postgres):
            figures["limits"] = limits(rabbit, postgres)
            database = postgres.url(postgres.create_database("bench"))
            with running(ProductionCounty(folder / "production", rabbit.new_vhost(), database)) as county:
                figures["production"] = {"latency_ms": latency(county, arguments.releases)}
                figures["production"]["bulk"] = bulk(county, arguments.bulk)
                figures["production"]["memory_mb"] = memory(county)
                figures["production"]["cpu_seconds"] = cpu(county)
    show(figures)


@contextmanager
def servers(folder: Path) -> Iterator[tuple[PrivateRabbit, PrivatePostgres]]:
    """A broker and a database of our own."""
    broker = folder / "rabbitmq"
    broker.mkdir()
    rabbit = PrivateRabbit(broker).start()
    try:
        with private_postgres() as postgres:
            yield rabbit, postgres
    finally:
        rabbit.stop()


def latency(county: County, releases: int) -> Figures:
    """From sending the release to the event on a screen's stream, the slowest of the four channels; one at a time."""
    http = county.http("catalog")
    item = content.items()[0]
    http.put("/catalog/v1/directory", json=[row.model_dump(mode="json") for row in content.directory()])
    revision = http.put(f"/catalog/v1/items/{item.code}", json=item.model_dump(mode="json")).json()["revision"]
    watch = Watch(county, f"item:{item.code}")
    slowest, commits = [], []
    try:
        for number in range(releases + 5):
            draft = {**item.model_dump(mode="json"), "promise_day": number % 60 + 1}
            if number:
                answer = http.put(f"/catalog/v1/items/{item.code}", json=draft, headers={"If-Match": f'"{revision}"'})
                revision = answer.json()["revision"]
            began = time.perf_counter()
            answer = http.post(f"/catalog/v1/items/{item.code}/release").json()
            committed = time.perf_counter()
            revision = answer["revision"]
            seen = watch.wait(answer["version"])
            if number >= 5:
                slowest.append((seen - began) * 1000)
                commits.append((committed - began) * 1000)
            time.sleep(0.05)
    finally:
        watch.close()
    return {
        "seen_on_all_four": spread(slowest),
        "of_which_the_request": spread(commits),
        "commit_to_visible": visible(county),
        "n": len(slowest),
    }


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


def bulk(county: County, count: int) -> Figures:
    """Guides of 6 KB through the import lane: from the first request until all four channels have them."""
    http = county.http("guides")
    before = min(position(county, name) for name in CHANNELS)
    base = content.guides()[0].model_dump(mode="json", exclude_none=True)
    rows = [guide(base, number) for number in range(count)]
    size = len(json.dumps(rows[0], ensure_ascii=False).encode())
    began = time.perf_counter()
    for start in range(0, count, CHUNK):
        answer = http.post("/guides/v1/imports", json={"rows": rows[start : start + CHUNK]}, timeout=120)
        answer.raise_for_status()
    accepted = time.perf_counter() - began
    target = before + count
    wait_for(lambda: min(position(county, name) for name in CHANNELS) >= target, "everything is shown", 300)
    seconds = time.perf_counter() - began
    return {
        "releases": count,
        "bytes_each": size,
        "seconds": round(seconds, 1),
        "releases_per_second": round(count / seconds),
        "accepted_per_second": round(count / accepted),
    }


def guide(base: Figures, number: int) -> Figures:
    """A guide of about 6 KB with a valid code of its own."""
    main, sub = divmod(number, 900)
    text = "申请人应当提交真实、完整的材料，并对其实质内容负责。"
    code = f"{base['code'][:19]}000709{main:03d}{sub + 100:03d}"
    short = {**base, "code": code, "accept_condition": text}
    missing = BODY_BYTES - len(json.dumps(short, ensure_ascii=False).encode())
    return {**short, "accept_condition": text * max(1, missing // len(text.encode()))}


def position(county: County, name: str) -> int:
    """How far a channel is."""
    return int(county.http(name).get(f"/{name}/v1/position").json()["position"])


def limits(rabbit: PrivateRabbit, postgres: PrivatePostgres) -> Figures:
    """What the broker and the database alone can do here, with the same sizes."""
    return {
        "confirms_to_4_queues_per_second": _confirms(rabbit),
        "rows_per_second_in_4_tables_200_a_commit": _rows(postgres),
        "single_row_commits_per_second": _commits(postgres),
    }


def _confirms(rabbit: PrivateRabbit, count: int = 4000) -> int:
    url = rabbit.new_vhost()
    topology_job.apply(url, topology().queues)
    publisher = AmqpPublisher(url, "tongyuan.publications", connection_name="bench")
    body = b"x" * BODY_BYTES
    messages = [Message(body, "339921000000.guide.release", str(number), number) for number in range(CHUNK)]
    publisher.publish(messages)
    began = time.perf_counter()
    for _ in range(count // CHUNK):
        publisher.publish(messages)
    seconds = time.perf_counter() - began
    publisher.close()
    return round(count / seconds)


def _rows(postgres: PrivatePostgres, count: int = 8000) -> int:
    with psycopg.connect(postgres.dsn(postgres.create_database())) as connection:
        for table in range(4):
            connection.execute(f"CREATE TABLE t{table} (key text PRIMARY KEY, version int, content text)")
        connection.commit()
        content_ = "x" * BODY_BYTES
        began = time.perf_counter()
        for start in range(0, count // 4, CHUNK):
            for table in range(4):
                rows = [(f"{start + n}", 1, content_) for n in range(CHUNK)]
                with connection.cursor() as cursor:
                    cursor.executemany(f"INSERT INTO t{table} VALUES (%s, %s, %s)", rows)
                connection.commit()
        return round(count / (time.perf_counter() - began))


def _commits(postgres: PrivatePostgres, count: int = 1000) -> int:
    with psycopg.connect(postgres.dsn(postgres.create_database())) as connection:
        connection.execute("CREATE TABLE t (n int)")
        connection.commit()
        began = time.perf_counter()
        for number in range(count):
            connection.execute("INSERT INTO t VALUES (%s)", (number,))
            connection.commit()
        return round(count / (time.perf_counter() - began))


def memory(county: County) -> dict[str, int]:
    """Resident memory of each process, MiB."""
    return {name: _status(process.pid, "VmRSS") // 1024 for name, process in county.processes.items()}


def cpu(county: County) -> dict[str, float]:
    """Processor time that each process has used, seconds."""
    return {
        name: sum(map(int, Path(f"/proc/{process.pid}/stat").read_text().split()[13:15])) / 100
        for name, process in county.processes.items()
    }


def show(figures: Figures) -> None:
    """A table for people, a line for scripts."""
    for mode in ("embedded", "production"):
        seen, request = (figures[mode]["latency_ms"][key] for key in ("seen_on_all_four", "of_which_the_request"))
        rate = figures[mode]["bulk"]
        print(f"\n{mode}")
        print(f"  release → on the streams of all four channels   p50 {seen['p50']} ms   p99 {seen['p99']} ms")
        print(f"  of which the release request itself             p50 {request['p50']} ms   p99 {request['p99']} ms")
        stored = figures[mode]["latency_ms"]["commit_to_visible"]
        print(f"  source's commit → visible, slowest channel      p50 {stored['p50']} ms   p99 {stored['p99']} ms")
        print(
            f"  bulk: {rate['releases']} releases of {rate['bytes_each']} bytes   "
            f"{rate['releases_per_second']}/s through all four (accepted at {rate['accepted_per_second']}/s)"
        )
    print("\nlimits of this machine, in this run")
    for name, value in figures["limits"].items():
        print(f"  {name.replace('_', ' ')}: {value}")
    print("\nmemory and processor time of each production process after the bulk")
    for name, megabytes in figures["production"]["memory_mb"].items():
        print(f"  {name:<22} {megabytes:>5} MiB   {figures['production']['cpu_seconds'][name]:>7.1f} s")
    print("\n" + json.dumps(figures, ensure_ascii=False))


def spread(values: list[float]) -> dict[str, float]:
    """p50, p90, p99 and the largest."""
    ordered = sorted(values)
    shares = {"p90": 0.9, "p99": 0.99, "max": 1.0}
    picked = {name: ordered[min(int(len(ordered) * share), len(ordered) - 1)] for name, share in shares.items()}
    return {name: round(value, 1) for name, value in {"p50": statistics.median(ordered), **picked}.items()}


def _status(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=200, help="releases one at a time, for the latency")
    parser.add_argument("--bulk", type=int, default=20_000, help="releases in bulk, production")
    parser.add_argument("--embedded-bulk", type=int, default=2_000, help="releases in bulk, embedded")
    return parser.parse_args()


if __name__ == "__main__":
    main()
