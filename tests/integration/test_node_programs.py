"""Programs in Node, with public packages only, read a county: server-sent events, AMQP of production, webhooks."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
import pytest

from contracts.topology import PUBLICATIONS_EXCHANGE
from services.demo import content
from tests.harness.casework import CASES, opening, people
from tests.harness.county import County, EmbeddedCounty, ProductionCounty, running, wait_for
from tests.harness.node_programs import node
from tests.harness.pipeline import item

PERSON = people(9, 1)[0]
QUEUE = "integrator.events"
PATIENCE = 120.0


class NodeProgram:
    """A running program; `line` returns the next JSON line that it has written."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self) -> Any:
        line = self._lines.get(timeout=PATIENCE)
        assert line, f"the program ended with {self.process.wait(10)}"
        return json.loads(line)

    def until(self, wanted: dict[str, Any]) -> list[Any]:
        """Return the lines up to the first that has these members."""
        seen: list[Any] = []
        while not seen or not wanted.items() <= seen[-1].items():
            seen.append(self.line())
        return seen

    def tell(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)
        self._lines.put("")


@contextmanager
def program(name: str, *arguments: str) -> Iterator[NodeProgram]:
    started = NodeProgram(node(name, *arguments))
    try:
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[NodeProgram, int]]:
    """A receiver of webhooks, and its port."""
    with program("webhook.mjs") as started:
        yield started, started.line()["port"]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, receiver: tuple[NodeProgram, int]) -> Iterator[County]:
    env = {"TONGYUAN_HOOK_HOSTS": f"127.0.0.1:{receiver[1]}", "TONGYUAN_HOOK_PRIVATE": "true"}
    with running(EmbeddedCounty(tmp_path_factory.mktemp("node"), env=env)) as made:
        yield made


def release(county: County, one: Any) -> str:
    path, http = f"/catalog/v1/items/{one.code}", county.http("catalog")
    saved = http.put(path, json=one.model_dump(mode="json", exclude_none=True))
    assert saved.is_success, saved.text
    assert http.post(f"{path}/release").is_success
    return f"item:{one.code}"


@pytest.mark.xdist_group("node-embedded")
def test_server_sent_events_lead_a_node_program_to_every_proven_event(embedded: County) -> None:
    first, second = content.items()[:2]
    key = release(embedded, first)
    with program("follow.mjs", embedded.url("web")) as follower:
        follower.until({"key": key, "version": 1, "op": "release"})
        later = release(embedded, second)
        seen = follower.until({"key": later, "version": 1, "op": "release"})
        assert embedded.http("catalog").post(f"/catalog/v1/items/{second.code}/withdraw").is_success
        seen += follower.until({"key": later, "version": 2, "op": "withdraw"})

    assert [line for line in seen if line.get("key") == key] == []


@pytest.mark.xdist_group("node-embedded")
def test_a_case_hook_is_verified_by_the_library_of_standard_webhooks(
    embedded: County, receiver: tuple[NodeProgram, int]
) -> None:
    program_, port = receiver
    for method, path, more in opening(PERSON):
        assert embedded.http("applications").request(method, path, **more).is_success
    receipt = {"project_no": PERSON.number, "query_code": PERSON.code}
    mobile = embedded.http("mobile")
    wait_for(lambda: mobile.post("/mobile/v1/applications/lookup", json=receipt).is_success, "the case is shown")
    hook = mobile.post("/mobile/v1/hooks", json={**receipt, "url": f"http://127.0.0.1:{port}/hooks"}).json()
    program_.tell(hook["secret"])
    assert embedded.http("applications").post(f"{CASES}/{PERSON.number}/events", json={"event": "approved"}).is_success
    told = program_.line()

    assert told["type"] == "application.advanced"
    assert told["id"].startswith(hook["id"])


@pytest.mark.xdist_group("node-embedded")
def test_a_call_with_another_secret_is_refused_by_the_library(receiver: tuple[NodeProgram, int]) -> None:
    import httpx

    headers = {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    answer = httpx.post(f"http://127.0.0.1:{receiver[1]}/hooks", headers=headers, json={}, trust_env=False)

    assert answer.status_code == 401
    assert receiver[0].line() == {"refused": True}


class Small(ProductionCounty):
    """What a publication passes through on its way to the broker, and no more."""

    @property
    def names(self) -> list[str]:
        return ["catalog", "ledger", "ledger-worker"]


@pytest.mark.servers
@pytest.mark.xdist_group("node-amqp")
def test_events_of_a_production_broker_are_read_and_proven_in_node_and_by_our_client(
    tmp_path_factory: pytest.TempPathFactory, rabbitmq: Any, postgres: Any
) -> None:
    from tongyuan_client import HttpFeed, Subscriber
    from tongyuan_client.amqp import AmqpFeed

    url = rabbitmq.new_vhost()
    database = postgres.url(postgres.create_database("node"))
    with running(Small(tmp_path_factory.mktemp("node-amqp"), url, database)) as county:
        # As an operator makes it: the queues hold what comes from now on; what was before is in the ledger.
        before = release(county, item(1))
        wait_for(lambda: size(county) == 1, "the first item is recorded")
        for name in (QUEUE, f"{QUEUE}.python"):
            bind(url, name)
        with program("queue.mjs", url, QUEUE, county.url("ledger")) as reader:
            assert reader.line() == {"listening": QUEUE}
            key = release(county, item(2))
            seen = [line for line in reader.until({"key": key, "version": 1}) if "key" in line]
        subscriber = Subscriber(AmqpFeed(f"{url}", f"{QUEUE}.python", HttpFeed(county.url("ledger"))), ":memory:")
        heard = subscriber.events()
        ours = [next(heard), next(heard)]
        heard.close()
        subscriber.close()

    assert [line["key"] for line in seen] == [before, key]
    assert seen[-1]["by"] in ("tongyuan.item.released", "tongyuan.ledger.head")
    assert [event.key for event in ours] == [before, key]


def size(county: County) -> int:
    return int(county.http("ledger").get("/ledger/v1/head").json().get("size", 0))


def bind(url: str, name: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(name, PUBLICATIONS_EXCHANGE, "#")
    connection.close()
