"""The check of every chain, asked for by an auditor; it runs beside the requests and its result is kept in memory."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.base import Json, format_time
from contracts.envelope.statement import HeadStatement
from services.console.audit.logs import AuditLogs, Search
from services.console.upstream.services import Services
from shared.audit.verification import Verification
from shared.errors import Conflict, NotFound, TongyuanError
from shared.tokens.person import Person
from shared.transparency.head_statement import read_statement

PAGE = 1000
MOST_FAULTS = 20


@dataclass(slots=True)
class ChainState:
    """The newest check of one log. `checked`: its result, null while it runs; `problem`: why it was not finished.

    `issued_at`: time of the statement with which it was compared; null: the ledger has signed none.
    """

    log: str
    work: Verification
    begun_at: str
    issued_at: str | None = None
    ended_at: str | None = None
    problem: str = ""

    def as_json(self) -> Json:
        """Return the state as the API tells it."""
        return {
            "log": self.log,
            "begun_at": self.begun_at,
            "ended_at": self.ended_at,
            "read": self.work.read,
            "rows": self.work.rows,
            "signed": self.work.signed,
            "issued_at": self.issued_at,
            "faults": self.work.faults[:MOST_FAULTS],
            "problem": self.problem,
        }


class Verifications:
    """The newest check of each log since this process started. Thread-safe; one runs at a time."""

    def __init__(self, logs: AuditLogs, services: Services) -> None:
        self._logs, self._services = logs, services
        self._turn = threading.Lock()
        self._running: threading.Thread | None = None
        self._states: dict[str, ChainState] = {}

    def states(self) -> Mapping[str, ChainState]:
        """Return the newest check by log; a log that was not checked yet is missing."""
        return dict(self._states)

    def begin(self, person: Person) -> None:
        """Begin a check of all logs. Raises `Conflict` while one runs."""
        with self._turn:
            if self._running is not None and self._running.is_alive():
                raise Conflict("核验正在进行，请等它结束")
            now = format_time(datetime.now(UTC))
            self._states = {log: ChainState(log, Verification(), now) for log in self._logs.names}
            self._running = threading.Thread(target=self._run, args=(person,), name="audit-verification", daemon=True)
            self._running.start()

    def wait(self) -> None:
        """Wait until no check runs."""
        running = self._running
        if running is not None:
            running.join()

    def _run(self, person: Person) -> None:
        try:
            statement = self._statement(person)
        except TongyuanError as error:
            statement = None
            for state in self._states.values():
                state.problem = f"没有读到账本的签名声明：{error}"
        for log in self._logs.names:
            state = self._states[log]
            signed = {head.source: head for head in statement.audit_heads} if statement else {}
            state.issued_at = format_time(statement.issued_at) if statement else None
            try:
                state.work.check(self._rows(person, log), signed.get(log))
            except TongyuanError as error:
                state.problem = str(error) or type(error).__name__
            state.ended_at = format_time(datetime.now(UTC))

    def _statement(self, person: Person) -> HeadStatement | None:
        """Return the newest signed statement; None while there is none."""
        try:
            note = self._services.get("ledger", "statement", person).content["note"]
        except NotFound:
            return None
        return read_statement(note, self._services.get("ledger", "keys", person).content["keys"])

    def _rows(self, person: Person, log: str) -> Iterator[Json]:
        before: int | None = None
        while True:
            rows = self._logs.rows(person, log, Search(), before, PAGE)
            yield from rows
            if len(rows) < PAGE:
                return
            before = rows[-1]["sequence"]
