"""Over a real broker: what a newer version puts into a feed is parked or a dead letter, and everything else goes on."""

import pytest
from sqlalchemy import text

from contracts.topology import ledger_queue
from services.ledger.log.append import record
from services.ledger.signing.signer import Signer
from services.runtime.manifests import CHANNELS
from shared.database.engine import Database
from shared.feeds.outbox import Draft, emit
from tests.harness.broker_queues import dead_letters
from tests.harness.county import ProductionCounty, running
from tests.harness.kinds import NOTICE, release_of
from tests.harness.pipeline import REGION, code_of, guide, item
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("unknown-kinds")]

SERVICES = ("catalog", "guides", "ledger", *CHANNELS)
WORKERS = tuple(f"{name}-worker" for name in ("guides", "ledger", *CHANNELS))
OTHER = "notice:2026-2"


class County(ProductionCounty):
    """What a publication passes through, and no more."""

    @property
    def names(self):
        return [*SERVICES, *WORKERS]


@pytest.fixture(scope="module")
def county(tmp_path_factory, rabbitmq, postgres):
    database = postgres.url(postgres.create_database("kinds"))
    place = County(tmp_path_factory.mktemp("kinds"), rabbitmq.new_vhost(), database)
    with running(place) as made:
        yield made


@pytest.fixture
def database(county):
    opened = []

    def store(service):
        opened.append(Database(service, county.env["TONGYUAN_DATABASE_URL"]))
        return opened[-1]

    yield store
    for one in opened:
        one.close()


def release(county, source, kind, one):
    http = county.http(source)
    path = f"/{source}/v1/{kind}/{one.code}"
    saved = http.put(path, json=one.model_dump(mode="json", exclude_none=True))
    assert saved.is_success, saved.text
    assert http.post(f"{path}/release").is_success


def everywhere(county, code, kind="items"):
    return {county.http(channel).get(f"/{channel}/v1/{kind}/{code}").status_code for channel in CHANNELS}


def parked(county, channel):
    return [entry["key"] for entry in county.http(channel).get(f"/{channel}/v1/parked").json()["parked"]]


def test_an_unknown_kind_in_the_ledger_is_parked_by_every_channel_and_all_else_goes_on(county, database):
    release(county, "catalog", "items", item(1))
    wait_until(lambda: everywhere(county, code_of(1)) == {200}, "not shown", 300)
    db = database("ledger")
    with db.write() as session:
        signer = Signer.of_folder(county.folder / "data", f"tongyuan/{REGION}")
        record(session, [release_of(NOTICE, {"title": "通告"})], signer)
        db.notifier.notify(session)
    release(county, "catalog", "items", item(2))
    release(county, "guides", "guides", guide(2))

    wait_until(
        lambda: everywhere(county, code_of(2)) == everywhere(county, code_of(2), "guides") == {200}, "stuck", 300
    )
    for channel in CHANNELS:
        assert parked(county, channel) == [NOTICE]


def test_an_unknown_kind_of_a_source_is_a_dead_letter_and_its_lane_goes_on(county, database):
    db = database("catalog")
    with db.write() as session:
        emit(session, "catalog", [Draft(OTHER, 1, "release", REGION, {"title": "通告"})])
    release(county, "catalog", "items", item(3))

    wait_until(lambda: everywhere(county, code_of(3)) == {200}, "the lane is stuck", 300)
    letters = dead_letters(county.env["TONGYUAN_AMQP_URL"], ledger_queue("catalog"))
    assert [message_id for message_id, _ in letters] == [f"{OTHER}/1"]
    marks = county.http("ledger").get("/ledger/v1/sources").json()["sources"]
    assert {mark["source"]: mark["passed_over"] for mark in marks if mark["lane"] == "live"}["catalog"] == 1
    with database("ledger").read() as session:
        found = session.connection().execute(text("SELECT 1 FROM entry WHERE key = :key"), {"key": OTHER})
        assert found.first() is None
