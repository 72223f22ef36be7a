"""The pages at /docs/ show every event and endpoint of the contracts, and nothing from elsewhere."""

import json
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from contracts.envelope.messages import MESSAGES
from services.runtime.contract_site import documents, site
from services.runtime.contract_site.fields import fields_of, sample_of
from services.runtime.contract_site.policy import FILE, policy
from shared.config import Settings
from tests.harness.documents import apis

METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def http() -> TestClient:
    return TestClient(site.make(Settings.model_construct(county="云溪县")), root_path="/docs")


def read(http: TestClient, address: str) -> str:
    answer = http.get(address.removeprefix("/docs"))
    assert answer.status_code == 200, address
    return answer.text


def test_every_event_and_every_endpoint_has_a_page_that_the_contents_lead_to(http: TestClient) -> None:
    links = set(re.findall(r'href="(/docs/(?:events|api)/[^"]+)"', read(http, "/docs/")))
    operations = [
        (service, method, path)
        for service, document in apis().items()
        for path, methods in document["paths"].items()
        for method in methods.keys() & METHODS
    ]

    assert len(links) == len(MESSAGES) + len(operations)
    for link in sorted(links):
        read(http, link)
    for service, method, path in operations:
        assert any(
            one.url == f"/{service}{path}" and one.method == method.upper() for one in documents.endpoints().values()
        )


def test_no_page_loads_or_names_anything_from_elsewhere(http: TestClient) -> None:
    for address in ("/docs/", "/docs/deprecation", "/docs/events/publications/tongyuan.item.released"):
        answer = http.get(address.removeprefix("/docs"))
        assert re.findall(r'(?:src|href|action)="(?!/)[^"#]', answer.text) == []
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_every_static_file_of_the_pages_is_there(http: TestClient) -> None:
    for address in set(re.findall(r'(?:src|href)="(/docs/static/[^"]+)"', read(http, "/docs/"))):
        assert http.get(address.removeprefix("/docs")).headers["cache-control"].endswith("immutable")


def test_an_event_page_has_the_members_of_its_schema_and_its_example(http: TestClient) -> None:
    page = read(http, "/docs/events/publications/tongyuan.guide.released")

    for member in ("data.position", "data.body.fees[].amount_fen", "data.proof", "specversion"):
        assert f"<code>{member}</code>" in page
    assert "&#34;specversion&#34;: &#34;1.0&#34;" in page


def test_an_endpoint_page_says_what_it_takes_what_it_answers_and_who_may_call(http: TestClient) -> None:
    public = read(http, "/docs/api/mobile/get-v1-changes")
    inside = read(http, "/docs/api/catalog/put-v1-items-code")

    assert "<code>since</code>" in public
    assert "Open to anybody." in public
    assert "<code>changes[].version</code>" in public
    assert "&#34;cursor&#34;" in public
    assert "<code>more</code> false: the client is up to date." in public
    assert "Needs a token: " in inside
    assert "<code>task_name</code>" in inside
    assert "curl -X PUT" in inside


@pytest.mark.parametrize(
    ("question", "event", "endpoint"),
    [
        ("amount_fen", "publications/tongyuan.guide.released", None),
        ("CHANGES since", None, "/mobile/v1/changes"),
        ("账本签名头", "publications/tongyuan.ledger.head", None),
    ],
)
def test_a_search_finds_names_members_and_titles(question: str, event: str | None, endpoint: str | None) -> None:
    events, endpoints = documents.found(question)

    assert event is None or event in {one.message.name for one in events}
    assert endpoint is None or endpoint in {one.url for one in endpoints}
    assert len(events) < len(MESSAGES)


def test_what_a_reader_typed_comes_back_as_text(http: TestClient) -> None:
    page = http.get("/", params={"q": '"><script>alert(1)</script>'}).text

    assert "<script>alert" not in page
    assert "没有找到" in page


@pytest.mark.parametrize(
    "path",
    ["topology.py", "conformance/cases/1-order.yaml", "openapi/nothing.json", "..%2fpyproject.toml", "EVENTS.md"],
)
def test_only_the_published_files_can_be_fetched(http: TestClient, path: str) -> None:
    assert http.get(f"/files/{path}").status_code == 404


@pytest.mark.parametrize("path", ["asyncapi.json", "openapi/web.json", "schemas/publication.json"])
def test_the_files_for_programs_are_the_contracts_themselves(http: TestClient, path: str) -> None:
    assert json.loads(read(http, f"/docs/files/{path}")) == json.loads((documents.FOLDER / path).read_text())


def test_an_unknown_page_is_not_found(http: TestClient) -> None:
    for path in ("/events/publications/tongyuan.nothing", "/api/web/get-nothing", "/api/nothing/get"):
        assert http.get(path).status_code == 404


def test_the_policy_is_shown_whole() -> None:
    html, text = str(policy()), FILE.read_text(encoding="utf-8")

    assert html.count("<h2>") == text.count("\n## ")
    assert html.count("<li>") == len(re.findall(r"^- ", text, re.MULTILINE))
    assert "at least twelve months" in html
    assert not re.search(r"\*\*|`|\n- ", html)


def test_a_schema_that_holds_itself_is_listed_once() -> None:
    node: dict[str, Any] = {"properties": {"next": {"$ref": "#/$defs/Node"}, "name": {"type": "string"}}}
    names = [field.name for field in fields_of({"$ref": "#/$defs/Node", "$defs": {"Node": node}})]

    assert names == ["next", "name"]


@pytest.mark.parametrize("service", ["mobile", "ledger"])
def test_the_example_of_an_answer_has_the_shape_of_its_schema(service: str) -> None:
    document = apis()[service]
    for path, methods in document["paths"].items():
        for method in methods.keys() & METHODS:
            answer = methods[method]["responses"].get("200", {})
            for content in answer.get("content", {}).values():
                sample = sample_of(content.get("schema", {}), document)
                told = {field.name for field in fields_of(content.get("schema", {}), document) if "." not in field.name}
                assert not isinstance(sample, dict) or {*sample} == told - {one for one in told if "[" in one}, path
