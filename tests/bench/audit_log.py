"""How long each search of an audit log of a million rows takes, and how large a row is: make bench-audit-log.

The rows tell ten years: 200 people and four machines at 80 addresses, 40,000 items. Most people always sit at the same
address.

Names of sorts as arguments measure these only.

Prints p50, p99 and the longest of 60 searches of each sort, with both databases. Each is asked three times, and the
best counts, because other work on the machine delays any of them.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from contracts.base import Json, format_time
from shared.audit.chain import GENESIS, row_hash
from shared.audit.queries import AuditFilter, page
from shared.audit.statements import APPEND
from shared.audit.verification import Verification
from shared.database.engine import Database
from shared.transparency.canonical import canonical, digest
from tests.harness.postgres import private_postgres

ROWS = 1_000_000
BATCH = 5_000
SEARCHES = 60
PAGE = 100
BEGIN, YEARS = datetime(2016, 11, 30, tzinfo=UTC), timedelta(days=3652)
PEOPLE, ADDRESSES, ITEMS = 200, 80, 40_000
MACHINES = ("system", "operator", "bootstrap", "intake")
ACTIONS = ("save",) * 60 + ("release",) * 30 + ("follow",) * 6 + ("withdraw",) * 2 + ("suspend", "restore")
RARE = "undo_import"
SLOW_MS = 200


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of search: its name, and what makes one with a random generator."""

    name: str
    make: Callable[[random.Random], tuple[AuditFilter, int | None]]


def rows(count: int) -> Iterator[Json]:
    """Yield rows of a chain."""
    dice, previous = random.Random(7), GENESIS
    for sequence in range(1, count + 1):
        at = format_time(BEGIN + YEARS * (sequence / count))
        actor, address = _who(dice)
        action = RARE if sequence % 50_000 == 0 else dice.choice(ACTIONS)
        named = {"actor": actor, "action": action, "object": item(dice.randrange(ITEMS)), "address": address}
        changes = _changes(dice) if action == "save" else []
        document = canonical(_document(named, changes, dice)).decode()
        previous = row_hash(previous, sequence, at, document)
        apart = canonical(changes).decode() if changes else None
        yield {"sequence": sequence, "at": at, **named, "document": document, "changes": apart, "hash": previous}


def item(number: int) -> str:
    """Return the object of an item."""
    return f"item:11339921MB0{number:016}000"[:36]


def person(number: int) -> str:
    """Return the account of a person."""
    return f"person.{number:03}"


def address_of(number: int) -> str:
    """Return an address."""
    return f"10.0.{number // 20}.{number % 20 + 10}"


def _who(dice: random.Random) -> tuple[str, str]:
    if dice.random() < 0.2:
        return dice.choice(MACHINES), ""
    number = min(int(dice.expovariate(1 / 30)), PEOPLE - 1)
    # One act in fifty is done at another desk.
    return person(number), address_of(dice.randrange(ADDRESSES) if dice.random() < 0.02 else number % ADDRESSES)


def _changes(dice: random.Random) -> list[Json]:
    names = ("promise_day", "office_hours", "link_tel", "materials.2.copies")[: dice.randint(1, 4)]
    return [{"field": name, "before": f"旧值 {dice.random()}", "after": f"新值 {dice.random()}"} for name in names]


def _document(named: Json, changes: list[Json], dice: random.Random) -> Json:
    revision = dice.randrange(1, 90)
    standing = {
        "revision": revision,
        "state": "released",
        "version": revision // 2,
        "released": dice.randbytes(32).hex(),
    }
    actor = {
        "name": named["actor"], "title": "吴敏", "is_person": bool(named["address"]), "roles": ["editor", "releaser"],
        "address": named["address"],
    }  # fmt: skip
    return {
        "actor": actor,
        "action": named["action"],
        "object": named["object"],
        "before": {**standing, "draft": dice.randbytes(32).hex()},
        "after": {**standing, "revision": revision + 1, "draft": dice.randbytes(32).hex()},
        "changes_digest": digest(changes) if changes else None,
        "trace_id": dice.randbytes(16).hex(),
    }


def _month(dice: random.Random) -> tuple[datetime, datetime]:
    begin = BEGIN + YEARS * dice.random() * 0.98
    return begin, begin + timedelta(days=30)


def _at_an_address(dice: random.Random) -> AuditFilter:
    since, until = _month(dice)
    return AuditFilter(since=since, until=until, address=address_of(dice.randrange(9)))


def _away(dice: random.Random) -> AuditFilter:
    """A person at an address at which that person seldom sits."""
    number = dice.randrange(40)
    return AuditFilter(person(number), address=address_of((number + dice.randrange(1, ADDRESSES)) % ADDRESSES))


