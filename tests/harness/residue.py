"""Everything that a county publishes or leaves behind, as bytes by place, so that a test can search it."""

import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from services.demo import content
from services.runtime.manifests import topology
from shared.transparency.merkle import TILE_WIDTH
from tests.harness.broker_queues import dead_letters
from tests.harness.county import CHANNELS, SERVICES, County, ProductionCounty, wait_for
from tests.harness.packages import require
from tests.harness.postgres import PLACES, PrivatePostgres

ITEM = content.items()[0].code
OF_THEIR_OWNERS = ("/v1/applications", "/v1/deadlines", "/v1/hooks", "/v1/case-hooks")


def endpoints(county: County, service: str, keys: list[str]) -> Iterator[str]:
    """Yield every GET of the service's OpenAPI document, with every value that its parameters can have here."""
    values = parameter_values(keys)
    for path, operation in searched(county.http(service).get(f"/{service}/openapi.json").json()):
        paths = [f"/{service}{path}"]
        for parameter in needed(operation):
            name, inside = parameter["name"], parameter["in"] == "path"
            paths = [
                one.replace(f"{{{name}}}", value) if inside else f"{one}{'&' if '?' in one else '?'}{name}={value}"
                for one in paths
                for value in values[name]
            ]
        yield from paths
    yield from (f"/{service}/{name}" for name in ("openapi.json", "healthz", "readyz", "metrics"))


def searched(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield path and GET of an OpenAPI document; whole cases are for their clerk, hooks for their owner."""
    for path, operations in document["paths"].items():
        # The stream has no end.
        if "get" in operations and not path.startswith(OF_THEIR_OWNERS) and path != "/v1/stream":
            yield path, operations["get"]


def needed(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters without which an operation is refused."""
    return [one for one in operation.get("parameters", []) if one.get("required")]


def parameter_values(keys: list[str]) -> dict[str, list[str]]:
    """Return every value that a parameter of that name can have here."""
    codes = [item.code for item in content.items()]
    return {
        "code": codes,
        "key": [*keys[:20], f"item:{ITEM}", f"guide:{ITEM}"],
        "version": ["1"],
        "size": ["1", "7"],
        "kind": ["item", "guide"],
        "bucket": [f"{bucket:02x}" for bucket in range(0, 256, 51)],
        "position": [str(position) for position in range(1, 200, 7)],
        "lane": ["live", "backfill"],
        "q": ["办理", "sfz", "申请人", "身份证"],
        "first": ["1", "2026-01-01"],
        "last": ["2026-12-31"],
        "until": ["2026-12-31"],
        "name": ["web", "report.csv"],
        "number": ["1"],
        "act": ["act:catalog-live-1"],
        "upload": ["1"],
        "job": ["1"],
        "path": ["0/000", "entries/000"],
        "source": ["gd-portal", "api"],
        "subscription": ["1"],
        "sha256": ["0" * 64],
        "file_name": [f"{'0' * 64}.pdf"],
        "at": ["2026-03-03T10:05:00Z"],
    }


def pages(channel: str) -> Iterator[str]:
    """Yield every page of a channel."""
    yield from (f"/{channel}/", f"/{channel}/items", f"/{channel}/items?page=2", f"/{channel}/progress")
    yield from (f"/{channel}/search?q={word}" for word in ("办理", "申请人"))
    yield from (f"/{channel}/items/{item.code}" for item in content.items())


def read(county: County, services: Iterable[str], keys: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield `(address, answer with headers)`."""
    for service in services:
        addresses = [*endpoints(county, service, keys), *(pages(service) if service in CHANNELS else ())]
        for address in addresses:
            answer = wait_for(partial(_answered, county, service, address), address)
            assert answer.status_code < 500, f"{address}: {answer.text}"
            yield address, spoken(answer)


def _answered(county: County, service: str, address: str) -> httpx.Response | None:
    """Return the answer; None for "not now": the offline manifest is built in turns."""
    answer = county.http(service).get(address)
    return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer


def spoken(*answers: httpx.Response) -> bytes:
    """Return headers and bodies, without what the sender of a form has typed, which its fields may repeat."""
    return b"\n".join(repr(answer.headers.raw).encode() + _without_typed(answer) for answer in answers)


def _without_typed(answer: httpx.Response) -> bytes:
    content = answer.content
    if answer.request.headers.get("content-type") == "application/x-www-form-urlencoded":
        for _, typed in parse_qsl(answer.request.content.decode()):
            content = content.replace(f'value="{typed}"'.encode(), b'value=""')
    return content


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, by relative name."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def rows(file: Path) -> bytes:
    """Return everything SQLite reads from a database; in the file itself a long text is split across pages."""
    with closing(sqlite3.connect(file)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(repr(row) for name in tables for row in db.execute(f'SELECT * FROM "{name}"')).encode()


def ledger(county: County) -> list[dict[str, Any]]:
    """Return every entry as a service reads it, with the bodies of cases."""
    found: list[dict[str, Any]] = []
    while True:
        params = {"from": len(found) + 1, "limit": 1000}
        answer = county.http("ledger").get("/ledger/v1/entries", params=params).json()
        found += answer["entries"]
        if len(found) >= answer["size"]:
            return found


def dumped(postgres: PrivatePostgres, database: str, schema: str) -> bytes:
    """Return the schema's whole content as SQL."""
    program = require("pg_dump", "postgresql", places=PLACES)
    command = [str(program), "--schema", schema, postgres.dsn(database)]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def leaves(county: County, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield all tiles of the ledger's leaves, as mirrors read them."""
    for number in range(-(-size // TILE_WIDTH)):
        width = min(size - number * TILE_WIDTH, TILE_WIDTH)
        name = "/".join([f"x{number // 1000:03}", f"{number % 1000:03}"]) if number > 999 else f"{number:03}"
        path = f"/ledger/v1/tile/entries/{name}" + (f".p/{width}" if width < TILE_WIDTH else "")
        answer = county.http("ledger").get(path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        yield path, spoken(answer)


def command_lines(county: County) -> Iterator[tuple[str, bytes]]:
    """Yield what every account of the machine sees of each process."""
    for name, process in county.processes.items():
        yield f"{name} command line", Path(f"/proc/{process.pid}/cmdline").read_bytes()


def public(county: ProductionCounty, keys: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield everything public of a county of processes: answers with headers, metrics, tiles; and also the logs."""
    yield from read(county, SERVICES, keys)
    yield from leaves(county, int(county.http("ledger").get("/ledger/v1/head").json()["size"]))
    for name in county.names:
        metrics = httpx.get(f"{county.url(name)}/metrics", trust_env=False, follow_redirects=True)
        yield f"{name} metrics", spoken(metrics)
        yield f"{name} log", county.log(name).encode()
    yield from command_lines(county)


def queued(amqp_url: str) -> Iterator[tuple[str, bytes]]:
    """Yield the dead letters without removing them."""
    for queue in topology().queues:
        yield f"dead letters of {queue.name}", b"\n".join(body for _, body in dead_letters(amqp_url, queue.name))
