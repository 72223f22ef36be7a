"""Free ports for private servers, given to only one caller at a time."""

import os
import random
import socket
from collections.abc import Iterator
from itertools import cycle

# Below Linux's range for outgoing connections (32768 and up): such a port may be taken by any client before the server
# starts, and a client that connects to a dead server's port there may connect to itself.
FIRST, LAST = 10_000, 32_700

# A test run has several processes; each uses its own share of the ports.
SHARES = 32


def free_port() -> int:
    """Return a port on which nobody listens."""
    return next(_ports)


def _walk() -> Iterator[int]:
    mine = list(range(FIRST + os.getpid() % SHARES, LAST, SHARES))
    first = random.SystemRandom().randrange(len(mine))
    return filter(_is_free, cycle(mine[first:] + mine[:first]))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_ports = _walk()
