"""How long a search takes at 10,000 items, by the 200 questions of `tests.harness.questions`: make bench-search.

Prints processor time, which other work on the machine does not change much, and the time that a reader waits.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from services.channels.search import restatement
from services.channels.search.index import MOST_CANDIDATES, Indexed, SearchIndex, create_statements, indexed
from shared.database.engine import Database
from tests.harness.projecting import county, of_guide, of_item, shown
from tests.harness.questions import people_ask

ITEMS = 10_000
TOWNS = ("云溪", "石门", "白沙", "青山", "龙泉", "大河", "小河", "新桥", "高坪", "柳林")


def rows() -> Iterator[Indexed]:
    """Yield the county's items again and again, each time with another town in the name."""
    demo = [indexed(shown("web", of_item(one)), shown("web", of_guide(its))) for one, its in county()]
    for number in range(ITEMS):
        row = demo[number % len(demo)]
        town = TOWNS[number // len(demo) % len(TOWNS)]
        yield replace(row, key=f"item:{number:05}", names=(f"{row.names[0]}{town}{number}号", *row.names[1:]))


def main() -> None:
    """Index, ask every question three times, and print the best of each."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database("web", f"sqlite:///{Path(folder) / 'web.db'}")
        index = SearchIndex(database)
        with database.write() as session:
            for statement in create_statements("sqlite"):
                session.connection().execute(text(statement))
            index.replace(session, list(rows()))
        restatement.warm_up()
        asked = [_measured(database, index, question.text) for question in people_ask()]
        for name, times in zip(("processor", "waiting"), zip(*asked, strict=True), strict=True):
            in_order = sorted(times)
            p50, p99 = (in_order[int(len(in_order) * share)] for share in (0.5, 0.99))
            print(f"search, {ITEMS} items, {name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, most {in_order[-1]:.1f} ms")
        database.close()


def _measured(database: Database, index: SearchIndex, query: str) -> tuple[float, float]:
    spent, waited = [], []
    for _ in range(3):
        begun, since = time.process_time(), time.perf_counter()
        with database.read() as session:
            index.find(session, query, MOST_CANDIDATES)
        spent.append((time.process_time() - begun) * 1000)
        waited.append((time.perf_counter() - since) * 1000)
    return min(spent), min(waited)


if __name__ == "__main__":
    main()
