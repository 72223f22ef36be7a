"""Least rights, seen by a real broker: each account does its work without any configure right, and nothing else."""

import json
import re
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pika
import pytest
from pika.exceptions import AMQPError, ChannelClosedByBroker

from contracts.topology import EXCHANGES, dead_queue, routing_key
from services.runtime import manifests
from services.runtime.manifests import CHANNELS, topology
from shared.errors import Invalid, Unconfirmed, UpstreamDown
from shared.messaging import topology_job
from shared.messaging.delivery import Message, Publisher
from tests.harness.amqp_site import Site
from tests.harness.broker_queues import channel, ready
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("breakable-broker")]

REGION = "339921000000"
ACCOUNTS = [one.name for one in manifests.accounts()]
NOT_THE_JOB = [one for one in manifests.accounts() if not one.everything]
Account = Callable[[str], str]


@pytest.fixture
def account(site: Site, tmp_path: Path) -> Account:
    """URL of a vhost with the whole topology, by account name."""
    vhost = site.url.rpartition("/")[2]
    passwords = {name: secrets.token_hex(8) for name in ACCOUNTS}
    file = tmp_path / "definitions.json"
    file.write_text(json.dumps(topology_job.definitions(manifests.accounts(), passwords, vhost=vhost)))
    site.rabbit.ctl("import_definitions", str(file))

    def url(name: str) -> str:
        return site.rabbit.url_of(vhost, name, passwords[name])

    topology_job.apply(url("topology"), topology().queues)
    return url


def message(kind: str) -> list[Message]:
    return [Message(b"{}", routing_key(REGION, kind, "release"), f"{kind}:1/1")]


def test_each_source_may_release_its_own_kind_and_no_other(site: Site, account: Account) -> None:
    kinds = {"catalog": "item", "guides": "guide", "applications": "application"}
    for source, own in kinds.items():
        for exchange in ("tongyuan.sources", "tongyuan.sources.backfill"):
            publisher = site.publisher(exchange, url=account(source))
            publisher.publish(message(own))
            for other in set(kinds.values()) - {own}:
                with pytest.raises(Unconfirmed, match="ACCESS_REFUSED"):
                    publisher.publish(message(other))
        assert [ready(site.url, f"ledger.{lane}.{source}") for lane in ("sources", "backfill")] == [1, 1]


def test_an_act_goes_to_the_queue_of_its_source_and_no_other_source_may_send_it(site: Site, account: Account) -> None:
    act = [Message(b"{}", f"{REGION}.item.act", "act:catalog-1/1")]
    site.publisher("tongyuan.sources", url=account("catalog")).publish(act)
    assert ready(site.url, "ledger.sources.catalog") == 1
    for other in ("guides", "applications"):
        with pytest.raises(Unconfirmed, match="ACCESS_REFUSED"):
            site.publisher("tongyuan.sources", url=account(other)).publish(act)


def test_only_the_ledger_may_publish_to_the_channels(site: Site, account: Account) -> None:
    site.publisher("tongyuan.publications", url=account("ledger")).publish(message("item"))
    assert [ready(site.url, f"{name}.publications") for name in CHANNELS] == [1, 1, 1, 1]
    for name in ("catalog", "guides", "applications", "intake", *CHANNELS):
        with pytest.raises(Unconfirmed, match="ACCESS_REFUSED"):
            site.publisher("tongyuan.publications", url=account(name)).publish(message("item"))


def test_a_channel_takes_from_its_own_queue_without_any_other_right(site: Site, account: Account) -> None:
    worker = site.worker("kiosk.publications", url=account("kiosk"))
    worker.start()
    site.publisher("tongyuan.publications", url=account("ledger")).publish(message("item"))
    worker.wait_for(1)
    wait_until(lambda: ready(site.url, "kiosk.publications") == 0, "not acknowledged")
    assert ready(site.url, "web.publications") == 1


def test_the_ledger_takes_both_lanes_and_the_applications_their_intake(site: Site, account: Account) -> None:
    ledger = site.worker("ledger.sources.catalog", "ledger.backfill.guides", url=account("ledger"))
    ledger.start()
    site.publisher("tongyuan.sources", url=account("catalog")).publish(message("item"))
    site.publisher("tongyuan.sources.backfill", url=account("guides")).publish(message("guide"))
    wait_until(lambda: all(recorder.taken() for recorder in ledger.recorders.values()), "a lane is not taken")
    applications = site.worker("applications.intake", url=account("applications"))
    applications.start()
    site.publisher("tongyuan.intake", url=account("intake")).publish(message("application"))
    applications.wait_for(1)


def test_only_web_may_send_what_readers_say_and_only_the_guides_take_it(site: Site, account: Account) -> None:
    said = [Message(b"{}", routing_key(REGION, "feedback", "given"), "feedback/1")]
    site.publisher("tongyuan.feedback", url=account("web")).publish(said)
    for name in ("catalog", "guides", "ledger", "intake", "mobile", "kiosk", "portal"):
        with pytest.raises(Unconfirmed, match="ACCESS_REFUSED"):
            site.publisher("tongyuan.feedback", url=account(name)).publish(said)
    with pytest.raises(Unconfirmed, match="ACCESS_REFUSED"):
        site.publisher("tongyuan.feedback", url=account("web")).publish(message("guide"))
    worker = site.worker("guides.feedback", url=account("guides"))
    worker.start()
    worker.wait_for(1)


