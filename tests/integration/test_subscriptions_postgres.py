"""Subscriptions over PostgreSQL: two processes share the work, and readers see one log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.county import wait_for
from tests.harness.pipeline import code_of, item, pipeline
from tests.harness.receivers import receiver, status
from tests.harness.subscribers import Subscribers, running


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Subscribers]:
    with pipeline(database_url, tmp_path, channels=()) as county:
        made = Subscribers(county, tmp_path, url=database_url)
        try:
            yield made
        finally:
            made.close()


def test_two_processes_follow_and_send_and_each_key_comes_in_order_and_once(service: Subscribers) -> None:
    twin = Subscribers(service.county, service.folder, url=service.db.url)
    with receiver(status(503), status(204)) as there:
        hook = service.webhook(there.url)
        work = [work for one in (service, twin) for work in one.parts.background().values()]
        with running(*work):
            for name in ("一", "二", "三"):
                for number in (1, 2):
                    service.county.release(item(number, name=f"第{name}版"))
                service.county.flow()
            wait_for(lambda: len({call.id for call in there.calls}) == 6, "every version")
            wait_for(lambda: service.one(hook)["open"] == 0, "all are noted")
    twin.close()

    for number in (1, 2):
        versions = [call.id for call in there.calls if code_of(number) in call.id]
        assert list(dict.fromkeys(versions)) == [f"item:{code_of(number)}/{version}" for version in (1, 2, 3)]
    assert len(there.calls) == 7, "one was refused, and none was sent by both"


def test_the_feed_snapshot_and_delivery_log_answer_alike(service: Subscribers) -> None:
    one = service.webhook("http://127.0.0.1:9/")
    service.county.release(item(1))
    service.county.release(item(2))
    service.flow()
    service.parts.sender.queue.fill()

    first = service.feed(one, limit=1).json()
    assert service.events(one, cursor=first["cursor"]) == [(f"item:{code_of(2)}", 1)]
    assert len(service.feed(one, "snapshot").json()["events"]) == 2
    assert [delivery["state"] for delivery in service.deliveries(one)] == ["open", "open"]
    service.parts.sender.queue.prune()
    service.parts.watch.look()
    assert service.http.post("/v1/log/restart", params={"reason": "演练"}).status_code == 200
    assert service.feed(one, cursor=first["cursor"]).status_code == 410
