"""What operators do with subscriptions: who may, what is refused, and what the audit log tells."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.kinds import ERASABLE, PUBLIC
from tests.harness.pipeline import pipeline
from tests.harness.subscribers import Subscribers, subscribers


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Subscribers]:
    with pipeline(tmp_path / "county", channels=()) as made, subscribers(made, tmp_path) as service:
        yield service


def status(service: Subscribers, subscription: Any, key: str, path: str = "feed") -> int:
    return service.feed({**subscription, "key": key}, path).status_code


def test_nothing_that_a_feed_keeps_can_be_erased_by_law() -> None:
    # Events keep the bodies of public kinds. If law may erase one of them, the log must learn to forget it first.
    assert set(PUBLIC) & set(ERASABLE) == set()


def test_each_act_is_in_the_audit_log_with_who_did_it_and_no_secret(service: Subscribers) -> None:
    one = service.add()
    service.http.put(f"/v1/subscriptions/{one['id']}", json={"rate": 5})
    service.http.post(f"/v1/subscriptions/{one['id']}/keys", json={})
    service.http.post(f"/v1/subscriptions/{one['id']}/pause", params={"reason": "维护"})
    service.http.post(f"/v1/subscriptions/{one['id']}/resume")
    service.http.post(f"/v1/subscriptions/{one['id']}/test")
    service.http.delete(f"/v1/subscriptions/{one['id']}")

    answer = service.http.get("/v1/audit")

    acts = ["add", "change", "key-add", "pause", "resume", "test", "revoke"]
    assert [row["action"] for row in reversed(answer.json()["rows"])] == [f"subscription.{act}" for act in acts]
    assert {row["actor"]["name"] for row in answer.json()["rows"]} == {"bootstrap"}
    assert one["key"] not in answer.text


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x", "delivery": "webhook"}, "url"),
        ({"name": "x", "delivery": "webhook", "url": "https://10.0.0.1/"}, "url"),
        ({"name": "x", "url": "https://a.example/"}, "url"),
        ({"name": "x", "rate": 0}, "rate"),
        ({"name": "x", "filters": [{"exact": {"body": "x"}}]}, "filters.0.exact"),
        ({"name": "x", "delivery": "pigeon"}, "delivery"),
    ],
)
def test_a_wrong_subscription_is_refused_by_field_and_nothing_is_stored(
    service: Subscribers, wanted: dict[str, Any], field: str
) -> None:
    answer = service.http.post("/v1/subscriptions", json=wanted)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert service.http.get("/v1/subscriptions").json() == {"subscriptions": []}


def test_two_subscriptions_cannot_have_one_name(service: Subscribers) -> None:
    service.add("同名")

    assert service.http.post("/v1/subscriptions", json={"name": "同名"}).status_code == 409


def test_a_name_is_free_again_after_its_subscription_was_revoked(service: Subscribers) -> None:
    service.http.delete(f"/v1/subscriptions/{service.add('同名')['id']}")

    assert service.http.post("/v1/subscriptions", json={"name": "同名"}).status_code == 201


def test_a_change_from_an_old_revision_is_refused(service: Subscribers) -> None:
    one = service.add()
    headers = {"If-Match": '"1"'}
    place = f"/v1/subscriptions/{one['id']}"

    assert service.http.put(place, json={"rate": 5}, headers=headers).status_code == 200
    assert service.http.put(place, json={"rate": 6}, headers=headers).status_code == 409
    assert service.one(one)["rate"] == 5


def test_a_new_key_and_the_old_one_work_side_by_side_until_the_old_one_ends(service: Subscribers) -> None:
    one = service.add()
    new = service.http.post(f"/v1/subscriptions/{one['id']}/keys", json={"old_keys_hours": 1}).json()
    both = [status(service, one, key) for key in (one["key"], new["key"])]
    service.execute("UPDATE access_key SET expires_at = '2020-01-01T00:00:00.000000Z' WHERE expires_at IS NOT NULL")

    assert both == [200, 200]
    assert [status(service, one, key) for key in (one["key"], new["key"])] == [401, 200]


def test_one_key_is_revoked_and_the_other_goes_on(service: Subscribers) -> None:
    one = service.add()
    new = service.http.post(f"/v1/subscriptions/{one['id']}/keys", json={}).json()
    service.http.delete(f"/v1/subscriptions/{one['id']}/keys/{new['id']}")

    assert [status(service, one, key) for key in (one["key"], new["key"])] == [200, 401]


def test_a_key_does_only_what_its_scopes_say(service: Subscribers) -> None:
    one = service.webhook("http://127.0.0.1:9/")
    narrow = service.http.post(f"/v1/subscriptions/{one['id']}/keys", json={"scopes": ["feed"]}).json()

    assert status(service, one, narrow["key"]) == 200
    assert status(service, one, narrow["key"], "deliveries") == 403
    assert status(service, one, one["key"], "deliveries") == 200


def test_a_subscriber_reads_nothing_of_operators_and_operators_no_feed(service: Subscribers) -> None:
    one = service.add()

    assert status(service, one, one["key"], "subscriptions") == 401
    assert service.http.get("/v1/feed").status_code == 401


def test_a_subscriber_sees_its_own_subscription_and_no_other(service: Subscribers) -> None:
    one, other = service.add("一"), service.add("二")

    found = service.feed(one, "subscription")

    assert found.json()["name"] == "一"
    assert other["id"] not in found.text
