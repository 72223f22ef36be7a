"""The only import of eventlet: a worker process calls `patch()` from here before it imports anything else."""

import warnings

with warnings.catch_warnings():
    # eventlet advises against new use. nameko needs it, so it is used in worker processes only (docs/adr/0003);
    # the warning at every start would hide what operators must see.
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet
    import eventlet.event
    import eventlet.patcher
    import eventlet.queue

__all__ = ["eventlet", "is_patched", "patch"]


def patch() -> None:
    """Make the standard library's sockets, locks and sleeps cooperative in the whole process, and psycopg's waiting.

    By default psycopg waits for the server in C, which blocks every greenlet of the process during a statement.
    """
    eventlet.monkey_patch()
    from psycopg import waiting  # noqa: PLC0415  # only now: it binds the patched `select`

    waiting.wait = waiting.wait_select


def is_patched() -> bool:
    """Return whether `patch` has been called in this process."""
    return bool(eventlet.patcher.is_monkey_patched("socket"))
