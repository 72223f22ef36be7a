"""`make soak`: does the memory of a county that is read all day stay where it is?

`tongyuan up` with invented items is read in every way that the public reads, in turns that never come in the same
order, and an item is released now and then. After a while in which caches fill, the growth of its resident memory is
the slope of a robust regression (after Theil and Sen) through a sample a second. Exit code 1: it grows by more than
`--limit`.
"""

import argparse
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.auditing import fill
from tests.bench.hands import meanwhile
from tests.harness import pipeline
from tests.harness.county import CHANNELS, County, EmbeddedCounty, running

SAMPLE_SECONDS = 1.0
RELEASE_SECONDS = 5.0
TOLD_SECONDS = 60.0
WORDS = ("身份证", "事项", "第{}号", "jmsfz", "办理", "公司登记", "x{}")


def main() -> int:
    """Samples as they come, then the slope."""
    arguments = _arguments()
    done: Counter[int] = Counter()
    with tempfile.TemporaryDirectory(prefix="tongyuan-soak-") as name:
        county = EmbeddedCounty(Path(name) / "county", env={"TONGYUAN_REGION": pipeline.REGION})
        with running(county):
            fill(county, arguments.items)
            with busy(county, arguments.items, arguments.readers, done):
                samples = list(sampled(county.processes["up"].pid, arguments.warm + arguments.seconds, done))
    counted = [sample for sample in samples if sample[0] >= arguments.warm]
    growth = slope(counted) * 3600
    print(f"{sum(done.values()):,} requests; answers by status: {dict(sorted(done.items()))}")
    print(f"memory after {arguments.warm:.0f} s: {counted[0][1]:.0f} MB, at the end {counted[-1][1]:.0f} MB")
    print(f"growth: {growth:+.1f} MB an hour (at most {arguments.limit:.0f})")
    return int(growth > arguments.limit)


@contextmanager
def busy(county: County, items: int, readers: int, done: Counter[int]) -> Iterator[None]:
    """Readers and an editor at work."""
    stop = threading.Event()
    work: list[Callable[[], None]] = [partial(read, county, items, seed, stop, done) for seed in range(readers)]
    with meanwhile(stop, [*work, partial(release, county, items, stop)]):
        yield


def read(county: County, items: int, seed: int, stop: threading.Event, done: Counter[int]) -> None:
    """One reader, who asks for something else each time."""
    draw = random.Random(seed)  # no secret
    headers = {"X-Forwarded-For": f"10.0.0.{seed}", "Accept-Encoding": "gzip"}
    with httpx.Client(base_url=county.url("web"), timeout=60, headers=headers) as http:
        while not stop.is_set():
            try:
                done[http.get(address(draw, items)).status_code] += 1
            except httpx.HTTPError:
                done[0] += 1


def address(draw: random.Random, items: int) -> str:
    """Something that the public may ask for."""
    channel, number = draw.choice(CHANNELS), draw.randrange(items)
    code = pipeline.code_of(number)
    asked: Sequence[Callable[[], str]] = (
        lambda: f"/{channel}/",
        lambda: f"/{channel}/items/{code}",
        lambda: f"/{channel}/items/{code}",
        lambda: f"/{channel}/items?page={draw.randrange(50)}",
        lambda: f"/{channel}/search?q={draw.choice(WORDS).format(number)}",
        lambda: f"/{channel}/v1/items/{code}",
        lambda: f"/{channel}/v1/guides/{code}",
        lambda: f"/{channel}/v1/items?limit=100&after={code}",
        lambda: f"/{channel}/v1/search?q={draw.choice(WORDS).format(number)}",
        lambda: f"/{channel}/v1/changes?since=0&limit=100",
        lambda: f"/{channel}/v1/source/item/{draw.randrange(256):02x}",
        lambda: f"/{channel}/progress",
        lambda: f"/web/items/{code}/feedback",
        lambda: f"/web/items/{code}/changes",
        lambda: "/kiosk/v1/finder",
        lambda: f"/kiosk/nowhere/{draw.random()}",
        lambda: f"/ledger/v1/entries/{1 + draw.randrange(items)}",
        lambda: f"/ledger/v1/entries?after={draw.randrange(items)}&limit=50",
        lambda: f"/ledger/v1/state/item:{code}",
        lambda: "/ledger/v1/head",
        lambda: f"/verify/item/{code}",
    )
    return draw.choice(asked)()


def release(county: County, items: int, stop: threading.Event) -> None:
    """One item after the other says another number of days."""
    http = county.http("catalog")
    for turn in count(1):
        if stop.wait(RELEASE_SECONDS):
            return
        number = turn % items
        place = f"/catalog/v1/items/{pipeline.code_of(number)}"
        revision = http.get(place).json()["revision"]
        draft = {**pipeline.item(number, f"第{number}号事项").model_dump(mode="json"), "promise_day": 1 + turn % 50}
        http.put(place, json=draft, headers={"If-Match": f'"{revision}"'}).raise_for_status()
        http.post(f"{place}/release").raise_for_status()


def sampled(pid: int, seconds: float, done: Counter[int]) -> Iterator[tuple[float, float]]:
    """(seconds since the start, resident MB), one a second."""
    began = told = time.monotonic()
    while (now := time.monotonic()) - began < seconds:
        size = resident(pid)
        yield now - began, size
        if now - told >= TOLD_SECONDS or now == began:
            told = now
            print(f"  {now - began:6.0f} s  {size:7.1f} MB  {sum(done.values()):>9,} requests", flush=True)
        time.sleep(SAMPLE_SECONDS)


def resident(pid: int) -> float:
    """MB of a process in memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if found is None:
        raise RuntimeError(f"the process {pid} is gone")
    return int(found[1]) / 1024


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """MB a second: the median of the slopes between each sample of the first half and its partner in the second."""
    half = len(samples) // 2
    pairs = zip(samples[:half], samples[len(samples) - half :], strict=True)
    return statistics.median((after[1] - before[1]) / (after[0] - before[0]) for before, after in pairs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--warm", type=float, default=1_200, help="seconds before growth counts")
    parser.add_argument("--seconds", type=float, default=1_200, help="seconds of which it counts")
    parser.add_argument("--limit", type=float, default=5, help="MB an hour")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
