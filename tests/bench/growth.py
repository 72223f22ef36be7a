"""`make bench-growth`: what costs more the more a county has. One county grows; at each size the same is measured.

Compare the columns of one run: each row beside the first size. The last line is the run as JSON.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import releases
from tests.bench.figures import Figures, machine, status
from tests.bench.run import idle, servers
from tests.harness.county import County, EmbeddedCounty, ProductionCounty, running

READINGS = 5
LONGEST = 1_800.0


def main() -> None:
    """Grow the county, print the table, and the figures as one line of JSON."""
    arguments = _arguments()
    figures: Figures = {"machine": machine(), "shape": "production" if arguments.production else "embedded"}
    with tempfile.TemporaryDirectory(prefix="tongyuan-growth-") as name:
        folder = Path(name)
        if not arguments.production:
            figures["sizes"] = grown(EmbeddedCounty(folder / "county"), arguments)
        else:
            with servers(folder) as (rabbit, postgres):
                database = postgres.url(postgres.create_database("growth"))
                figures["sizes"] = grown(ProductionCounty(folder / "county", rabbit.new_vhost(), database), arguments)
    show(figures["sizes"])
    print("\n" + json.dumps(figures, ensure_ascii=False))


def grown(county: County, arguments: argparse.Namespace) -> list[Figures]:
    """Fill the county up to each size, and measure it there."""
    found, there = [], 0
    with running(county):
        for size in arguments.sizes:
            filled = releases.bulk(county, size - there, first=there)
            there = size
            rate = filled["releases_per_second"]
            found.append({"documents": size, "bulk_per_second": rate, **measured(county, arguments)})
    return found


def measured(county: County, arguments: argparse.Namespace) -> Figures:
    """Measure a county that has everything it was sent."""
    figures: Figures = {"idle_cores": idle(county)}
    latency = releases.latency(county, arguments.releases)
    figures |= {f"release_{name}_ms": latency["seen_on_all_four"][name] for name in ("p50", "p99")}
    figures["request_p50_ms"] = latency["of_which_the_request"]["p50"]
    figures["source_ms"] = source(county)
    figures["memory_mb"] = sum(status(process.pid, "VmRSS") for process in county.processes.values()) // 1024
    figures["rebuild_seconds"] = command(county, "rebuild", "web")
    figures["verify_seconds"] = command(county, "verify")
    figures["start_seconds"] = restart(county)
    return figures


def source(county: County) -> float:
    """Return the median time of `/web/v1/source`, milliseconds; each after a release, so that none is cached."""
    times = []
    for _ in range(READINGS):
        releases.latency(county, 1)
        began = time.perf_counter()
        county.http("web").get("/web/v1/source", timeout=LONGEST).raise_for_status()
        times.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(times), 1)


def command(county: County, *arguments: str) -> float:
    """Return the seconds of a command; it must succeed."""
    began = time.perf_counter()
    done = county.cli(*arguments, timeout=LONGEST)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return round(time.perf_counter() - began, 1)


def restart(county: County) -> float:
    """Return the seconds from the start of all processes until every one is ready."""
    county.stop()
    began = time.perf_counter()
    county.start()
    return round(time.perf_counter() - began, 1)


def show(sizes: list[Figures]) -> None:
    """Print a column a size, each figure with its ratio to the first."""
    print(f"{'documents':<20}" + "".join(f"{one['documents']:>18,}" for one in sizes))
    for name in sizes[0]:
        if name != "documents":
            first = sizes[0][name]
            cells = (f"{one[name]} (× {one[name] / first:.2f})" if first else str(one[name]) for one in sizes)
            print(f"{name.replace('_', ' '):<20}" + "".join(f"{cell:>18}" for cell in cells))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 20_000], help="guides of 6 KB, ascending")
    parser.add_argument("--releases", type=int, default=100, help="releases one at a time, at each size")
    parser.add_argument("--production", action="store_true", help="with PostgreSQL and RabbitMQ; default: embedded")
    return parser.parse_args()


if __name__ == "__main__":
    main()
