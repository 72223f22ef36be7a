"""Ports for private servers: free, and not given to anybody else who asks here at the same time."""

import os
import random
import socket
from collections.abc import Iterator
from itertools import cycle

# Below the ports that Linux gives to outgoing connections (32768 and up): one of those may be taken by anybody who
# connects to something before the server starts, and a client that knocks on a dead server's may talk to itself.
FIRST, LAST = 10_000, 32_700

# Test runs are several processes; each walks through ports of its own.
SHARES = 32


def free_port() -> int:
    """One that nobody listens on."""
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
