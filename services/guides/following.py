"""A guide goes with its item: withdrawn or suspended there, hidden here; released again there, shown again here.

News comes from the ledger's publications and, for what the broker lost, from the ledger's list of newest versions.
An item's version decides what is news, so a late or doubled message changes nothing.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import MetaData, text
from sqlmodel import Field, Session, SQLModel, col, select

from contracts.publication import Kind, Lane, Op
from services.guides.commands import Guides
from shared import editions
from shared.delivery import Message, Refusal
from shared.editions import EditionRow, Period, State
from shared.follower import decode
from shared.proof import Entry, Prover
from shared.upstream import KeyMark, LedgerReader, ListedKeys


class GuidesModel(SQLModel):
    """Tables that only guides has."""

    metadata = MetaData()


class SeenItemRow(GuidesModel, table=True):
    """Newest version of an item that was acted on."""

    __tablename__ = "seen_item"

    code: str = Field(primary_key=True, max_length=64)
    version: int


NEWS = text(
    "INSERT INTO seen_item (code, version) VALUES (:code, :version) ON CONFLICT (code) DO UPDATE "
    "SET version = excluded.version WHERE excluded.version > seen_item.version RETURNING code"
)
"""Remembers a version; a row comes back when it was newer than what was known."""


class ItemWatch:
    """Acts on items that come and go."""

    def __init__(self, guides: Guides, ledger: LedgerReader) -> None:
        self._guides, self._ledger, self.db = guides, ledger, guides.db
        self._prover = Prover(ListedKeys(ledger).opened)

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """Handler of a batch of publications; everything but items is ignored, and nothing unproven is believed."""
        batch = decode("guides", messages, Entry, self._prover.proven)
        self._act(
            KeyMark(key=e.key, version=e.version, position=e.position, op=e.op, effective_at=e.effective_at)
            for e in batch.entries
        )
        return batch.refusals

    def reconcile(self) -> int:
        """Act on what no message told of; how many guides changed."""
        after, changed = "", 0
        while marks := self._ledger.current(after, 500):
            changed += self._act(self._unseen(marks))
            after = marks[-1].key
        return changed

    def _unseen(self, marks: Sequence[KeyMark]) -> list[KeyMark]:
        """Without a lock and without writing: nearly all are known when nothing was lost."""
        codes = [mark.key.partition(":")[2] for mark in marks]
        query = select(SeenItemRow.code, SeenItemRow.version).where(col(SeenItemRow.code).in_(codes))
        with self._guides.db.read() as session:
            seen = dict(session.exec(query).all())
        return [mark for code, mark in zip(codes, marks, strict=True) if mark.version > seen.get(code, 0)]

    def _act(self, marks: Iterable[KeyMark]) -> int:
        newest = sorted(marks, key=lambda mark: mark.version)
        items = {m.key.partition(":")[2]: m for m in newest if m.key.startswith(f"{Kind.ITEM}:")}
        if not items:
            return 0
        db, who = self._guides.db, self._guides.who
        with db.write() as session:
            news = [code for code, mark in items.items() if _is_news(session, code, mark.version)]
            gone = {code: items[code].effective_at for code in news if items[code].op == Op.WITHDRAW}
            hidden = editions.withdraw_many(session, who, gone, Lane.LIVE, State.HIDDEN)
            back = _hidden(session, [code for code in news if items[code].op == Op.RELEASE])
            for code in back:
                editions.release(session, who, code, Period(items[code].effective_at))
        return len(hidden) + len(back)


def _is_news(session: Session, code: str, version: int) -> bool:
    return session.connection().execute(NEWS, {"code": code, "version": version}).first() is not None


def _hidden(session: Session, codes: list[str]) -> list[str]:
    if not codes:
        return []
    query = select(EditionRow.code).where(col(EditionRow.code).in_(codes), EditionRow.state == State.HIDDEN)
    return list(session.exec(query))
