"""What the OpenAPI documents say of a channel's answers is all that is in them: no field is left untold."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from services.channels.core.port import adapters
from shared.publishing.editions import EditionState
from tests.harness.documents import load, objects
from tests.harness.pipeline import (
    ADMIN,
    PROJECT_NO,
    QUERY_CODE,
    code_of,
    item,
    pipeline,
    progress,
)

WHOLE = {kind: load(f"examples/bodies/{kind}.json") for kind in ("item", "guide")}
CODE = WHOLE["item"]["code"]
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}
NOT_JSON = {"/v1/stream", "/v1/checkpoint", "/files/{code}/{file_name}"}
"""Not JSON."""

ASKED = {
    "/v1/items": "items?limit=1",
    "/v1/items/{code}": f"items/{CODE}",
    "/v1/guides/{code}": f"guides/{CODE}",
    "/v1/search": "search?q=身份证&counts=true",
    "/v1/changes": "changes",
    "/v1/source": "source",
    "/v1/source/{kind}/{bucket}": "source/item/{bucket}",
    "/v1/position": "position",
    "/v1/parked": "parked",
    "/v1/parked/{position}": "parked/{parked}",
    "/v1/unanswered": "unanswered",
    "/v1/sets": "sets",
    "/v1/trace/{key}": f"trace/item:{CODE}",
    "/v1/traces": f"traces?key=item:{CODE}",
    "/v1/lineage": "lineage",
    "/v1/witness": "witness",
    "/v1/drill": "drill",
    "/v1/audit": "audit",
    "/v1/audit/head": "audit/head",
    "/v1/finder": "finder",
    "/v1/board": "board",
    "/v1/catalogue": "catalogue",
    "/v1/screens": "screens",
    "/v1/screens/{name}/position": "screens/hall-1/position?at=2026-03-03T02:05:00Z",
    "/v1/hooks/{hook}": "hooks/{hook}",
}
CASE = {"project_no": PROJECT_NO, "query_code": QUERY_CODE}
POSTED = {
    "/v1/applications/lookup": CASE,
    "/v1/repair": {"keys": [f"item:{CODE}"]},
    "/v1/hooks": {**CASE, "url": "https://app.example.test/hooks"},
}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A county with something of each kind: shown, withdrawn, a case, and one entry that nobody can show."""
    with pipeline(tmp_path_factory.mktemp("answers"), hook_hosts="app.example.test") as made:
        for kind in ("item", "guide"):
            made.emit("catalog" if kind == "item" else "guides", f"{kind}:{CODE}", WHOLE[kind])
        made.release(item(2))
        made.withdraw(item(2), EditionState.WITHDRAWN)
        made.release_case(progress())
        made.emit("catalog", f"item:{code_of(3)}", {"code": "not an item"})
        made.flow()
        yield made


@pytest.mark.parametrize("name", adapters())
def test_an_answer_holds_nothing_that_is_not_described(full: Any, name: str) -> None:
    document = closed(name)
    buckets = full.get(f"{name}/v1/source").json()["digests"]["buckets"]["item"]
    parked = full.get(f"{name}/v1/parked", ADMIN).json()["parked"][0]["position"]
    hook = full.http.post("/mobile/v1/hooks", json=POSTED["/v1/hooks"]).json()
    headers = {**AS_ADMIN, "Webhook-Secret": hook["secret"]}
    for path in sorted({path for path, methods in document["paths"].items() if "get" in methods} - NOT_JSON):
        asked = ASKED[path].format(bucket=next(iter(buckets)), hook=hook["id"], parked=parked)
        answer = full.http.get(f"/{name}/v1/{asked}", headers=headers)

        assert answer.status_code == 200, answer.text
        described(document, path, "get").validate(answer.json())


@pytest.mark.parametrize("name", adapters())
def test_what_a_post_answers_holds_nothing_that_is_not_described(full: Any, name: str) -> None:
    document = closed(name)
    for path in POSTED.keys() & document["paths"].keys():
        answer = full.http.post(f"/{name}{path}", json=POSTED[path], headers=AS_ADMIN)

        assert answer.is_success, answer.text
        described(document, path, "post").validate(answer.json())


@pytest.mark.parametrize("name", adapters())
def test_every_answer_in_json_has_a_shape(name: str) -> None:
    """Not `any object`: fields with names."""
    for path, operations in load(f"openapi/{name}.json")["paths"].items():
        for method, operation in operations.items():
            content = success(operation).get("content", {})
            schema = content.get("application/json", {}).get("schema", {"$ref": "-"})
            assert "$ref" in schema, (method, path)


def closed(name: str) -> Any:
    """The channel's document; an object that names its fields and does not say that it may have more, has no more."""
    document = load(f"openapi/{name}.json")
    for part in objects(document):
        if part.get("type") == "object" and "properties" in part:
            part.setdefault("additionalProperties", False)
    return document


def described(document: Any, path: str, method: str) -> jsonschema.Draft202012Validator:
    """What the answer must be."""
    schema = success(document["paths"][path][method])["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def success(operation: Any) -> Any:
    """The answer when it went well."""
    return next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
