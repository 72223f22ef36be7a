"""A ledger without sources, written by its own commands, and channels started from it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from contracts.base import Json
from contracts.envelope.publication import Head, Kind, Lane, Op, Release
from services.channels.core.channel import Channel
from services.channels.core.digests import digest_lines, served_lines
from services.channels.core.model import DocumentRow, ParkedRow, ScheduledRow
from services.channels.core.port import adapters
from services.channels.recovery.bootstrap import starting_channel
from services.ledger.log.append import record
from services.ledger.signing.heads import sign_head
from services.ledger.signing.known_keys import remember_keys
from services.ledger.signing.signer import Signer
from services.runtime.local_readers import LocalLedger
from shared.database.engine import Database
from shared.feeds.upstream import LedgerReader
from shared.transparency.canonical import digest
from shared.transparency.proof import LedgerEntry
from tests.harness.pipeline import REGION
from tests.harness.stores import store

ORIGIN = "tongyuan/test"
NEVER = 10**9


class WrittenLedger:
    """A ledger in `folder`. `ledger` reads it; channels have their own stores beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = store("ledger", f"sqlite:///{folder}/ledger.db")
        self.signer = Signer.of_folder(folder, ORIGIN)
        self.ledger = CountedLedger(self.db)
        self._versions: Counter[str] = Counter()
        self._stores: list[Database] = []

    def add(self, key: str, body: Json | None, *, spoilt: bool = False, **period: Any) -> None:
        """Record the next version of a key; None withdraws. `spoilt`: with a wrong digest."""
        self._versions[key] += 1
        release = Release(
            source="catalog", lane=Lane.LIVE, sequence=1, key=key, kind=Kind(key.partition(":")[0]),
            version=self._versions[key], op=Op.WITHDRAW if body is None else Op.RELEASE, region=REGION,
            released_at=datetime.now(UTC), body=body, digest="0" * 64, **period,
        )  # fmt: skip
        if not spoilt:
            release = release.model_copy(update={"digest": digest(release.content())})
        with self.db.write() as session:
            record(session, [release], self.signer)
            remember_keys(session, self.signer, datetime.now(UTC))

    def sign(self, statement_every: timedelta = timedelta(0)) -> Head:
        """Sign a head, and a statement unless the last one is newer than `statement_every`."""
        return sign_head(self.db, self.signer, statement_every)

    def channel(
        self, name: str = "web", ledger: LedgerReader | None = None, keys: Iterable[str] = (), *, pays_from: int = 0
    ) -> Channel:
        """Return an empty channel."""
        db = store(name, f"sqlite:///{self.folder}/channel{len(self._stores)}.db", "channels")
        self._stores.append(db)
        return starting_channel(db, adapters()[name], ledger or self.ledger, keys, pays_from=pays_from)

    def close(self) -> None:
        """Close every store."""
        for db in (self.db, *self._stores):
            db.close()


class CountedLedger(LocalLedger):
    """Counts the entries that were read one after another."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.read = 0

    def entries(self, after: int, limit: int) -> Sequence[LedgerEntry]:
        """See `LocalLedger`."""
        found = super().entries(after, limit)
        self.read += len(found)
        return found


def held(channel: Channel) -> dict[str, Any]:
    """Return everything that a channel stores of its ledger, without its change numbers and times of parking."""
    with channel.db.read() as session:
        return {
            "position": channel.position(),
            "digests": digest_lines(served_lines(session)),
            "document": _rows(session.exec(select(DocumentRow)), {"change"}),
            "scheduled": _rows(session.exec(select(ScheduledRow)), set()),
            "parked": _rows(session.exec(select(ParkedRow)), {"parked_at"}),
        }


def _rows(rows: Iterable[Any], without: set[str]) -> list[Json]:
    found = [row.model_dump(exclude=without) for row in rows]
    return sorted(found, key=lambda row: (row["key"], row["version"]))
