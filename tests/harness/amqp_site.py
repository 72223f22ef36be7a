"""One vhost of a broker that a test may stop, starve and kill, with what the test starts in it."""

from collections.abc import Callable
from pathlib import Path

from contracts.topology import DEAD_EXCHANGE, Queue
from shared.messaging import topology_job
from shared.messaging.publisher import AmqpPublisher
from tests.harness.rabbitmq import PrivateRabbit
from tests.harness.recording import RecordingWorker

EXCHANGE = "county.news"
QUEUE = "reader.news"


class Site:
    """One vhost of the breakable broker with an exchange and a queue, and everything started in it."""

    def __init__(self, rabbit: PrivateRabbit, folder: Path) -> None:
        self.rabbit = rabbit
        self.url = rabbit.new_vhost()
        self._folder = folder
        self._endings: list[Callable[[], object]] = []

    def declare(self, *queues: Queue) -> None:
        """Run the topology job; by default for one queue on the exchange."""
        topology_job.apply(self.url, exchanges=[EXCHANGE, DEAD_EXCHANGE], queues=queues or [Queue(QUEUE, EXCHANGE)])

    def publisher(self, exchange: str = EXCHANGE, url: str | None = None, timeout: float = 15) -> AmqpPublisher:
        """Return a publisher that is closed at the end of the test."""
        publisher = AmqpPublisher(url or self.url, exchange, connection_name="test", timeout=timeout)
        self._endings.append(publisher.close)
        return publisher

    def worker(self, *queues: str, url: str | None = None, size: int = 200, heartbeat: int = 10) -> RecordingWorker:
        """Return a worker, not started, that is killed at the end of the test."""
        worker = RecordingWorker(self._folder, url or self.url, *(queues or [QUEUE]), size=size, heartbeat=heartbeat)
        self._endings.append(worker.kill)
        return worker

    def end(self) -> None:
        """Close and kill everything."""
        for ending in self._endings:
            ending()