def test_an_account_may_not_read_another_queue_nor_any_dead_letter(account: Account) -> None:
    for name, queue in [
        ("web", "kiosk.publications"),
        ("web", "dead.web.publications"),
        ("catalog", "ledger.sources.catalog"),
    ]:
        with channel(account(name)) as opened, pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
            opened.basic_consume(queue, lambda *_: None)


def test_nobody_but_the_topology_job_may_declare_bind_or_delete(account: Account) -> None:
    attempts: list[Callable[[pika.adapters.blocking_connection.BlockingChannel], object]] = [
        lambda opened: opened.queue_declare("mine"),
        lambda opened: opened.exchange_declare("mine"),
        lambda opened: opened.queue_bind("web.publications", "tongyuan.sources", "#"),
        lambda opened: opened.queue_delete("web.publications"),
        lambda opened: opened.queue_purge("kiosk.publications"),
    ]
    for attempt in attempts:
        with channel(account("web")) as opened, pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
            attempt(opened)


def test_nobody_may_slip_a_message_into_a_queue_past_its_exchange(site: Site, account: Account) -> None:
    for name in set(ACCOUNTS) - {"topology"}:
        with pytest.raises(Unconfirmed, match="ACCESS_REFUSED"):
            site.publisher("", url=account(name)).publish([Message(b"{}", "web.publications", "forged")])


def test_an_account_publishes_where_its_manifest_says_and_nowhere_else(site: Site, account: Account) -> None:
    for one in NOT_THE_JOB:
        for exchange in EXCHANGES:
            key = allowed_key(one, exchange)
            publisher = site.publisher(exchange, url=account(one.name))
            if exchange in one.writes:
                assert not refused(publisher, key), (one.name, exchange, key)
                assert refused(publisher, f"{REGION}.nothing.said") == bool(one.topics), (one.name, exchange)
            else:
                assert refused(publisher, key), (one.name, exchange, key)


def test_an_account_takes_from_the_queues_of_its_manifest_and_from_no_other(account: Account) -> None:
    queues = [*(queue.name for queue in topology().queues), *(dead_queue(queue.name) for queue in topology().queues)]
    for one in NOT_THE_JOB:
        for queue in queues:
            with channel(account(one.name)) as opened:
                if queue in one.reads:
                    opened.basic_consume(queue, lambda *_: None)
                else:
                    with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
                        opened.basic_consume(queue, lambda *_: None)


def allowed_key(one: manifests.Account, exchange: str) -> str:
    """A routing key that the account may write there, if it may write there at all."""
    pattern = one.topics.get(exchange, "")
    words = ("item", "guide", "application", "act")
    keys = [routing_key(REGION, kind, "release") for kind in words] + [routing_key(REGION, "feedback", "given")]
    return next(key for key in keys if re.search(pattern, key))


def refused(publisher: Publisher, key: str) -> bool:
    """Does the broker say that this is not the account's to send?"""
    try:
        publisher.publish([Message(b"{}", key, f"{key}/1")])
    except Unconfirmed as error:
        return "ACCESS_REFUSED" in str(error)
    return False


def test_an_account_that_opens_all_it_can_leaves_connections_to_the_others(account: Account) -> None:
    with ExitStack() as stack:
        opened = (
            stack.enter_context(channel(account("web"))) for _ in range(2 * topology_job.LIMITS["max-connections"])
        )
        with pytest.raises(AMQPError, match="connection"):
            list(opened)
        for name in ("guides", "ledger", "kiosk"):
            stack.enter_context(channel(account(name)))


def test_a_wrong_password_opens_nothing(site: Site, account: Account) -> None:
    wrong = account("topology").replace("topology:", "topology:x")
    with pytest.raises(UpstreamDown):
        topology_job.apply(wrong, topology().queues)
    with pytest.raises(AMQPError), channel(wrong):
        pass


def test_definitions_ask_for_exactly_the_accounts_there_are() -> None:
    passwords = dict.fromkeys(ACCOUNTS, "secret") | {"web": "", "guest": "guest"}
    del passwords["ledger"]
    with pytest.raises(Invalid) as caught:
        topology_job.definitions(manifests.accounts(), passwords)
    assert {(v.field, v.rule) for v in caught.value.violations} == {
        ("web", "required"),
        ("ledger", "required"),
        ("guest", "unknown"),
    }


def test_definitions_hold_no_password_and_salt_each_hash() -> None:
    passwords = dict.fromkeys(ACCOUNTS, "the same for all")
    written = topology_job.definitions(manifests.accounts(), passwords)
    assert "the same for all" not in json.dumps(written)
    assert len({user["password_hash"] for user in written["users"]}) == len(ACCOUNTS)
