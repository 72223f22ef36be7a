"""An app's backend before a whole county: by a client that a generator has made of the document, and by being told."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from services.demo import content
from tests.harness.casework import CASES, opening, people
from tests.harness.county import EmbeddedCounty, running, wait_for
from tests.harness.generated import generated, operation
from tests.harness.receivers import Receiver, receiver, status

pytestmark = pytest.mark.xdist_group("app-backend")
PERSON = people(7, 1)[0]
RECEIPT = {"project_no": PERSON.number, "query_code": PERSON.code}
ITEMS = content.items()[:4]


@pytest.fixture(scope="module")
def backend() -> Iterator[Receiver]:
    """It is down at the first call."""
    with receiver(status(503), status(204)) as made:
        yield made


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory, backend: Receiver) -> Iterator[EmbeddedCounty]:
    """Four items, and a case that is being worked on."""
    env = {"TONGYUAN_HOOK_HOSTS": backend.host, "TONGYUAN_HOOK_PRIVATE": "true"}
    with running(EmbeddedCounty(tmp_path_factory.mktemp("app"), env=env)) as made:
        for item in ITEMS:
            release(made, item)
        for method, path, more in opening(PERSON):
            answer = made.http("applications").request(method, path, **more)
            assert answer.is_success, answer.text
        wait_for(lambda: look_up(made).status_code == 200 and shown(made) == len(ITEMS), "all is shown")
        yield made


@pytest.fixture(scope="module")
def client(county: EmbeddedCounty, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Operations by name, and the models, of a client that was made a moment ago."""
    folder = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        package = generated("mobile", folder)
        made = import_module(package).Client(base_url=f"{county.url('mobile')}/mobile")
        operations = {
            "changes": operation(package, "sync", "changes_v1_changes_get"),
            "source": operation(package, "sync", "source_v1_source_get"),
            "search": operation(package, "documents", "search_v1_search_get"),
            "item": operation(package, "documents", "item_v1_items_code_get"),
            "look_up": operation(package, "applications", "find_v1_applications_lookup_post"),
            "subscribe": operation(package, "applications", "subscribe_v1_hooks_post"),
        }
        models = import_module(f"{package}.models")
        with made:
            yield SimpleNamespace(client=made, models=models, **operations)


def test_the_first_copy_and_what_changes_after_it(county, client):
    first = copied(client, "0", limit=2)
    cursor = first.pop("cursor")
    withdrawn, changed = ITEMS[0], ITEMS[1].model_copy(update={"task_name": "改了名的事项"})
    release(county, changed)
    answer = county.http("catalog").post(f"/catalog/v1/items/{withdrawn.code}/withdraw")
    assert answer.is_success, answer.text
    expected = {f"item:{withdrawn.code}": None, f"item:{changed.code}": "改了名的事项"}
    found = wait_for(lambda: later(client, cursor, len(expected)), "both changes are there")

    assert first == {f"item:{item.code}": item.task_name for item in ITEMS}
    assert found == expected


def test_the_same_question_again_is_answered_in_a_few_bytes(client):
    cursor = copied(client, "0")["cursor"]
    answer = client.changes.sync_detailed(client=client.client, since=cursor)
    again = client.changes.sync_detailed(client=client.client, since=cursor, if_none_match=answer.headers["etag"])

    assert answer.parsed.changes == []
    assert (again.status_code, again.content) == (304, b"")


def test_a_cursor_of_another_life_is_a_problem_with_a_number(client):
    answer = client.changes.sync_detailed(client=client.client, since="deadbeef.1")

    assert answer.status_code == 410
    assert isinstance(answer.parsed, client.models.Problem)
    assert answer.parsed.additional_properties["snapshot"] == "changes?since=0"


