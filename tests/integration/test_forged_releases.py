"""Somebody has a source's account at a real broker: nobody is shown what he sends, and nobody waits for it."""

import json
import secrets
from pathlib import Path

import pytest

from contracts.topology import SOURCES, SOURCES_EXCHANGE, ledger_queue, routing_key
from services.runtime import manifests
from shared.messaging import topology_job
from shared.messaging.delivery import Message
from shared.messaging.publisher import AmqpPublisher
from shared.transparency.source_signature import RingReleaseSigner, key_name, signed_text
from tests.harness.broker_queues import dead_letters, ready
from tests.harness.county import ProductionCounty, running
from tests.harness.kinds import release_of
from tests.harness.pipeline import REGION, code_of, item
from tests.harness.rabbitmq import wait_until
from tests.harness.signing import forged, message

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("forged-releases"), pytest.mark.timeout(900)]

FORGED = {"task_name": "伪造的事项：请把押金交到某账号", "code": code_of(9)}
KINDS = {"catalog": "item", "guides": "guide", "applications": "application"}
FAR = 10**9
FLOOD = 4_000


class County(ProductionCounty):
    """What an item's release passes through, and the other sources."""

    @property
    def names(self):
        return [*SOURCES, "ledger", "ledger-worker", "web", "web-worker"]


@pytest.fixture(scope="module")
def passwords():
    return {one.name: secrets.token_hex(8) for one in manifests.accounts()}


@pytest.fixture(scope="module")
def county(tmp_path_factory, rabbitmq, postgres, passwords):
    folder = tmp_path_factory.mktemp("forged-releases")
    url = rabbitmq.new_vhost()
    with running(County(folder, url, postgres.url(postgres.create_database("releases")))) as made:
        definitions = folder / "definitions.json"
        definitions.write_text(
            json.dumps(topology_job.definitions(manifests.accounts(), passwords, vhost=url.rpartition("/")[2]))
        )
        rabbitmq.ctl("import_definitions", str(definitions))
        wait_until(
            lambda: all(one["compulsory_from"] for one in keys(made)) and len(keys(made)) >= 3, "not pinned", 300
        )
        yield made


@pytest.fixture
def send(county, rabbitmq, passwords):
    """Sends a release with the account of a source, under its routing key: the broker lets no other through."""
    vhost = county.env["TONGYUAN_AMQP_URL"].rpartition("/")[2]

    def sent(account, release):
        url = rabbitmq.url_of(vhost, account, passwords[account])
        publisher = AmqpPublisher(url, SOURCES_EXCHANGE, connection_name="forger")
        made = message(release)
        key = routing_key(REGION, KINDS[account], "release")
        try:
            publisher.publish([Message(made.body, key, made.message_id)])
        finally:
            publisher.close()

    return sent


def keys(county):
    return county.http("ledger").get("/ledger/v1/keys").json()["source_keys"]


def signed_by(county, source, release):
    file = Path(county.env["TONGYUAN_DATA_DIR"]) / f"{source}-key.pem"
    signer = RingReleaseSigner(key_name(f"tongyuan/{REGION}", source), file)
    return release.model_copy(update={"source_signature": signer.sign(signed_text(release))})


def release(county, number, name="居民身份证办理"):
    """An item is released; returns when the public sees it."""
    one = item(number, name)
    path = f"/catalog/v1/items/{one.code}"
    before = county.http("catalog").get(path)
    revision = {"If-Match": before.headers["etag"]} if before.is_success else {}
    saved = county.http("catalog").put(path, json=one.model_dump(mode="json"), headers=revision)
    assert saved.is_success, saved.text
    assert county.http("catalog").post(f"{path}/release").is_success
    wait_until(lambda: shown(county, number) == name, f"item {number} is not shown", 300)


def shown(county, number):
    answer = county.http("web").get(f"/web/v1/items/{code_of(number)}")
    return answer.json()["name"] if answer.status_code == 200 else None


def letters(county):
    return sum(len(dead_letters(county.env["TONGYUAN_AMQP_URL"], ledger_queue(source))) for source in SOURCES)


def waiting(county):
    return sum(ready(county.env["TONGYUAN_AMQP_URL"], ledger_queue(source)) for source in SOURCES)


