"""rebuild: builds the channel aside from the ledger, compares, and swaps in one transaction."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

from sqlmodel import Session, col, select

from services.channels.core.channel import Channel
from services.channels.core.digests import root_of
from services.channels.core.model import AsideRow, DocumentRow, StateRow
from services.channels.core.statements import HIDE, REPLACE
from services.channels.core.store import locked_state
from services.channels.recovery.aside import PAGE, AsideBuild, Progress
from services.channels.recovery.aside_table import compared
from services.channels.recovery.content_loss import accept, as_lines, lost, refuse
from services.channels.trust.anchor import begin_anew
from services.channels.trust.snapshot import PAYS_FROM
from shared.errors import Broken


class Rebuild:
    """One rebuild of one channel. Publishing continues meanwhile; only the swap blocks it."""

    def __init__(
        self,
        channel: Channel,
        *,
        new_epoch: bool = False,
        full: bool = False,
        accept_loss: bool = False,
        pays_from: int = PAYS_FROM,
    ) -> None:
        """For `full` and `pays_from` see `AsideBuild`.

        `new_epoch`: accept the ledger as it is now, even if it does not continue the one followed so far. Every client
        then starts over, since the same positions may mean other entries. `accept_loss`: swap even if documents that
        are shown now would be removed without an entry that says so, see `content_loss`.
        """
        self.channel, self._accept_loss = channel, accept_loss
        self._build = AsideBuild(channel, new_epoch=new_epoch, full=full, pays_from=pays_from)

    def run(self) -> Iterator[Progress]:
        """Rebuild and yield progress. If an error is raised, nothing was changed.

        Raises what `AsideBuild.run` raises, and `WouldLose` if documents would be removed without an entry that says
        so.
        """
        return self._build.run(self._swap)

    def _swap(self) -> Progress | None:
        """Replace what differs in one transaction; return None if the channel has moved on meanwhile."""
        build = self._build
        with self.channel.db.write() as session:
            at = locked_state(session)
            if at.position > build.position and not build.goes_back:
                return None
            build.turn_pages(session)
            before = root_of(session, DocumentRow)
            gone = lost(session, build.unreadable, another_history=build.goes_back or build.new_epoch)
            if not self._accept_loss:
                refuse(self.channel.service, gone)
            differences = _replace_documents(session, at)
            build.replace_waiting(session)
            at.position, at.root = build.position, build.root.hex()
            if build.new_epoch:
                self._begin_epoch(session, at)
            session.add(at)
            after = root_of(session, DocumentRow)
            if after != root_of(session, AsideRow):
                raise Broken("the rebuilt channel differs from the ledger")
            build.table.clear(session)
            self.channel.db.notifier.notify(session)
        accept(self.channel.service, gone)
        return replace(build.done(differences, before, after), lost=as_lines(gone))

    def _begin_epoch(self, session: Session, at: StateRow) -> None:
        """Make every client start over, and trust only heads that continue the one that was read."""
        at.epoch = secrets.token_hex(4)
        begun = self._build.snapshot
        begin_anew(session, begun.head if begun else self.channel.ledger.head())


def _replace_documents(session: Session, at: StateRow) -> list[str]:
    """Make the documents equal to those built aside. Return the keys that differed."""
    different, orphans = compared(session)
    for start in range(0, len(different), PAGE):
        keys = different[start : start + PAGE]
        rows = []
        for row in session.exec(select(AsideRow).where(col(AsideRow.key).in_(keys)).order_by(AsideRow.key)):
            at.change += 1
            rows.append({**row.model_dump(), "change": at.change})
        session.connection().execute(REPLACE, rows)
    for key in orphans:
        at.change += 1
        session.connection().execute(HIDE, {"key": key, "change": at.change})
    return [*different, *orphans]
