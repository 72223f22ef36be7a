"""Every fault that a test can inject into a county in production shape, and the supervisor's reaction."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import httpx

from contracts.envelope.publication import Lane
from contracts.topology import PUBLICATIONS_EXCHANGE, SOURCES_EXCHANGE
from services.ledger.log.feed import LedgerFeed
from services.runtime.manifests import CHANNELS
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.feeds.outbox import SourceFeed
from shared.messaging.delivery import Message
from shared.messaging.publisher import AmqpPublisher
from tests.harness.county import ProductionCounty, is_worker, kind
from tests.harness.history import History
from tests.harness.island import Island
from tests.harness.postgres import PrivatePostgres
from tests.harness.proxy import BOTH, Proxy
from tests.harness.rabbitmq import PrivateRabbit, wait_until

NETWORKS = ("drop", "drop after", "cut", "freeze", "one way", "slow")
REGION = "440232000000"


@dataclass(frozen=True)
class Blow:
    """One fault: kind, target, pause before it and duration (both in seconds), and the alarm that it must raise."""

    pause: float
    what: str
    victim: str
    seconds: float
    alarm: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.victim} for {self.seconds:.1f} s".replace("  ", " ")


@dataclass
class Site:
    """The county, its own servers, and the networks between them."""

    county: ProductionCounty
    rabbit: PrivateRabbit
    postgres: PrivatePostgres
    broker_net: Proxy
    database_net: Proxy
    database: str
    database_password: str
    history: History
    cable: Island | None = None
    _garbage: int = 0

    def strike(self, blow: Blow) -> None:
        """Inject the fault, undo it, and restart what died. Faults of the database count as faults of all reads."""
        self.history.add("nemesis", "fault", what=str(blow), note=blow.alarm)
        place, _, how = blow.what.partition(" ")
        if place == "database":
            with self._down(*CHANNELS):
                self._hit(self.postgres, self.database_net, how, blow)
        elif place == "broker":
            self._hit(self.rabbit, self.broker_net, how, blow)
        elif self.cable is not None and place == "cable":
            tear(self.cable, how, blow.seconds)
        else:
            acts: dict[str, Callable[[Blow], None]] = {
                "kill": self._kill, "stop": self._stop, "standstill": self._stand_still,
                "duplicates": self._duplicate, "garbage": self._send_garbage,
            }  # fmt: skip
            acts[place](blow)
        self.revive()

    def revive(self) -> None:
        """Restart, as a supervisor does, every process that has ended by itself."""
        for name, process in self.county.processes.items():
            if process.poll() is not None:
                with self._down(name):
                    self.county.restart(name)
                    self.county.wait_ready(name)

    def _kill(self, blow: Blow) -> None:
        with self._down(blow.victim):
            self.county.kill(blow.victim)
            self.county.restart(blow.victim)
            self.county.wait_ready(blow.victim)

    def _stop(self, blow: Blow) -> None:
        process = self.county.processes[blow.victim]
        with self._down(blow.victim):
            os.kill(process.pid, signal.SIGSTOP)
            try:
                time.sleep(blow.seconds)
            finally:
                os.kill(process.pid, signal.SIGCONT)
            self.county.wait_ready(blow.victim)

    def _stand_still(self, blow: Blow) -> None:
        """Stop all processes of the county at once, as on a suspended machine."""
        with self._down(*self.county.names):
            for process in self.county.processes.values():
                os.kill(process.pid, signal.SIGSTOP)
            try:
                time.sleep(blow.seconds)
            finally:
                for process in self.county.processes.values():
                    os.kill(process.pid, signal.SIGCONT)

    def _hit(self, server: PrivateRabbit | PrivatePostgres, network: Proxy, how: str, blow: Blow) -> None:
        if how == "kill":
            server.kill()
            server.start()
            self.county.kills += 1
        elif how == "restart":
            server.restart()
        elif how == "pause":
            server.pause()
            time.sleep(blow.seconds)
            server.resume()
        else:
            disturb(network, blow.victim, blow.seconds)

    def _duplicate(self, blow: Blow) -> None:
        """Send the newest entries and releases again, in another order and in overlapping pieces."""
        draw = random.Random(f"{blow.seconds}")
        for service, exchange, feed in (
            ("ledger", PUBLICATIONS_EXCHANGE, LedgerFeed(REGION)),
            ("catalog", SOURCES_EXCHANGE, SourceFeed("catalog", Lane.LIVE)),
        ):
            db = Database(service, self.postgres.url(self.database))
            messages = feed.messages(db, 0, 10_000)[-50:]
            db.close()
            draw.shuffle(messages)
            self._publish(exchange, messages * 3)
            for message in messages:
                self.history.add("nemesis", "inject", key=message.message_id, what="harmless")

    def _send_garbage(self, blow: Blow) -> None:
        """Send messages that no publisher of ours would; they must be refused and kept."""
        bodies = [b'{"specversion":', b"\xff\xfe\x00", b"[" * 5000, b'{"specversion":"9.0","type":"tongyuan.new"}', b""]
        self._garbage += 1
        body = bodies[self._garbage % len(bodies)]
        message = Message(body, f"{REGION}.item.release", f"garbage-{self._garbage}")
        self._publish(PUBLICATIONS_EXCHANGE, [message])
        self.history.add("nemesis", "inject", key=message.message_id, what="dead")

    def _publish(self, exchange: str, messages: list[Message]) -> None:
        publisher = AmqpPublisher(self.rabbit.url, exchange, connection_name="nemesis")

        def confirmed() -> bool:
            with suppress(TongyuanError):
                publisher.publish(messages)
                return True
            return False

        wait_until(confirmed, "the broker takes nothing")
        publisher.close()

    @contextmanager
    def _down(self, *names: str) -> Iterator[None]:
        """Mark these places as down: reads from them meanwhile need not be answered."""
        for name in names:
            self.history.add(name, "down")
        yield
        for name in names:
            if not is_worker(name):
                wait_until(partial(self._answers, name), f"{name} does not answer again")
            self.history.add(name, "up")

    def _answers(self, name: str) -> bool:
        try:
            return self.county.http(name).get(f"/{kind(name)}/readyz").is_success
        except httpx.HTTPError:
            return False


def tear(cable: Island, how: str, seconds: float) -> None:
    """Cut the cable for that many seconds, or narrow it (`how` is the rate, as tc writes it); then restore it."""
    if how == "cut":
        cable.cut()
    else:
        cable.narrow(how)
    try:
        time.sleep(seconds)
    finally:
        cable.mend()
        cable.widen()


def disturb(network: Proxy, how: str, seconds: float) -> None:
    """Disturb the network in one of the ways of NETWORKS for that many seconds; then restore it."""
    if how == "drop":
        network.drop()
    elif how == "drop after":
        network.drop_after(int(seconds * 1000) + 1)
        time.sleep(seconds)
    elif how == "slow":
        network.slow(delay=0.4)
        time.sleep(seconds)
    elif how == "cut":
        network.cut()
        time.sleep(seconds)
    else:
        network.freeze(*(BOTH[1:] if how == "one way" else BOTH))
        time.sleep(seconds)
    network.resume()
