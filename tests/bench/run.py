"""`make bench`: how fast a release is seen, how many fit through, and what bounds it; limits and peers in the same run.

Figures of a shared machine are noisy: compare them with the limits and peers printed beside them, not with another
day's. The last line is the run as JSON; `--save` writes it to a folder as well.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.demo import content
from tests.bench import releases, table
from tests.bench.figures import Figures, machine, status
from tests.bench.limits import limits
from tests.bench.peers import peer
from tests.bench.wrk import CONNECTIONS, served_by
from tests.harness.county import County, EmbeddedCounty, ProductionCounty, running
from tests.harness.postgres import PrivatePostgres, private_postgres
from tests.harness.rabbitmq import PrivateRabbit

IDLE_SECONDS = 10.0
READ_SECONDS = 5


def main() -> None:
    """Run everything, print the table, and the figures as one line of JSON."""
    arguments = _arguments()
    figures: Figures = {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name:
        folder = Path(name)
        with running(EmbeddedCounty(folder / "embedded")) as county:
            figures["embedded"] = ours(county, arguments, arguments.embedded_bulk)
        with servers(folder) as (rabbit, postgres):
            figures["limits"] = limits(rabbit, postgres)
            figures["peers"] = peers(folder, rabbit, postgres, arguments)
            database = postgres.url(postgres.create_database("bench"))
            with running(ProductionCounty(folder / "production", rabbit.new_vhost(), database)) as county:
                figures["production"] = ours(county, arguments, arguments.bulk)
    table.show(figures)
    line = json.dumps(figures, ensure_ascii=False)
    if arguments.save:
        arguments.save.mkdir(parents=True, exist_ok=True)
        (arguments.save / f"bench-{figures['machine']['date']}.json").write_text(line + "\n", encoding="utf-8")
    print("\n" + line)


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


def ours(county: County, arguments: argparse.Namespace, bulk: int) -> Figures:
    """Measure a county: idle, one release at a time, many hands, at half load, events of cases, and in bulk."""
    figures: Figures = {"idle_cores": idle(county)}
    figures["latency_ms"] = releases.latency(county, arguments.releases)
    figures["sustained"] = releases.sustained(county, arguments.connections, arguments.acts)
    half = figures["sustained"]["releases_per_second"] / 2
    with releases.busy(county, half):
        figures["latency_ms_at_half_load"] = {"load": half, **releases.latency(county, arguments.releases // 2)}
    figures["events"] = releases.events(county, arguments.connections, arguments.acts // 2)
    figures["bulk"] = releases.bulk(county, bulk)
    figures["reads"] = reads(county)
    figures["memory_mb"] = {name: status(process.pid, "VmRSS") // 1024 for name, process in county.processes.items()}
    figures["cpu_seconds"] = releases.cpu_by_process(county)
    return figures


def reads(county: County) -> Figures:
    """An item as JSON from the service platform."""
    served = served_by(f"{county.url('web')}/web/v1/items/{content.items()[0].code}", READ_SECONDS)
    return {"connections": CONNECTIONS, "per_second": round(served.per_second), "p99_ms": round(served.p99_ms, 2)}


def idle(county: County) -> float:
    """Cores that a county uses which nobody asks anything."""
    time.sleep(IDLE_SECONDS)  # it has just started
    before = sum(releases.cpu_by_process(county).values())
    time.sleep(IDLE_SECONDS)
    used = sum(releases.cpu_by_process(county).values()) - before
    return round(used / IDLE_SECONDS, 3)


def peers(folder: Path, rabbit: PrivateRabbit, postgres: PrivatePostgres, arguments: argparse.Namespace) -> Figures:
    """Measure each peer with a document of the size of ours."""
    body = json.dumps(releases.guide(content.guides()[0].model_dump(mode="json", exclude_none=True), 0)).encode()
    figures: Figures = {}
    for name in peer.PEERS:
        with peer.running(name, folder, rabbit, postgres) as measured:
            figures[name] = peer.measure(measured, body, arguments.releases, arguments.connections, arguments.acts)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=200, help="releases one at a time, for the latency")
    parser.add_argument("--bulk", type=int, default=20_000, help="releases in bulk, production")
    parser.add_argument("--embedded-bulk", type=int, default=2_000, help="releases in bulk, embedded")
    parser.add_argument("--connections", type=int, default=32, help="connections that release at once")
    parser.add_argument("--acts", type=int, default=60, help="releases of each of these connections")
    parser.add_argument("--save", type=Path, help="folder for the figures as a file, named after the day")
    return parser.parse_args()


if __name__ == "__main__":
    main()
