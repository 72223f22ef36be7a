"""Who follows what is no longer shown: the acts (行为说明) of withdrawals, as this channel has applied them.

An item that is merged, split or taken over by another unit gets a new code. Its withdrawal names the successors
(`contracts.content.acts`), and everything that is asked under the old code leads to them.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from sqlmodel import Session

from contracts.content.acts import LONGEST_SUCCESSION, Act
from services.channels.api.statements import ACTS
from services.channels.core.model import DocumentRow
from services.channels.core.store import state
from shared.database.engine import Database


@dataclass(frozen=True, slots=True)
class Successors:
    """Ledger keys of what follows now, in the order of the acts, and the public note of the first withdrawal."""

    keys: tuple[str, ...] = ()
    note: str | None = None


NOBODY = Successors()


class Succession:
    """Reads the acts that were applied since it last looked. Thread-safe."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._turn = threading.Lock()
        self._epoch, self._change = "", 0
        self._named: dict[tuple[str, int], Successors] = {}

    def of(self, key: str) -> Successors:
        """Return who follows a key that is not shown. A successor that was succeeded itself is followed on."""
        with self._turn, self._db.read() as session:
            self._read_on(session)
            named = self._direct(session, key)
            return Successors(tuple(self._followed(session, named.keys, {key})), named.note) if named.keys else NOBODY

    def _read_on(self, session: Session) -> None:
        at = state(session)
        if at.epoch != self._epoch:
            self._epoch, self._change = at.epoch, 0
            self._named.clear()
        if at.change == self._change:
            return
        for row in session.connection().execute(ACTS, {"after": self._change}):
            act = Act.model_validate(orjson.loads(row.content), extra="ignore")
            if act.successors:
                named = Successors(tuple(act.successors), act.note)
                self._named |= {(one.key, one.version): named for one in act.acts_on}
        self._change = at.change

    def _direct(self, session: Session, key: str) -> Successors:
        """Return whom the withdrawal of this key names. A guide ends with its item."""
        kind, _, code = key.partition(":")
        for one in (key, f"item:{code}") if kind == "guide" else (key,):
            row = session.get(DocumentRow, one)
            if row is not None and (found := self._named.get((one, row.version))):
                return found
        return NOBODY

    def _followed(self, session: Session, keys: tuple[str, ...], seen: set[str]) -> Iterator[str]:
        for key in keys:
            if key in seen or len(seen) > LONGEST_SUCCESSION:
                continue
            seen.add(key)
            further = self._direct(session, key)
            if further.keys:
                yield from self._followed(session, further.keys, seen)
            else:
                yield key
