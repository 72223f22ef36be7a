"""Hide a guide when its item is withdrawn, suspended or expires, and show it again when the item is shown again.

The versions that return are those that were released, including planned ones; a draft that an editor has begun
meanwhile remains a draft. How: `shared.publishing.editions.following`.

Changes come from the ledger's publications and, for messages that the broker lost, from the ledger's list of newest
versions. The item's version decides whether a change is new, so late and duplicate messages have no effect.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from contracts.envelope.publication import Kind
from services.guides.commands import Guides
from services.guides.seen_items import SeenItemRow, as_stored, seen_items, timed
from services.guides.statements import NOTE_ITEM
from shared.errors import Broken
from shared.feeds.follower import decode
from shared.feeds.upstream import KeyMark, LedgerReader, ListedKeys
from shared.messaging.delivery import Message, Refusal
from shared.publishing import editions
from shared.transparency.proof import LedgerEntry, Prover
from shared.transparency.timeline import Timed


class ItemWatch:
    """Handles what is released of items."""

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
            KeyMark.model_validate(entry, from_attributes=True) for entry in batch.entries if entry.kind == Kind.ITEM
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
        news: dict[str, list[KeyMark]] = {}
        for mark in sorted(marks, key=lambda mark: mark.version):
            if mark.key.startswith(f"{Kind.ITEM}:"):
                news.setdefault(mark.key.partition(":")[2], []).append(mark)
        if not news:
            return 0
        recent = {code: self._planned_before(code, some) for code, some in news.items()}
        now = datetime.now(UTC)
        # One transaction: if the process dies before its commit, the versions count as not handled, and the message
        # or the next `reconcile` brings them again. After it, both the versions and the guides' releases are stored.
        with self._guides.db.write() as session:
            known = seen_items(session, news)
            changed = []
            for code, some in recent.items():
                versions = {one.version: one for one in (*known.get(code, ()), *some)}
                if _is_news(session, code, some[-1].version, as_stored(list(versions.values()), now)):
                    changed.append(code)
            made = editions.follow(session, self._guides.who, changed)
        return len({release.key for release in made})

    def _planned_before(self, code: str, marks: Sequence[KeyMark]) -> list[Timed]:
        """Return an item's new versions; if the newest begins later, also the older ones, which count until then."""
        start = marks[-1].effective_at
        if start is None or start <= datetime.now(UTC) or marks[0].version == 1:
            return [timed(mark) for mark in marks]
        return [timed(entry) for entry in self._ledger.history(marks[-1].key)][::-1]


def _is_news(session: Session, code: str, version: int, versions: str) -> bool:
    values = {"code": code, "version": version, "versions": versions}
    return session.connection().execute(NOTE_ITEM, values).first() is not None
