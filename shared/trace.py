"""W3C Trace Context: one trace id from the editor's request to the screen, stored in the release itself."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def current() -> str:
    """Return the traceparent of the current act, or a new one."""
    return _current.get() or new()


def new() -> str:
    """Return a new traceparent."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id(traceparent: str | None) -> str | None:
    """Return the 32 hex digits that identify the whole trace; None if it is not a traceparent."""
    match = _TRACEPARENT.match(traceparent or "")
    return match.group(1) if match else None


@contextmanager
def act(traceparent: str | None = None) -> Iterator[str]:
    """Run one act under a trace; it continues the caller's if that is valid."""
    parent = traceparent if traceparent and trace_id(traceparent) else new()
    token = _current.set(parent)
    try:
        with structlog.contextvars.bound_contextvars(trace_id=trace_id(parent)):
            yield parent
    finally:
        _current.reset(token)
