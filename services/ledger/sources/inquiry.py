"""Ask a source in a thread of its own, so that a source that does not answer delays no other source's releases."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from shared import log
from shared.errors import TongyuanError

A = TypeVar("A")
_log = log.get("ledger")


class Inquiry(Generic[A]):
    """One question that at most one thread asks at a time. Safe to call from several threads."""

    def __init__(self, name: str, ask: Callable[[], A], patience: float | None) -> None:
        """`patience`: seconds to wait for an answer; None: the caller asks in its own thread, however long it takes.

        `ask` may raise `TongyuanError`: then there is no answer.
        """
        self._name, self._ask, self._patience = name, ask, patience
        self._turn = threading.Condition()
        self._begun = self._ended = self._wanted = 0
        self._since = 0.0
        self._answer: A | None = None

    def begin(self) -> int:
        """Start asking; if a question is being asked, ask again after it, since it may have read too early.

        Return a ticket.
        """
        if self._patience is None:
            return 0
        with self._turn:
            self._wanted = self._begun + 1
            if self._begun == self._ended:
                self._start()
            return self._wanted

    def answer(self, ticket: int) -> A | None:
        """Return the answer to a question begun with this ticket or later; None if there is none in time."""
        if self._patience is None:
            return self._asked()
        with self._turn:
            deadline = time.monotonic() + self._patience
            while self._ended < ticket and not self._is_overdue():
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._turn.wait(left)
            return self._answer if self._ended >= ticket else None

    def is_overdue(self) -> bool:
        """Return whether the source has taken longer than `patience`."""
        with self._turn:
            return self._is_overdue()

    def _is_overdue(self) -> bool:
        waits = self._begun > self._ended
        return waits and self._patience is not None and time.monotonic() - self._since > self._patience

    def _start(self) -> None:
        self._begun = self._wanted
        self._since = time.monotonic()
        threading.Thread(target=self._run, name=f"ask {self._name}", daemon=True).start()

    def _run(self) -> None:
        answer = self._asked()
        with self._turn:
            self._answer, self._ended = answer, self._begun
            if self._wanted > self._begun:
                self._start()
            self._turn.notify_all()

    def _asked(self) -> A | None:
        try:
            return self._ask()
        except TongyuanError as error:
            _log.warning("source not reachable", source=self._name, reason=str(error))
        except Exception as error:
            if self._patience is None:
                raise
            # An exception that ends a thread is reported nowhere: log it. The next question starts a new thread.
            _log.error("bug", source=self._name, error=type(error).__name__, exc_info=error)
        return None
