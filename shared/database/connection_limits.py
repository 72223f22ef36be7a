"""How many connections a process may open to its database. All processes together stay below `max_connections`.

Requests are answered by `REQUEST_THREADS` threads (anyio's default). There are fewer connections, because most threads
wait for a reader or work in memory. A thread that finds every connection in use waits `WAIT_SECONDS`, then its caller
is told to retry (503): an unbounded queue would end in time-outs of everything behind it.
"""

from dataclasses import dataclass

REQUEST_THREADS = 40
WAIT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Of one process: `pooled` for transactions, `direct` for single statements, `listening` to listen and lead."""

    pooled: int
    direct: int
    listening: int

    @property
    def most(self) -> int:
        """Most connections that the process opens."""
        return self.pooled + self.direct + self.listening


SERVING = ConnectionLimits(pooled=10, direct=6, listening=5)
"""A process that answers HTTP, with its relays, stream and index."""

WORKING = ConnectionLimits(pooled=5, direct=4, listening=2)
"""A worker: a batch of each queue, its timers and its health check."""
