"""The parts of this folder, made once a process."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import chain

from contracts.base import Json
from services.console.audit.hand_in import HandIn
from services.console.audit.logs import AuditLogs, Search
from services.console.audit.verifications import Verifications
from services.console.desk import Desk
from shared.audit.recording import AuditEntry, record
from shared.tokens.person import Actor, Person

EXPORT_PAGE = 1000


@dataclass(frozen=True)
class Audit:
    """The logs, the checks of their chains, and what hands the desk's own newest row to the ledger."""

    desk: Desk
    logs: AuditLogs
    verifications: Verifications
    hand_in: HandIn

    @classmethod
    def of(cls, desk: Desk) -> "Audit":
        """Return the parts for a desk."""
        logs = AuditLogs(desk)
        return cls(desk, logs, Verifications(logs, desk.services), HandIn(desk.db, desk.services))

    def verify(self, person: Person) -> None:
        """Begin a check of all chains, and note who asked for it. Raises `Conflict` while one runs."""
        self.verifications.begin(person)
        self._note(person, "audit.verified", None)

    def export(self, person: Person, wanted: Search) -> Iterable[list[Json]]:
        """Return all rows in pages, and note who took them. Raises what a log answers at first."""
        pages = self.logs.every(person, wanted, EXPORT_PAGE)
        first = next(pages, [])
        named = {name: str(value) for name, value in asdict(wanted).items() if value}
        self._note(person, "audit.exported", named or None)
        return chain([first], pages)

    def _note(self, person: Person, action: str, after: Json | None) -> None:
        with self.desk.db.write() as session:
            record(session, Actor.of(person), AuditEntry(action, "audit:log", None, after))
