"""Find out which county a store belongs to: by the identity written at its creation, else by its content.

A store of an earlier version has no identity. Its county follows from the regions of its releases or entries, and from
the log's name in its checkpoints.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import inspect

from contracts.topology import SOURCES
from services.demo import content
from services.runtime.statements import CHECKPOINTS, FIRST_ENTRY, FIRST_RELEASES, FOREIGN_ENTRY, IDENTITY
from shared.config import Settings
from shared.county import identity
from shared.county.identity import Identity
from shared.database.engine import Database

USUAL_ORIGIN = re.compile(r"tongyuan/(\d{12})")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One store as it is read. `ask` runs one SELECT. `embedded`: a SQLite store, which may be a demonstration's."""

    service: str
    ask: Callable[[str], Iterable[Sequence[Any]]]
    tables: Collection[str]
    embedded: bool

    def county(self) -> Identity | None:
        """Return the county that the store names, or else the one that follows from its content.

        None if neither tells.
        """
        return self.named() or self.held()

    def named(self) -> Identity | None:
        """Return the county in the store's identity table, or None."""
        for region, origin, county, demo in self.ask(IDENTITY) if "identity" in self.tables else ():
            return Identity(region, origin, county, bool(demo))
        return None

    def held(self) -> Identity | None:
        """Return the county that follows from the store's content, whatever its identity says.

        None if nothing tells.
        """
        region, origin = self._region(), self._origin()
        if region is None and origin is None:
            return None
        usual = USUAL_ORIGIN.fullmatch(origin or "")
        region = region or (usual[1] if usual else None)
        return Identity(region, origin, demo=self._is_demo())

    def foreign_entry(self, region: str) -> int | None:
        """Return the position of the ledger's first entry of another region, or None."""
        if "entry" not in self.tables:
            return None
        return next(iter(self._column(FOREIGN_ENTRY.format(region=region))), None)

    def _region(self) -> str | None:
        documents: Iterable[str] = ()
        if self.service in SOURCES and "release" in self.tables:
            documents = self._column(FIRST_RELEASES)
        elif self.service == "ledger" and "entry" in self.tables:
            documents = self._column(FIRST_ENTRY)
        return next((str(orjson.loads(document)["region"]) for document in documents), None)

    def _origin(self) -> str | None:
        """Return the first line of a checkpoint in the store: the log's name."""
        for table, query in CHECKPOINTS.items():
            for checkpoint in self._column(query) if table in self.tables else ():
                return str(checkpoint).partition("\n")[0]
        return None

    def _is_demo(self) -> bool | None:
        """Return whether the first release is an item of the demonstration; None unless this is an embedded catalogue.

        The region does not matter: `up` once filled any empty county with the demonstration.
        """
        if self.service != "catalog" or not self.embedded:
            return None
        first = next((orjson.loads(document)["key"] for document in self._column(FIRST_RELEASES)), None)
        return first in {f"item:{item.code}" for item in content.items()}

    def _column(self, query: str) -> list[Any]:
        return [row[0] for row in self.ask(query)]


def require_own(evidence: Evidence, settings: Settings) -> None:
    """Raise `SettingsError` when identity or content of a store is of another region or log than the settings name."""
    wanted, where = Identity.of(settings), f"the store of {evidence.service}"
    for county in (evidence.named(), evidence.held()):
        if county is not None:
            identity.require_log(county, wanted, where)


@contextmanager
def evidence_of(service: str, db: Database) -> Iterator[Evidence]:
    """Yield one consistent view of an existing store. Raises `Unavailable`."""
    with db.read() as session:
        connection = session.connection()
        tables = inspect(connection).get_table_names(schema=None if db.is_sqlite else db.service)
        yield Evidence(service, connection.exec_driver_sql, tables, embedded=db.is_sqlite)
