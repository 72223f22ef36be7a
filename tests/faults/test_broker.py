"""The broker and the network before it: alarms, deletions, silence, resets. What was confirmed is there, nothing else.

What a killed, restarted or paused broker does is in tests/integration/test_amqp_*_traps.py.
"""

import pytest

from shared.errors import Unconfirmed
from shared.messaging.delivery import Message
from tests.harness.amqp_site import EXCHANGE, QUEUE
from tests.harness.broker_queues import channel, consumers, drain, ready
from tests.harness.rabbitmq import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("fragile broker")]


def news(*names, size=2):
    return [Message(b"{}" + b" " * size, "339921000000.item.release", name) for name in names]


def numbered(count):
    return news(*(f"m{number}" for number in range(count)))


def send(publisher, messages):
    """What a relay does, without its pauses: again until all are confirmed."""

    def confirmed():
        try:
            publisher.publish(messages)
        except Unconfirmed:
            return False
        return True

    wait_until(confirmed, "never confirmed")


def unconfirmed(publisher, name):
    """Why the message is not confirmed; a confirm fails. The impatient may give up before a busy broker answers."""
    with pytest.raises(Unconfirmed) as raised:
        publisher.publish(news(name))
    return str(raised.value)


@pytest.fixture
def publisher(site, network):
    """It reaches the broker through the network, and has already sent something."""
    publisher = site.publisher(url=through(site.url, network))
    publisher.publish(news("before"))
    return publisher


def test_a_disk_alarm_ends_in_an_error_not_in_silence_and_passes(site):
    publisher = site.publisher()
    publisher.publish(news("before"))
    site.rabbit.ctl("set_disk_free_limit", "500000GB")
    try:
        wait_until(lambda: "disk" in site.rabbit.ctl("eval", "rabbit_alarm:get_alarms()."), "no alarm")
        with pytest.raises(Unconfirmed):
            publisher.publish(news("during"))
    finally:
        site.rabbit.ctl("set_disk_free_limit", "50MB")
    send(publisher, news("after"))

    assert drain(site.url, QUEUE)[0] == "before"


def test_a_deleted_exchange_is_an_error_until_the_topology_job_has_run_again(site):
    publisher = site.publisher()
    publisher.publish(news("a"))
    with channel(site.url) as opened:
        opened.exchange_delete(EXCHANGE)
    with pytest.raises(Unconfirmed, match="NOT_FOUND"):
        publisher.publish(news("b"))
    site.declare()
    publisher.publish(news("b"))

    assert drain(site.url, QUEUE) == ["a", "b"]


def test_a_network_that_swallows_everything_is_found_out_by_the_missing_confirm(site, network, publisher):
    network.freeze()
    with pytest.raises(Unconfirmed, match="no confirmation from the broker"):
        publisher.publish(news("into the hole"))
    with pytest.raises(Unconfirmed):
        publisher.publish(news("into the hole"))
    network.resume()
    send(publisher, news("into the hole"))

    assert set(drain(site.url, QUEUE)) == {"before", "into the hole"}


def test_a_confirm_that_is_lost_costs_a_duplicate_and_no_message(site, network, publisher):
    network.freeze("down")
    with pytest.raises(Unconfirmed):
        publisher.publish(news("stored, not confirmed"))
    wait_until(lambda: ready(site.url, QUEUE) == 2, "it was never stored")
    network.resume()
    publisher.publish(news("stored, not confirmed"))

    assert drain(site.url, QUEUE).count("stored, not confirmed") == 2


def test_slow_answers_never_confirm_the_wrong_message(site, network):
    """After a timeout the late confirm of the old message must not stand for the new one."""
    publisher = site.publisher(url=through(site.url, network), timeout=1.0)
    send(publisher, news("before"))
    network.slow(delay=1.5)
    with pytest.raises(Unconfirmed):
        publisher.publish(news("slow"))
    with channel(site.url) as opened:
        opened.queue_unbind(QUEUE, EXCHANGE, "#")
    network.resume()
    wait_until(lambda: "NO_ROUTE" in unconfirmed(publisher, "nowhere"), "the broker does not answer")


@pytest.mark.parametrize("count", [1, 700, 5000])
def test_a_reset_in_the_middle_of_a_frame_loses_nothing_and_leaves_no_half_message(site, network, publisher, count):
    batch = news(*(f"m{number}" for number in range(40)), size=500)
    network.drop_after(count)
    with pytest.raises(Unconfirmed):
        publisher.publish(batch)
    send(publisher, batch)

    assert set(drain(site.url, QUEUE)) == {"before", *(message.message_id for message in batch)}


def test_a_narrow_network_is_slow_and_loses_nothing(site, network, publisher):
    network.slow(rate=125_000)
    publisher.publish(news(*(f"m{number}" for number in range(100)), size=1000))
    network.resume()

    assert len(drain(site.url, QUEUE)) == 101


def test_a_network_that_is_cut_is_an_error_until_it_is_mended(site, network, publisher):
    network.cut()
    with pytest.raises(Unconfirmed):
        publisher.publish(news("during"))
    network.resume()
    send(publisher, news("after"))

    assert "after" in drain(site.url, QUEUE)


def test_a_worker_comes_back_through_resets_and_silence_and_takes_everything(site, network):
    worker = site.worker(url=through(site.url, network), heartbeat=1)
    worker.start()
    publisher = site.publisher()
    publisher.publish(numbered(50))
    worker.wait_for(50)
    network.drop()
    publisher.publish(news(*(f"after the reset {number}" for number in range(50))))
    worker.wait_for(100)
    network.freeze()
    publisher.publish(news(*(f"in the silence {number}" for number in range(50))))
    # Both sides notice by the missing heartbeat; the worker's new connection hangs half-open until the network is back.
    wait_until(lambda: consumers(site.url, QUEUE) == 0, "the broker did not notice")
    network.resume()
    worker.wait_for(150)
    wait_until(lambda: ready(site.url, QUEUE) == 0, "not acknowledged")

    assert consumers(site.url, QUEUE) == 1
    assert worker.process.poll() is None


def test_a_broker_that_lost_its_disk_gets_its_topology_and_the_outbox_sends_again(site, tmp_path):
    """The queue is gone with all that was in it: for the sender that is a message that nobody takes."""
    publisher = site.publisher()
    publisher.publish(numbered(5))
    site.rabbit.ctl("delete_vhost", site.url.rpartition("/")[2])
    with pytest.raises(Unconfirmed):
        publisher.publish(news("after"))
    site.url = site.rabbit.new_vhost()
    site.declare()
    fresh = site.publisher()
    send(fresh, [*numbered(5), *news("after")])

    assert len(drain(site.url, QUEUE)) == 6


def through(url, network):
    """The URL by way of the network."""
    port = url.rpartition(":")[2].partition("/")[0]
    return url.replace(f":{port}/", f":{network.port}/")
