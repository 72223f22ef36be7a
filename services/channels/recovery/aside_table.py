"""The table of the documents that a build has made aside: whose they are, and in what they differ from those served."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, delete, select, update

from contracts.base import format_time
from services.channels.core.documents import Row
from services.channels.core.model import ONLY, AsideBuildRow, AsideRow, DocumentRow
from services.channels.core.statements import PUT_ASIDE
from shared.errors import Broken

KEYS_TOGETHER = 500
MARKED = ("version", "position", "kind", "digest", "content_digest", "effective_at", "expires_at")
"""The values, besides the content, in which two rows of a key must agree."""


class AsideTable:
    """The documents aside of one build: the build that began last owns the table.

    They are in the store alone: memory does not grow with their number.
    """

    def __init__(self) -> None:
        self._token = secrets.token_hex(8)
        self._keys = 0

    def begin(self, session: Session) -> None:
        """Empty the table and own it: a build in progress fails at its next step."""
        session.exec(delete(AsideRow))
        session.merge(AsideBuildRow(id=ONLY, token=self._token))
        self._keys = 0

    def put(self, session: Session, newest: Mapping[str, Row]) -> None:
        """Write rows by key, each in place of an older version. Raises `Broken` for another build's table."""
        self._require_own(session)
        self._keys += len(newest.keys() - versions_of(session, AsideRow, newest).keys())
        session.connection().execute(PUT_ASIDE, [{**row, "change": 0} for row in newest.values()])

    def expire(self, session: Session, now: datetime) -> None:
        """Empty the documents whose time is over."""
        over = update(AsideRow).where(col(AsideRow.expires_at) <= format_time(now))
        session.exec(over.values(content=None, content_digest=None))

    def require_whole(self, session: Session, *, to_write: bool = True) -> None:
        """Raises `Broken` unless the table has every key that was put here, and is this build's own.

        `to_write`: no other build begins until the transaction ends.
        """
        self._require_own(session, to_write=to_write)
        if session.exec(select(func.count()).select_from(AsideRow)).one() != self._keys:
            raise _taken()

    def clear(self, session: Session) -> None:
        """Empty the table if it is this build's own."""
        if self._is_own(session):
            session.exec(delete(AsideRow))

    def _require_own(self, session: Session, *, to_write: bool = True) -> None:
        if not self._is_own(session, to_write=to_write):
            raise _taken()

    def _is_own(self, session: Session, *, to_write: bool = True) -> bool:
        row = session.get(AsideBuildRow, ONLY, with_for_update=to_write, populate_existing=True)
        return row is not None and row.token == self._token


def compared(session: Session) -> tuple[list[str], list[str]]:
    """Return keys whose live document differs from the one built aside, and keys that should not be there."""
    same_key = col(AsideRow.key) == col(DocumentRow.key)
    differs = [
        col(getattr(DocumentRow, name)).is_distinct_from(getattr(AsideRow, name)) for name in (*MARKED, "content")
    ]
    different = select(AsideRow.key).outerjoin(DocumentRow, same_key).where(or_(*differs))
    orphans = select(DocumentRow.key).outerjoin(AsideRow, same_key).where(col(AsideRow.key).is_(None))
    shown_once = orphans.where(col(DocumentRow.version) != 0)
    return sorted(session.exec(different)), sorted(session.exec(shown_once))


def versions_of(session: Session, table: type[DocumentRow] | type[AsideRow], keys: Iterable[str]) -> dict[str, int]:
    """Return the version of each of these keys that the table has."""
    wanted = sorted(set(keys))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), KEYS_TOGETHER):
        query = select(table.key, table.version).where(col(table.key).in_(wanted[start : start + KEYS_TOGETHER]))
        found.update(session.exec(query).all())
    return found


def _taken() -> Broken:
    return Broken("another rebuild of this channel is in progress; nothing was changed")
