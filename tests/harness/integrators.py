"""Integrators' queues on a private broker: accounts as in production, and readers with the integrator's own account."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from contracts.topology import integrator_queue
from services.operations.integrators.accounts import IntegratorAccounts, Login
from services.runtime import manifests
from shared.config import Settings
from shared.messaging import topology_job
from tests.harness.pipeline import Pipeline
from tests.harness.rabbitmq import PrivateRabbit, wait_until
from tests.harness.subscribers import Subscribers, running


class IntegratorBroker:
    """One vhost with the county's topology. Its accounts have the same passwords in every vhost of the broker."""

    def __init__(self, rabbit: PrivateRabbit, folder: Path) -> None:
        self.rabbit = rabbit
        self.admin_url = rabbit.new_vhost()
        self.vhost = self.admin_url.rpartition("/")[2]
        passwords = {one.name: self._password(one.name) for one in manifests.accounts()}
        file = folder / "definitions.json"
        file.write_text(json.dumps(topology_job.definitions(manifests.accounts(), passwords, vhost=self.vhost)))
        rabbit.ctl("import_definitions", str(file))
        topology_job.apply(self.url("topology"), manifests.topology().queues)

    def url(self, account: str, password: str | None = None) -> str:
        """Return the URL of an account."""
        return self.rabbit.url_of(self.vhost, account, password or self._password(account))

    def operator(self) -> dict[str, str]:
        """Return the operator's settings of the broker."""
        management = self.rabbit.management_url.replace(
            f"harness:{self.rabbit.password}", f"topology:{self._password('topology')}"
        )
        return {"amqp_url": self.url("topology"), "broker_management_url": management}

    def accounts(self) -> IntegratorAccounts:
        """Return what the command line uses."""
        return IntegratorAccounts(Settings(**self.operator()))  # type: ignore[arg-type]  # strings, as from outside

    def _password(self, account: str) -> str:
        return f"{self.rabbit.password}-{account}"


@dataclass
class Taken:
    """A message that an integrator took."""

    body: bytes
    properties: pika.BasicProperties

    @property
    def event(self) -> Any:
        """The event in it."""
        return json.loads(self.body)

    @property
    def id(self) -> str:
        """The id by which readers detect repeats."""
        return str(self.properties.message_id)


class Integrator:
    """A subscription with a queue. `login`: what the operator was shown."""

    def __init__(self, broker: IntegratorBroker, subscription: Any, login: Login) -> None:
        self.broker, self.subscription, self.login = broker, subscription, login
        self.id, self.queue = str(subscription["id"]), integrator_queue(subscription["id"])

    @property
    def url(self) -> str:
        """URL with the integrator's own account."""
        return self.broker.url(self.login.account, self.login.password)

    @contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        """Open a channel with the integrator's account."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        try:
            yield connection.channel()
        finally:
            with suppress(AMQPError):
                connection.close()

    def take(self, count: int, seconds: float = 60.0) -> list[Taken]:
        """Take and acknowledge that many messages. Raises AssertionError when they do not come."""
        found: list[Taken] = []
        ends = time.monotonic() + seconds
        with self.channel() as opened:
            # No more than are wanted: pika returns what it has fetched one by one, and the broker mixes their order.
            opened.basic_qos(prefetch_count=min(count, 200))
            for method, properties, body in opened.consume(self.queue, inactivity_timeout=0.5):
                if method is not None:
                    found.append(Taken(body, properties))
                    opened.basic_ack(method.delivery_tag)
                if len(found) == count:
                    return found
                assert time.monotonic() < ends, f"{len(found)} of {count} messages"
        raise AssertionError("the channel was closed")


class QueueSubscribers(Subscribers):
    """The service with a broker, connected with its own account."""

    def __init__(self, county: Pipeline, folder: Path, broker: IntegratorBroker) -> None:
        self.broker = broker
        super().__init__(county, folder, amqp_url=broker.url("subscriptions"))

    def integrator(self, name: str = "某系统", **wanted: Any) -> Integrator:
        """Add a subscription with a queue that begins with the first event, as the command line does."""
        made = self.add(name, delivery="amqp", **{"start": "everything"} | wanted)
        login = self.broker.accounts().make(made["id"])
        assert self.http.post(f"/v1/subscriptions/{made['id']}/account").is_success
        return Integrator(self.broker, made, login)

    @contextmanager
    def feeding(self) -> Iterator[None]:
        """Fill queues meanwhile."""
        assert self.parts.feeder is not None
        with running(self.parts.feeder.run):
            yield

    def is_fed(self, integrator: Integrator) -> bool:
        """Whether the queue has had everything that is in the log."""
        return bool(self.one(integrator.subscription)["queued"] == self.parts.log.state().position)

    def feed_all(self, *integrators: Integrator) -> None:
        """Fill these queues until they have had everything."""
        with self.feeding():
            for one in integrators:
                wait_until(lambda one=one: self.is_fed(one), f"{one.id} is fed", 30)  # type: ignore[misc]


def refused(attempt: Callable[[], object]) -> str:
    """Return the broker's reason for refusing; empty if it did not refuse."""
    try:
        attempt()
    except AMQPError as error:
        return str(getattr(error, "reply_text", "") or repr(error))
    return ""
