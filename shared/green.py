"""eventlet, imported in one place: a worker process calls `patch()` from here before it imports anything else."""

import warnings

with warnings.catch_warnings():
    # eventlet asks new projects to stay away. nameko needs it, so it lives in worker processes only and nowhere else
    # (docs/adr/0003); saying so again at every start would bury what operators must see.
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet
    import eventlet.event
    import eventlet.patcher
    import eventlet.queue

__all__ = ["eventlet", "is_patched", "patch"]


def patch() -> None:
    """Make sockets, locks and sleeps of the standard library cooperative, for the whole process."""
    eventlet.monkey_patch()


def is_patched() -> bool:
    """Has `patch` been called in this process?"""
    return bool(eventlet.patcher.is_monkey_patched("socket"))