SORTS = (
    Sort("newest page", lambda _: (AuditFilter(), None)),
    Sort("a page in the middle", lambda dice: (AuditFilter(), dice.randrange(1, ROWS))),
    Sort("person", lambda dice: (AuditFilter(actor=person(dice.randrange(PEOPLE))), None)),
    Sort("person, a month", lambda dice: (AuditFilter(person(dice.randrange(40)), None, None, *_month(dice)), None)),
    Sort("person, action", lambda dice: (AuditFilter(person(dice.randrange(PEOPLE)), "withdraw"), None)),
    Sort("object", lambda dice: (AuditFilter(object=item(dice.randrange(ITEMS))), None)),
    Sort("object, action", lambda dice: (AuditFilter(None, "release", item(dice.randrange(ITEMS))), None)),
    Sort("object, person", lambda dice: (AuditFilter(person(0), None, item(dice.randrange(ITEMS))), None)),
    Sort("action", lambda dice: (AuditFilter(action=dice.choice((*ACTIONS, RARE))), None)),
    Sort("action, a month", lambda dice: (AuditFilter(None, dice.choice(ACTIONS), None, *_month(dice)), None)),
    Sort("rare action, a month", lambda dice: (AuditFilter(None, RARE, None, *_month(dice)), None)),
    Sort("a month", lambda dice: (AuditFilter(None, None, None, *_month(dice)), None)),
    Sort("address", lambda dice: (AuditFilter(address=address_of(dice.randrange(ADDRESSES))), None)),
    Sort("address, one person", lambda dice: (AuditFilter(person(0), address=address_of(dice.randrange(9))), None)),
    Sort("address, rare action", lambda dice: (AuditFilter(action=RARE, address=address_of(dice.randrange(9))), None)),
    Sort("address, a month", lambda dice: (_at_an_address(dice), None)),
    Sort("address of nobody", lambda _: (AuditFilter(address="10.9.9.9"), None)),
    Sort("person at a foreign address", lambda dice: (_away(dice), None)),
    Sort("nobody", lambda _: (AuditFilter(actor="nobody"), None)),
    Sort("nobody at an address", lambda _: (AuditFilter("nobody", address=address_of(0)), None)),
    Sort("kind of object", lambda _: (AuditFilter(kind="item"), None)),
)  # fmt: skip


def main() -> int:
    """Fill, measure and print for both databases; return 1 if a search was slow."""
    slow: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name:
        file = Path(name) / "catalog.db"
        with closing(Database("catalog", f"sqlite:///{file}")) as database:
            slow += _measure("SQLite", database, lambda: file.stat().st_size)
    with (
        private_postgres() as postgres,
        closing(Database("catalog", postgres.url(postgres.create_database("bench")))) as database,
    ):

        def size() -> int:
            with psycopg.connect(postgres.dsn("bench")) as connection:
                found = connection.execute("SELECT pg_total_relation_size('catalog.audit_log')").fetchone()
                return int(found[0]) if found else 0

        slow += _measure("PostgreSQL", database, size)
    print(f"slower than {SLOW_MS} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def _measure(title: str, database: Database, size: Callable[[], int]) -> list[str]:
    database.migrate("catalog")
    begun, empty = time.perf_counter(), size()
    _fill(database)
    print(f"{title}: {ROWS} rows in {time.perf_counter() - begun:.0f} s, {(size() - empty) / ROWS:.0f} bytes a row")
    slow = []
    wanted = set(sys.argv[1:])
    for sort in (one for one in SORTS if not wanted or one.name in wanted):
        taken = _times(database, sort)
        p50, p99, most = taken[len(taken) // 2], taken[int(len(taken) * 0.99)], taken[-1]
        print(f"{title}: {sort.name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {most:.1f} ms", flush=True)
        slow += [f"{sort.name} ({title})"] if p99 > SLOW_MS else []
    if wanted:
        return slow
    begun = time.perf_counter()
    found = Verification().check(_all(database), None)
    print(f"{title}: whole chain verified in {time.perf_counter() - begun:.0f} s, faults {len(found.faults)}")
    return slow


def _fill(database: Database) -> None:
    batch: list[Json] = []
    for row in rows(ROWS):
        batch.append(row)
        if len(batch) == BATCH:
            _append(database, batch)
            batch = []
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE catalog.audit_log")


def _append(database: Database, batch: Sequence[Json]) -> None:
    with database.write() as session:
        session.connection().execute(APPEND, list(batch))


def _times(database: Database, sort: Sort) -> list[float]:
    """Return milliseconds, in order of length."""
    dice, taken = random.Random(11), []
    for _ in range(SEARCHES):
        wanted, before = sort.make(dice)
        taken.append(min(_milliseconds(database, wanted, before) for _ in range(3)))
    return sorted(taken)


def _milliseconds(database: Database, wanted: AuditFilter, before: int | None) -> float:
    begun = time.perf_counter()
    with database.read() as session:
        page(session, wanted, before, PAGE, with_changes=True)
    return (time.perf_counter() - begun) * 1000


def _all(database: Database) -> Iterator[Json]:
    before: int | None = None
    while True:
        with database.read() as session:
            found = page(session, AuditFilter(), before, 1000, with_changes=True)
        yield from found
        if len(found) < 1000:
            return
        before = found[-1]["sequence"]


if __name__ == "__main__":
    sys.exit(main())
