"""`tongyuan dead`, `topology` and `migrate` where there is a broker: what readers refuse waits there for a person."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from pika.exceptions import ChannelClosedByBroker

from contracts.topology import (
    DEAD_EXCHANGE,
    DEAD_QUEUE_ARGUMENTS,
    INTAKE_EXCHANGE,
    INTAKE_QUEUE,
    RETIRED_QUEUES,
    SOURCES_EXCHANGE,
    Queue,
    dead_queue,
    ledger_queue,
)
from services.channels.api.reader_feedback import FeedbackBox
from shared.config import Settings
from shared.database.engine import Database
from tests.harness.broker_queues import channel, drain, publish_raw, ready
from tests.harness.command import PROBLEM, USAGE, WELL, Done, tongyuan
from tests.harness.county import CHANNELS, ProductionCounty, running, wait_for
from tests.harness.pipeline import REGION, code_of
from tests.harness.postgres import PrivatePostgres
from tests.harness.rabbitmq import PrivateRabbit

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("command-line-broker"), pytest.mark.timeout(600)]

LEDGER_QUEUE = ledger_queue("catalog")
KEYS = {SOURCES_EXCHANGE: f"{REGION}.item.release", INTAKE_EXCHANGE: "raw"}
READERS = ("ledger-worker", "applications-worker", "guides-worker", "guides")
PERSON = {"name": "欧阳蕤", "page_code": "440232195501012411", "mobile": "13912345678", "number": "37-1234567890-1"}


class Readers(ProductionCounty):
    """The processes that `dead` and `feedback` need: readers, the channels, which park and send, and the guides."""

    @property
    def names(self) -> list[str]:
        return [*READERS, *CHANNELS]


@pytest.fixture(scope="module")
def county(
    tmp_path_factory: pytest.TempPathFactory, rabbitmq: PrivateRabbit, postgres: PrivatePostgres
) -> Iterator[Readers]:
    database = postgres.start().create_database()
    county = Readers(tmp_path_factory.mktemp("readers"), rabbitmq.new_vhost(), postgres.url(database))
    with running(county):
        yield county
    postgres.start().drop_database(database)


def broker(county: Readers) -> str:
    return county.env["TONGYUAN_AMQP_URL"]


def letters(county: Readers, queue: str) -> list[dict[str, Any]]:
    listed = tongyuan(county, "dead", "list", "--json")
    assert listed.code == (PROBLEM if listed.json else WELL)
    return [letter for letter in listed.json if letter["place"].startswith(f"{queue}/")]


def refused(county: Readers, queue: str, exchange: str, body: bytes, message_id: str) -> dict[str, Any]:
    """Publish it, and wait until its reader has refused it."""
    publish_raw(broker(county), exchange, body, KEYS[exchange], message_id=message_id)
    (letter,) = wait_for(lambda: letters(county, queue), f"{message_id} is refused")
    assert letter["what"] == message_id
    return dict(letter)


def test_a_refused_message_is_listed_shown_replayed_and_dropped(county: Readers) -> None:
    body = orjson.dumps({"specversion": "1.0", "id": "x"})
    letter = refused(county, LEDGER_QUEUE, SOURCES_EXCHANGE, body, "garbage")
    assert letter["place"] == f"{LEDGER_QUEUE}/1"
    assert "source: Field required" in letter["reason"]
    assert letter["since"].startswith("20")
    shown = tongyuan(county, "dead", "show", f"{LEDGER_QUEUE}/1")
    assert (shown.code, shown.json["body"], shown.json["routing_key"]) == (WELL, body.decode(), KEYS[SOURCES_EXCHANGE])
    assert "garbage" in tongyuan(county, "dead", "list").out

    assert tongyuan(county, "dead", "replay", f"{LEDGER_QUEUE}/1").code == WELL
    wait_for(lambda: county.log("ledger-worker").count('"message_id": "garbage"') >= 2, "it was read once more")
    wait_for(lambda: letters(county, LEDGER_QUEUE) and ready(broker(county), LEDGER_QUEUE) == 0, "it is back")

    assert tongyuan(county, "dead", "drop", f"{LEDGER_QUEUE}/1").code == WELL
    assert letters(county, LEDGER_QUEUE) == []
    for command in ("show", "replay", "drop"):
        done = tongyuan(county, "dead", command, f"{LEDGER_QUEUE}/1")
        assert (done.code, done.complaint) == (PROBLEM, f"✗ dead.{LEDGER_QUEUE} has no message 1")


def test_what_a_reader_says_of_a_guide_reaches_its_owner_over_the_broker(county: Readers) -> None:
    db = Database("web", county.env["TONGYUAN_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1))
    word = {"code": code_of(1), "guide_version": 1, "tags": ["109"], "text": "窗口还要居住证明"}
    given = FeedbackBox(db, "web", Settings()).give(word, "198.51.100.7")
    db.close()

    (row,) = wait_for(lambda: tongyuan(county, "feedback", "list", "--json").json["feedback"], "its owner has it")

    assert (row["id"], row["text"], row["state"]) == (given.id, "窗口还要居住证明", "open")
    assert tongyuan(county, "feedback", "answer", given.id, "已写进指南").code == WELL
    assert tongyuan(county, "feedback", "list", "--json").json == {"feedback": [], "open": 0}
    assert tongyuan(county, "feedback", "close", "f" * 32).code == PROBLEM


def test_what_a_hall_sent_is_not_shown_but_why_it_was_refused_is(county: Readers) -> None:
    report = {
        "source": "hall",
        "project_no": PERSON["number"],
        "operation": "nonsense",
        "occurred_at": "2026-03-02T09:00:00+08:00",
        "details": {"explain": f"{PERSON['name']}，{PERSON['mobile']}", PERSON["page_code"]: PERSON["name"]},
    }
    letter = refused(county, INTAKE_QUEUE, INTAKE_EXCHANGE, orjson.dumps(report), "hall-1")
    place = letter["place"]
    assert "details" in letter["reason"]
    shown = tongyuan(county, "dead", "show", place)
    assert shown.code == WELL
    assert {"source", "project_no", "operation", "details", "details.explain", "details.…"} <= set(shown.json["fields"])
    assert (shown.json["size"], shown.json["routing_key"]) == (len(orjson.dumps(report)), "raw")
    said = shown.out + tongyuan(county, "dead", "list").out + tongyuan(county, "dead", "list", "--json").out
    assert not [value for value in PERSON.values() if value in said]
    assert tongyuan(county, "dead", "drop", place).code == WELL
    assert letters(county, INTAKE_QUEUE) == []


def test_what_is_no_json_at_all_has_a_reason_too(county: Readers) -> None:
    letter = refused(county, INTAKE_QUEUE, INTAKE_EXCHANGE, PERSON["name"].encode(), "hall-2")
    assert "is not JSON" in letter["reason"]
    assert tongyuan(county, "dead", "show", letter["place"]).json["fields"] == []
    assert tongyuan(county, "dead", "drop", letter["place"]).code == WELL


def test_looking_at_letters_takes_none_of_them(county: Readers) -> None:
    refused(county, LEDGER_QUEUE, SOURCES_EXCHANGE, b"[]", "kept")
    for _ in range(30):
        assert [letter["what"] for letter in letters(county, LEDGER_QUEUE)] == ["kept"]
    assert tongyuan(county, "dead", "drop", f"{LEDGER_QUEUE}/1").code == WELL


def test_the_jobs_change_nothing_when_they_run_again(county: Readers) -> None:
    for _ in range(2):
        assert tongyuan(county, "topology", "apply").code == WELL
        assert tongyuan(county, "migrate").code == WELL
    assert tongyuan(county, "dead", "show", "no.queue/1").code == USAGE


@pytest.fixture
def earlier(county: Readers, rabbitmq: PrivateRabbit) -> str:
    """A broker as an earlier version left it: one queue for all sources."""
    url = rabbitmq.new_vhost()
    assert applied(county, url).code == WELL
    with channel(url) as opened:
        for name, exchange in RETIRED_QUEUES.items():
            dead = dead_queue(name)
            opened.queue_declare(dead, durable=True, arguments=DEAD_QUEUE_ARGUMENTS)
            opened.queue_bind(dead, DEAD_EXCHANGE, name)
            opened.queue_declare(name, durable=True, arguments=Queue(name, exchange).arguments)
            opened.queue_bind(name, exchange, "#")
    return url


def applied(county: Readers, url: str) -> Done:
    return tongyuan(county, "topology", "apply", TONGYUAN_AMQP_URL=url)


def bound(url: str, queue: str, exchange: str, key: str) -> bool:
    """Whether a message that is sent there now lands in the queue."""
    before = ready(url, queue)
    publish_raw(url, exchange, b"[]", key)
    return ready(url, queue) > before


def test_a_queue_of_an_earlier_version_gets_nothing_more_and_goes_when_it_is_empty(
    county: Readers, earlier: str
) -> None:
    url = earlier
    publish_raw(url, SOURCES_EXCHANGE, b"[]", KEYS[SOURCES_EXCHANGE])
    first = applied(county, url)
    assert "ledger.sources belongs to an earlier version and still holds 1 messages" in first.out
    assert not bound(url, "ledger.sources", SOURCES_EXCHANGE, KEYS[SOURCES_EXCHANGE])
    assert "ledger.backfill" not in first.out

    drain(url, "ledger.sources")
    again = applied(county, url)
    assert (again.code, "ledger.sources" in again.out) == (WELL, False)
    with channel(url) as opened, pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
        opened.queue_declare("ledger.sources", passive=True)


def test_dead_letters_of_an_earlier_version_are_kept_listed_and_replayed_to_where_they_belong(
    county: Readers, earlier: str
) -> None:
    url = earlier
    publish_raw(url, SOURCES_EXCHANGE, b"[]", KEYS[SOURCES_EXCHANGE], message_id="of before")
    with channel(url) as opened:
        opened.basic_qos(prefetch_count=1)
        for method, _, _ in opened.consume("ledger.sources"):
            opened.basic_nack(method.delivery_tag, requeue=False)
            break
    wait_for(lambda: ready(url, "dead.ledger.sources") == 1, "it is a dead letter")
    for _ in range(2):
        assert "dead.ledger.sources belongs to an earlier version" in applied(county, url).out
    listed = tongyuan(county, "dead", "list", "--json", TONGYUAN_AMQP_URL=url).json
    assert [(one["place"], one["what"]) for one in listed if "of before" in one["what"]] == [
        ("ledger.sources/1", "of before")
    ]

    before = ready(url, LEDGER_QUEUE)
    assert tongyuan(county, "dead", "replay", "ledger.sources/1", TONGYUAN_AMQP_URL=url).code == WELL
    assert (ready(url, LEDGER_QUEUE), ready(url, "dead.ledger.sources")) == (before + 1, 0)
    assert "earlier version" not in applied(county, url).out
    with channel(url) as opened, pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
        opened.queue_declare("dead.ledger.sources", passive=True)


def test_queues_that_were_never_declared_are_named(county: Readers, rabbitmq: PrivateRabbit) -> None:
    done = tongyuan(county, "dead", "list", TONGYUAN_AMQP_URL=rabbitmq.new_vhost())
    assert done.code == PROBLEM
    assert f"no queue 'dead.{LEDGER_QUEUE}'" in done.complaint
