"""Somebody has the ledger's account at a real broker: whatever he sends as its next entry, no screen ever shows it."""

import threading

import pytest

from contracts.topology import GUIDES_QUEUE, PUBLICATIONS_EXCHANGE, publications_queue
from services.runtime.manifests import CHANNELS
from shared.messaging.publisher import AmqpPublisher
from tests.harness.broker_queues import dead_letters
from tests.harness.county import ProductionCounty, running
from tests.harness.forging import as_sent, message_of
from tests.harness.history import History
from tests.harness.pipeline import code_of, guide, item
from tests.harness.rabbitmq import wait_until
from tests.harness.witnesses import Screen

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("forged-publications"), pytest.mark.timeout(900)]

FORGED, TRUE = code_of(9), code_of(1)
SERVICES = ("catalog", "guides", "ledger", *CHANNELS)
WORKERS = tuple(f"{name}-worker" for name in ("guides", "ledger", *CHANNELS))


class County(ProductionCounty):
    """What a publication passes through, and no more."""

    @property
    def names(self):
        return [*SERVICES, *WORKERS]


@pytest.fixture(scope="module")
def county(tmp_path_factory, rabbitmq, postgres):
    database = postgres.url(postgres.create_database("forged"))
    place = County(tmp_path_factory.mktemp("forged"), rabbitmq.new_vhost(), database)
    with running(place) as made:
        yield made


@pytest.fixture
def forger(county):
    """The account of the ledger itself: may write to the channels' exchange, and knows all that is public."""
    publisher = AmqpPublisher(county.env["TONGYUAN_AMQP_URL"], PUBLICATIONS_EXCHANGE, connection_name="forger")
    yield publisher
    publisher.close()


def release(county, source, kind, one):
    http = county.http(source)
    path = f"/{source}/v1/{kind}/{one.code}"
    saved = http.put(path, json=one.model_dump(mode="json"))
    assert saved.is_success, saved.text
    assert http.post(f"{path}/release").is_success


def status(county, channel, code, kind="items"):
    return county.http(channel).get(f"/{channel}/v1/{kind}/{code}").status_code


def everywhere(county, code, kind="items"):
    return {status(county, channel, code, kind) for channel in CHANNELS}


def true_message(county):
    """The newest entry as the ledger sends it, read like anybody may."""
    size = county.http("ledger").get("/ledger/v1/entries").json()["size"]
    (data,) = county.http("ledger").get(f"/ledger/v1/entries?from={size}&proofs=true").json()["entries"]
    return as_sent(data)


def counted(county, process):
    text = county.http(process).get("/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("tongyuan_refused_messages_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if 'reason="Unproven"' in line)


def test_a_forged_next_entry_is_on_no_page_and_no_stream_but_dead_and_an_alarm(county, forger):
    release(county, "catalog", "items", item(1))
    release(county, "guides", "guides", guide(1))
    wait_until(lambda: everywhere(county, TRUE) == everywhere(county, TRUE, "guides") == {200}, "not shown", 300)
    history, stop = History(), threading.Event()
    screens = [Screen(county, history, name) for name in CHANNELS]
    threads = [threading.Thread(target=screen.run, args=(stop,)) for screen in screens]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(screen.listens for screen in screens), "not every screen listens")

    true = true_message(county)
    body = item(9, "从未发布").model_dump(mode="json")
    forger.publish([
        message_of(true, f"item:{FORGED}", body, position=true.sequence + 1),
        message_of(true, f"item:{FORGED}", body, position=true.sequence + 1, proof=None),
        message_of(true, f"item:{TRUE}", None, position=true.sequence + 2, version=2),
    ])  # fmt: skip
    queues = [*map(publications_queue, CHANNELS), GUIDES_QUEUE]
    wait_until(lambda: all(len(dead(county, queue)) == 3 for queue in queues), "not dead", 300)
    release(county, "catalog", "items", item(2, "照常发布"))
    wait_until(lambda: everywhere(county, code_of(2)) == {200}, "publishing has not gone on", 300)
    wait_until(lambda: seen(history, code_of(2)) == set(CHANNELS), "the screens do not hear of it", 300)
    stop.set()
    for thread in threads:
        thread.join()

    assert everywhere(county, FORGED) == {404}
    assert everywhere(county, TRUE) == everywhere(county, TRUE, "guides") == {200}
    assert seen(history, FORGED) == set()
    for channel in CHANNELS:
        assert counted(county, f"{channel}-worker") == 3
        assert "critical" in county.log(f"{channel}-worker")
    assert counted(county, "guides-worker") == 3


def seen(history, code):
    """Channels whose screen was told of an item, shown or gone."""
    return {line.what for line in history.of("saw") for mark in line.marks if mark.key == f"item:{code}"}


def dead(county, queue):
    letters = dead_letters(county.env["TONGYUAN_AMQP_URL"], queue)
    return [message_id for message_id, _ in letters if message_id == "forged"]
