"""Many hands at once: connections that each send their next request as soon as the last one is answered."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

Act = Callable[[HTTPConnection, int, int], int]
"""One hand's act over its connection: `(connection, hand, number of the act)` → status of the last answer."""


@dataclass
class Done:
    """What the hands did: acts that were answered well, answers that were not, and the seconds that it took."""

    good: int = 0
    bad: list[int] = field(default_factory=list)
    seconds: float = 0.0


def work(url: str, hands: int, acts: int, act: Act) -> Done:
    """Let each of `hands` act `acts` times, all at once."""
    done, lock = Done(), threading.Lock()
    gate = threading.Barrier(hands + 1)

    def one(hand: int) -> None:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=120)
        gate.wait()
        statuses = [act(connection, hand, number) for number in range(acts)]
        connection.close()
        with lock:
            done.good += sum(status < 300 for status in statuses)
            done.bad += [status for status in statuses if status >= 300]

    threads = [threading.Thread(target=one, args=(hand,)) for hand in range(hands)]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    done.seconds = time.perf_counter() - began
    return done


@contextmanager
def meanwhile(stop: threading.Event, jobs: Sequence[Callable[[], object]]) -> Iterator[None]:
    """Let the jobs run beside the block, each in a thread until `stop` is set at its end."""
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def send(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Send one request and read its answer whole."""
    connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    return answer.status, answer.read()
