"""How far a subscription is behind: events, since when, and whether it stands still; what nobody knows is null."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.subscriptions.registry import lag
from tests.harness.pipeline import item, pipeline
from tests.harness.receivers import receiver, status
from tests.harness.subscribers import Subscribers, subscribers

NOWHERE = "http://127.0.0.1:9/hooks"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Subscribers]:
    with pipeline(tmp_path / "county", channels=()) as county, subscribers(county, tmp_path) as made:
        for number in (1, 2, 3):
            county.release(item(number))
        made.flow()
        yield made


def lag_of(service: Subscribers, subscription: Any) -> Any:
    """The lag as the list tells it, which is as the page of one tells it."""
    found = {one["id"]: one["lag"] for one in service.http.get("/v1/subscriptions").json()["subscriptions"]}
    assert service.one(subscription)["lag"] == found[subscription["id"]]
    return found[subscription["id"]]


def test_a_reader_of_the_feed_is_at_a_place_that_only_it_knows(service: Subscribers) -> None:
    reader = service.add(start="everything")

    assert lag_of(service, reader) == {"events": None, "at_most": False, "since": None, "standing": False}


def test_what_was_not_compared_with_the_filters_yet_counts_as_at_most(service: Subscribers) -> None:
    hook = service.webhook(NOWHERE, filters=[{"exact": {"kind": "guide"}}])
    first = service.execute("SELECT at FROM event WHERE position = 1")[0][0]

    assert lag_of(service, hook) == {"events": 3, "at_most": True, "since": first, "standing": False}
    service.parts.sender.queue.fill()
    assert lag_of(service, hook) == {"events": 0, "at_most": False, "since": None, "standing": False}


def test_a_webhook_with_something_due_stands_still_and_is_no_longer_behind_once_it_has_answered(
    service: Subscribers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "STILL", timedelta(0))
    with receiver(status(204)) as there:
        hook = service.webhook(there.url)
        service.parts.sender.queue.fill()
        waiting = lag_of(service, hook)
        service.until(lambda: service.one(hook)["lag"]["events"] == 0, "everything is delivered")

    created = service.execute("SELECT min(created_at) FROM delivery")[0][0]
    assert waiting == {"events": 3, "at_most": False, "since": created, "standing": True}
    assert lag_of(service, hook) == {"events": 0, "at_most": False, "since": None, "standing": False}


def test_a_revoked_subscription_is_behind_nothing(service: Subscribers) -> None:
    hook = service.webhook(NOWHERE)
    service.http.delete(f"/v1/subscriptions/{hook['id']}")

    assert lag_of(service, hook) == lag.UNKNOWN
