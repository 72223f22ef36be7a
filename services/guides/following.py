"""Hide a guide when its item is withdrawn or suspended, and show it again when the item is released again.

The versions that return are those that were released, including planned ones; a draft that an editor has begun
meanwhile remains a draft.

Changes come from the ledger's publications and, for messages that the broker lost, from the ledger's list of newest
versions. The item's version decides whether a change is new, so late and duplicate messages have no effect.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import MetaData
from sqlmodel import Field, Session, SQLModel, col, select

from contracts.envelope.publication import Kind, Op
from services.guides.commands import Guides
from services.guides.statements import NOTE_ITEM
from shared.errors import Broken
from shared.feeds.follower import decode
from shared.feeds.upstream import KeyMark, LedgerReader, ListedKeys
from shared.messaging.delivery import Message, Refusal
from shared.publishing import editions
from shared.transparency.proof import LedgerEntry, Prover


class GuidesModel(SQLModel):
    """Base of the tables that only guides has."""

    metadata = MetaData()


class SeenItemRow(GuidesModel, table=True):
    """The newest version of an item that was handled."""

    __tablename__ = "seen_item"

    code: str = Field(primary_key=True, max_length=64)
    version: int


class ItemWatch:
    """Handles items that are withdrawn and released."""

    def __init__(self, guides: Guides, ledger: LedgerReader, origin: str | None = None) -> None:
        """`origin`: the name of the county's log; entries of another log are not handled."""
        self._guides, self._ledger, self.db = guides, ledger, guides.db
        self._origin = origin
        self._prover = Prover(ListedKeys(ledger, origin).opened)

    def take(self, messages: Sequence[Message]) -> list[Refusal]:
        """Handle a batch of publications.

        Everything but items is ignored; entries without a valid proof are refused.
        """
        batch = decode("guides", messages, LedgerEntry, self._prover.proven)
        self._act(
            KeyMark(key=e.key, version=e.version, position=e.position, op=e.op, effective_at=e.effective_at)
            for e in batch.entries
        )
        return batch.refusals

    def reconcile(self) -> int:
        """Handle changes that no message reported; return how many guides changed. Raises `Broken` for another log."""
        self._require_own()
        after, changed = "", 0
        while marks := self._ledger.current(after, 500):
            changed += self._act(self._unseen(marks))
            after = marks[-1].key
        return changed

    def _require_own(self) -> None:
        """Check the log's name in the head's checkpoint, because the list of newest versions has no proof."""
        if self._origin is None:
            return
        theirs = self._ledger.head().checkpoint.partition("\n")[0]
        if theirs != self._origin:
            raise Broken(
                f"the ledger is the log {theirs}, but this county's log is {self._origin}: check the ledger's address"
            )

    def _unseen(self, marks: Sequence[KeyMark]) -> list[KeyMark]:
        """Return the marks that are new, reading only: nearly all are known when no message was lost."""
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
        # One transaction: if the process dies before its commit, the versions count as not handled, and the message
        # or the next `reconcile` brings them again. After it, both the versions and the guides' releases are stored.
        with db.write() as session:
            news = [code for code, mark in items.items() if _is_news(session, code, mark.version)]
            gone = {code: items[code].effective_at for code in news if items[code].op == Op.WITHDRAW}
            changed = editions.hide(session, who, gone)
            back = {code: items[code].effective_at for code in news if items[code].op == Op.RELEASE}
            changed += editions.show_again(session, who, back)
        return len({release.key for release in changed})


def _is_news(session: Session, code: str, version: int) -> bool:
    return session.connection().execute(NOTE_ITEM, {"code": code, "version": version}).first() is not None
