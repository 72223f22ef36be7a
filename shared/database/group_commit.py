"""Group commit: changes that arrive while another one commits share the next transaction.

Releases of one lane wait for one another from the lane's number to the commit, and every change does so for the audit
log's head. With a transaction for each, many editors waited for as many flushes to the disk one after the other, with
a connection each, and what they released travelled alone.

When one of them is refused, the group is rolled back and each is executed alone. Nobody is answered before the commit:
if we die before it, nothing of the group is stored; after it, all is.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import copy_context
from itertools import islice
from typing import Any

from sqlmodel import Session

from shared.errors import Unavailable

Act = Callable[[Session], Any]
"""One change. It may be executed twice: what a first execution did in the database has been rolled back then."""

Transaction = Callable[[], AbstractContextManager[Session]]
"""Opens a session that commits at the end of the block, or rolls back on an error."""

LIMIT = 16
"""Changes of one transaction: what a group locks stays locked until its commit."""

PATIENCE_SECONDS = 10.0
"""How long a change waits for its group."""


class GroupCommit:
    """Executes changes, those that wait at the same time in one transaction. Thread-safe.

    `between` is called after each change of a group, in its transaction.
    """

    def __init__(self, transaction: Transaction, between: Callable[[Session], None]) -> None:
        self._transaction, self._between = transaction, between
        self._guard = threading.Lock()
        self._waiting: deque[_Turn] = deque()
        self._led = False

    @property
    def waiting(self) -> int:
        """How many changes wait for the transaction that is open now."""
        return len(self._waiting)

    def execute(self, act: Act) -> Any:
        """Execute and commit a change; return what it returns. Raises what it and its transaction raise.

        Raises `Unavailable` when the changes before it take too long.
        """
        turn = _Turn(act)
        with self._guard:
            leads = not self._led
            self._led = True
            if not leads:
                self._waiting.append(turn)
        if leads or self._called_to_lead(turn):
            self._lead(turn)
        # Without an outcome, the group was rolled back whole.
        return turn.outcome() if turn.outcome is not None else self._execute_alone(act)

    def _called_to_lead(self, turn: "_Turn") -> bool:
        """Wait until this change has had its turn, or its thread is to lead the next group."""
        if not turn.ready.wait(PATIENCE_SECONDS):
            with self._guard:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                    raise Unavailable("database: the changes before this one take too long; nothing was changed")
            turn.ready.wait()
        return turn.leads

    def _lead(self, own: "_Turn") -> None:
        with self._guard:
            group = [own, *islice(self._waiting, LIMIT - 1)]
            for _ in group[1:]:
                self._waiting.popleft()
        try:
            if len(group) == 1:
                own.outcome = _outcome(self._execute_alone, own.act)
            else:
                self._execute(group)
        finally:
            # Whatever happens to this thread, the others do not wait for ever.
            self._pass_on()
            for turn in group[1:]:
                turn.ready.set()

    def _pass_on(self) -> None:
        """Let the first of those that wait lead the next group."""
        with self._guard:
            following = self._waiting.popleft() if self._waiting else None
            self._led = following is not None
        if following is not None:
            following.leads = True
            following.ready.set()

    def _execute_alone(self, act: Act) -> Any:
        with self._transaction() as session:
            return act(session)

    def _execute(self, group: Sequence["_Turn"]) -> None:
        """Execute the changes in one transaction, and give each its outcome unless nothing of them was committed."""
        outcomes: list[Outcome]
        try:
            with self._transaction() as session:
                outcomes = [self._executed(session, turn) for turn in group]
        except _RefusedError:
            return
        except Exception as error:  # noqa: BLE001  # each change raises it
            # The commit failed, and the server may have it all the same: nothing is executed again.
            outcomes = [_raising(error) for _ in group]
        for turn, outcome in zip(group, outcomes, strict=True):
            turn.outcome = outcome

    def _executed(self, session: Session, turn: "_Turn") -> "Outcome":
        """Execute one change of a group. Raises `_RefusedError` for any error: what it has written must go."""
        try:
            value = turn.context.run(turn.act, session)
            self._between(session)
        except Exception as error:
            raise _RefusedError from error
        return lambda: value


Outcome = Callable[[], Any]
"""Returns or raises what a change did."""


class _Turn:
    """A change that waits for its group."""

    def __init__(self, act: Act) -> None:
        self.act, self.context = act, copy_context()
        self.ready = threading.Event()
        self.leads = False
        self.outcome: Outcome | None = None


class _RefusedError(BaseException):
    """A change of a group was refused. Nothing of the group is committed."""


def _outcome(execute: Callable[..., Any], *arguments: Any) -> Outcome:
    try:
        value = execute(*arguments)
    except Exception as error:  # noqa: BLE001  # raised where the change was asked for
        return _raising(error)
    return lambda: value


def _raising(error: Exception) -> Outcome:
    def outcome() -> Any:
        raise error

    return outcome