def test_a_search_gives_what_the_document_says(client):
    wanted = ITEMS[2]
    search = lambda: client.search.sync(client=client.client, q=wanted.task_name).items  # noqa: E731
    found = wait_for(search, "it is indexed")[0]
    item = client.item.sync(client=client.client, code=found.code)

    assert isinstance(found, client.models.ItemSummary)
    assert (found.code, item.name) == (wanted.code, wanted.task_name)
    assert {(block.t, bool(block.v)) for block in item.blocks} >= {("事项类型", True)}


def test_a_case_is_looked_up_by_its_receipt_alone(client):
    case = client.look_up.sync(client=client.client, body=client.models.LookupRequest(**RECEIPT))
    wrong = client.models.LookupRequest(**{**RECEIPT, "query_code": "YYYY-YYYY-YYYY"})

    assert isinstance(case, client.models.CaseDocument)
    assert case.stage == client.models.Stage("2")
    assert client.look_up.sync(client=client.client, body=wrong).status == 404


def test_the_digests_are_those_of_what_is_shown(client):
    source = client.source.sync(client=client.client)

    assert source.channel == "mobile"
    assert source.digests.counts["application"] == 1


def test_who_subscribes_is_told_of_progress_after_a_kill_too(county, client, backend):
    """It is down when the case moves, then the county is killed: it is told all the same, under the same id."""
    wanted = client.models.Subscription(**RECEIPT, url=backend.url)
    hook = client.subscribe.sync(client=client.client, body=wanted)
    county.http("applications").post(f"{CASES}/{PERSON.number}/events", json={"event": "approved"})
    wait_for(lambda: standing(county, hook)["failures"] == 1, "the first call has failed")
    county.kill("up")
    county.restart("up")
    county.wait_ready("up")
    wait_for(lambda: len(backend.calls) > 1, "the call after the kill", 120)
    call = backend.calls[-1]

    signs = f"{call.id}.{call.headers['webhook-timestamp']}.".encode() + call.body
    mac = hmac.new(b64decode(hook.secret.removeprefix("whsec_")), signs, hashlib.sha256).digest()
    assert call.headers["webhook-signature"] == f"v1,{b64encode(mac).decode()}"
    assert call.id == backend.calls[0].id
    assert json.loads(call.body)["data"]["subscription"] == hook.id
    assert not any(word.encode() in call.body for word in (PERSON.name, PERSON.number, PERSON.code))


def standing(county: EmbeddedCounty, hook: Any) -> Any:
    """How a subscription is."""
    headers = {"Webhook-Secret": hook.secret}
    return county.http("mobile").get(f"/mobile/v1/hooks/{hook.id}", headers=headers).json()


def release(county: EmbeddedCounty, item: Any) -> None:
    """Save and release it."""
    path = f"/catalog/v1/items/{item.code}"
    http = county.http("catalog")
    known = http.get(path)
    headers = {"If-Match": known.headers["etag"]} if known.status_code == 200 else {}
    saved = http.put(path, json=item.model_dump(mode="json"), headers=headers)
    assert saved.is_success, saved.text
    released = http.post(f"{path}/release")
    assert released.is_success, released.text


def look_up(county: EmbeddedCounty) -> Any:
    """As anybody."""
    return county.http("mobile").post("/mobile/v1/applications/lookup", json=RECEIPT)


def shown(county: EmbeddedCounty) -> int:
    """How many items."""
    return len(county.http("mobile").get("/mobile/v1/items").json()["items"])


def copied(client: Any, since: str, limit: int = 200) -> dict[str, Any]:
    """Key → name, null for what is shown no more; and the cursor."""
    found: dict[str, Any] = {}
    more = True
    while more:
        page = client.changes.sync(client=client.client, since=since, limit=limit)
        for change in page.changes:
            found[change.key] = change.document and change.document.name
        since, more = page.cursor, page.more
    return {**found, "cursor": since}


def later(client: Any, since: str, number: int) -> dict[str, Any]:
    """What has changed, once it is as many things as that."""
    found = copied(client, since)
    del found["cursor"]
    return found if len(found) == number else {}
