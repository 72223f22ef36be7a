"""Memory of a process: keeps glibc's allocator from holding unused memory, and tunes Python's garbage collector.

By default glibc creates up to eight arenas per core, and memory that one thread frees in its arena is not given to
other threads: on two cores the request threads of an embedded county held 300 MB of free memory, growing over time.
Python's threads share one interpreter lock, so having few arenas costs no speed. Memory freed below a buffer still in
use also stays in its arena until it is trimmed (`make soak` shows the memory).
"""

import ctypes
import gc
import os

ARENAS = 2
M_ARENA_MAX = -8
"""From malloc.h."""

TRIM_SECONDS = 60.0
"""Often enough to return memory; one trim takes a few milliseconds, without the interpreter's lock."""


def bound_arenas() -> bool:
    """Limit the arenas; call before the first thread.

    False for another allocator, or if the environment sets the number.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(set_option and set_option(M_ARENA_MAX, ARENAS))


def give_back() -> bool:
    """Return unused memory to the system; False when there was none, or no way."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(trim and trim(ctypes.c_size_t(0)))


def freeze_what_is_loaded() -> None:
    """Exempt the objects loaded so far from garbage collection, enable it, and collect less often.

    A batch of publications makes thousands of objects at once, none of them in a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    gc.enable()