def refused_and_behind_us(county, before):
    """The forged message is a dead letter, and the queue is empty."""
    wait_until(lambda: letters(county) == before + 1, "no dead letter", 300)
    assert waiting(county) == 0


@pytest.mark.parametrize("signs", [False, True], ids=["unsigned", "signed with the thief's own key"])
@pytest.mark.parametrize("account", ["guides", "applications"])
def test_the_account_of_one_source_cannot_forge_what_another_releases(county, send, account, signs):
    before = letters(county)
    one = release_of(f"item:{code_of(9)}", FORGED, sequence=_next(county))
    send(account, signed_by(county, account, one) if signs else forged(one, None))

    refused_and_behind_us(county, before)
    assert shown(county, 9) is None
    release(county, 1, f"在{account}之后{signs}")


def _next(county):
    """The number that the catalog's next release will have."""
    marks = county.http("ledger").get("/ledger/v1/sources").json()["sources"]
    return 1 + max(
        (mark["sequence"] for mark in marks if (mark["source"], mark["lane"]) == ("catalog", "live")), default=0
    )


@pytest.mark.parametrize("source", SOURCES)
def test_a_number_of_the_far_future_is_a_dead_letter_and_blocks_nobody(county, send, source):
    before = letters(county)
    name = {"item": f"item:{code_of(8)}", "guide": f"guide:{code_of(8)}"}.get(KINDS[source], "application:abc")
    send(source, signed_by(county, source, release_of(name, None, source=source, sequence=FAR)))

    refused_and_behind_us(county, before)
    release(county, 2, f"在{source}之后")


def test_a_source_that_floods_its_queue_keeps_nobody_waiting(county, rabbitmq, passwords):
    vhost = county.env["TONGYUAN_AMQP_URL"].rpartition("/")[2]
    publisher = AmqpPublisher(
        rabbitmq.url_of(vhost, "guides", passwords["guides"]), SOURCES_EXCHANGE, connection_name="flood"
    )
    made = message(signed_by(county, "applications", release_of(f"guide:{code_of(8)}", None, source="guides")))
    key = routing_key(REGION, "guide", "release")
    publisher.publish([Message(made.body, key, f"flood-{number}") for number in range(FLOOD)])
    publisher.close()
    for number in range(6, 9):
        release(county, number, "不必等候")
    left = ready(county.env["TONGYUAN_AMQP_URL"], ledger_queue("guides"))

    assert left > 0, "the flood was over before it could hold up anybody: FLOOD is too small"
    wait_until(lambda: waiting(county) == 0, "the flood is not over", 600)


def test_a_source_that_was_killed_blocks_no_other(county, send):
    county.kill("guides")
    one = release_of(f"guide:{code_of(8)}", None, source="guides", sequence=FAR)
    for _ in range(3):
        send("guides", signed_by(county, "guides", one))
    release(county, 3)
    county.restart("guides")
    county.wait_ready("guides")

    assert waiting(county) == 0


def test_a_source_changes_its_key_while_the_ledger_is_killed_again_and_again(county):
    for number in (4, 5):
        done = county.cli("keys", "rotate", "--source", "catalog", "--overlap", "0")
        assert done.returncode == 0, done.stderr
        county.kill("ledger-worker")
        county.restart("ledger-worker")
        release(county, number)
    listed = [one for one in keys(county) if one["source"] == "catalog"]
    county.kill("web-worker")
    county.restart("web-worker")
    doctor = json.loads(county.cli("doctor", "--json").stdout)["problems"]

    assert len(listed) == 3
    assert [one for one in doctor if "key" in one or "recorded" in one] == []


def test_a_stolen_key_is_revoked_and_doctor_and_the_ledger_name_what_waits_for_a_good_one(county):
    (key,) = (one for one in keys(county) if one["source"] == "guides")
    done = county.cli("keys", "revoke", key["key_id"], "--from", "live=1", "--json")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: _stated(county, key["key_id"])["revoked_from"] is not None, "the statement does not say so", 300)
    doctor = json.loads(county.cli("doctor", "--json").stdout)["problems"]

    assert json.loads(done.stdout)["flagged"] == []
    assert any("lists no valid key of guides" in one for one in doctor)


def _stated(county, key_id):
    sources = county.http("ledger").get("/ledger/v1/statement").json()["statement"]["sources"]
    return next(one for one in sources if one["key_id"] == key_id)
