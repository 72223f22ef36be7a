"""The OpenAPI documents are up to date, whole, and true of the apps that answer."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from starlette.testclient import TestClient

from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SOURCES, SUBSCRIPTIONS
from services.runtime.assembly.importing import embedded_importing
from services.runtime.assembly.subscriptions import subscriptions
from services.runtime.auditor import auditor_api
from services.runtime.console import embedded_api
from services.runtime.local_readers import LocalLedger
from services.runtime.manifests import CHANNELS
from services.runtime.openapi import generation
from services.runtime.openapi.document import PROBLEM_REF, serving_document
from services.runtime.wiring import Wiring
from shared.config import Settings
from tests.harness.documents import load, objects, references, resolve
from tests.harness.pipeline import ADMIN, code_of, item, pipeline

SERVICES = (*SOURCES, "ledger", *CHANNELS, AUDITOR, CONSOLE, IMPORTING, SUBSCRIPTIONS)
ENDLESS = {"/v1/stream"}

each_service = pytest.mark.parametrize("service", SERVICES)


def test_no_document_is_stale() -> None:
    assert generation.stale() == []


def test_every_service_with_http_has_a_document() -> None:
    assert set(generation.texts()) == {f"{service}.json" for service in SERVICES}


def test_a_stale_document_is_named_and_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generation.write(tmp_path)
    (tmp_path / "web.json").write_text("{}")
    (tmp_path / "forgotten.json").write_text("{}")

    assert generation.main(["--check", "--folder", str(tmp_path)]) == 1
    assert re.findall(r"openapi/(\S+):", capsys.readouterr().out) == ["forgotten.json", "web.json"]
    assert generation.main(["--folder", str(tmp_path)]) == 0
    assert generation.main(["--check", "--folder", str(tmp_path)]) == 0


@each_service
def test_every_reference_resolves_and_every_schema_is_valid(service: str) -> None:
    document = load(f"openapi/{service}.json")

    assert document["openapi"].startswith("3.1.")
    assert [reference for reference in references(document) if resolve(document, reference) is None] == []
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@each_service
def test_every_operation_has_a_name_a_summary_and_an_answer_for_mistakes(service: str) -> None:
    operations = [operation for _, _, operation in operations_of(load(f"openapi/{service}.json"))]
    names = [operation["operationId"] for operation in operations]

    assert len(names) == len(set(names))
    assert [operation["operationId"] for operation in operations if not operation.get("summary")] == []
    assert all(operation["responses"]["default"] == PROBLEM_REF for operation in operations)


@each_service
def test_every_variable_of_a_path_is_described(service: str) -> None:
    for path, _, operation in operations_of(load(f"openapi/{service}.json")):
        described = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
        assert sorted(described) == sorted(re.findall(r"\{(\w+)\}", path)), path


@each_service
def test_the_app_asks_for_a_token_exactly_where_the_document_says_so(service: str, apis: dict[str, FastAPI]) -> None:
    client = TestClient(apis[service])
    for path, method, operation in operations_of(load(f"openapi/{service}.json")):
        if path in ENDLESS:
            continue
        answer = client.request(method, re.sub(r"\{\w+\}", "1", path), headers={"Content-Length": "0"})
        assert (answer.status_code == 401) == ("security" in operation), (method, path, answer.status_code)


@each_service
def test_a_mistake_is_answered_in_the_shape_that_is_documented(service: str, apis: dict[str, FastAPI]) -> None:
    document = load(f"openapi/{service}.json")
    answer = TestClient(apis[service]).get("/v1/no-such-thing")
    problem = document["components"]["responses"]["Problem"]["content"]

    assert answer.headers["content-type"] in problem
    jsonschema.Draft202012Validator(document["components"]["schemas"]["Problem"]).validate(answer.json())


@pytest.mark.parametrize(
    ("service", "path", "name"),
    [
        ("catalog", "/v1/items/{code}", "Item"),
        ("guides", "/v1/guides/{code}", "Guide"),
    ],
)
def test_a_draft_is_described_by_its_contract(service: str, path: str, name: str) -> None:
    document = load(f"openapi/{service}.json")
    taken = document["paths"][path]["put"]["requestBody"]["content"]["application/json"]["schema"]
    draft = json.loads((generation.FOLDER.parent / "examples" / "bodies" / f"{name.lower()}.json").read_text())
    schema = {**taken, "components": document["components"]}

    jsonschema.Draft202012Validator(schema).validate(draft)
    assert not jsonschema.Draft202012Validator(schema).is_valid({**draft, "code": "1"})


@each_service
def test_an_app_can_serve_its_whole_document(service: str, apis: dict[str, FastAPI]) -> None:
    served = TestClient(serving_document(service, apis[service])).get("/openapi.json").json()

    assert served == load(f"openapi/{service}.json")


@each_service
def test_nothing_that_a_framework_says_about_mistakes_is_left(service: str) -> None:
    document = load(f"openapi/{service}.json")

    assert [part for part in objects(document) if "HTTPValidationError" in part] == []
    assert [path for path, _, operation in operations_of(document) if "422" in operation["responses"]] == []


@pytest.fixture(scope="module")
def apis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FastAPI]]:
    """Every app over databases of its own, empty; all that is asked of them leaves them so."""
    wiring = Wiring(Settings.model_construct(data_dir=tmp_path_factory.mktemp("apis")))
    for service in SERVICES:
        wiring.migrate(service)
    ledger = LocalLedger(wiring.database("ledger"))
    channels = {name: wiring.channel(name, ledger).api(wiring.settings) for name in CHANNELS}
    sources = {name: wiring.source_api(name) for name in SOURCES}
    key = Ed25519PrivateKey.generate()
    desk = embedded_api(wiring, key, lambda: wiring.settings, demo=False)
    imports = embedded_importing(wiring, key, lambda: wiring.settings).api
    of_staff = {AUDITOR: auditor_api(wiring), CONSOLE: desk, IMPORTING: imports}
    of_staff[SUBSCRIPTIONS] = subscriptions(wiring).api
    yield {**sources, "ledger": wiring.ledger_api(), **channels, **of_staff}
    wiring.close()


def operations_of(document: Any) -> Iterator[tuple[str, str, Any]]:
    """(path, method, operation) of a document."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def test_what_creates_says_so_with_a_documented_status(tmp_path: Path) -> None:
    with pipeline(tmp_path, channels=()) as county:
        headers = {"Authorization": f"Bearer {ADMIN}"}
        case = {"item_code": code_of(1), "promise_day": 5, "applicant": {"name": "张三"}}
        county.release(item(1))
        created = {
            ("catalog", "/v1/items/{code}", "put"): county.http.put(
                f"/catalog/v1/items/{code_of(2)}", json=item(2).model_dump(mode="json"), headers=headers
            ),
            ("applications", "/v1/applications", "post"): county.http.post(
                "/applications/v1/applications", json=case, headers=headers
            ),
        }

    for (service, path, method), answer in created.items():
        assert answer.status_code == 201, answer.text
        described = load(f"openapi/{service}.json")["paths"][path][method]["responses"]
        assert "application/json" in described["201"]["content"]
