"""The headers of every answer, and what no answer contains."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared.feeds import upstream
from tests.harness.documents import apis
from tests.harness.pipeline import item, pipeline

PATHS = [
    "/web/", "/web/search?q=x", "/web/v1/items", "/web/v1/items/NOBODY", "/web/nowhere", "/web/healthz", "/web/metrics",
    "/ledger/v1/head", "/catalog/v1/items", "/catalog/openapi.json", "/kiosk/", "/nowhere%0A",
]  # fmt: skip


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pipeline(tmp_path_factory.mktemp("headers"), channels=["web", "kiosk"]) as made:
        made.release(item(1))
        made.flow()
        yield made


@pytest.mark.parametrize("path", [path for path in PATHS if not path.startswith("/nowhere")])
def test_every_answer_forbids_sniffing_framing_and_scripts(county, path):
    headers = county.http.get(path).headers
    policy = headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert headers.get_list("content-security-policy") == [policy], "two policies would be one too many"


def test_over_tls_every_answer_asks_for_tls_from_now_on(county):
    for path in PATHS[:-1]:
        assert "strict-transport-security" not in county.http.get(path).headers
        secure = TestClient(county.http.app, base_url="https://county.example", raise_server_exceptions=False)
        assert secure.get(path).headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_no_answer_sets_a_cookie_or_opens_itself_to_other_origins(county):
    for path in PATHS:
        headers = county.http.get(path, headers={"Origin": "https://evil.example"}).headers
        assert not [name for name in headers if name == "set-cookie" or name.startswith("access-control")]


def test_no_answer_leads_to_another_host(county):
    for path in (*PATHS, "//evil.example/", "/web//evil.example", "/web/items//evil.example/", "/web"):
        location = county.http.get(path, headers={"Host": "evil.example"}).headers.get("location", "/")
        assert location.startswith(("/", "http://evil.example/web/")), location
        assert not location.startswith("//")


def test_an_address_that_no_service_has_is_a_problem_too(county):
    answer = county.http.get("/web/v1/items/%0A%C2%93")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "TRACK"])
def test_trace_and_other_methods_are_refused(county, method):
    for path in ("/web/", "/web/v1/items", "/catalog/v1/items"):
        assert county.http.request(method, path).status_code == 405


def test_a_safe_method_never_needs_an_editors_token():
    """Only routes that change something need an editor's token; a link must not be able to do that."""
    for name, document in apis().items():
        for path, operations in document["paths"].items():
            for method in set(operations) - {"get"}:
                assert method in ("post", "put", "delete"), (name, path)


def test_a_service_follows_no_redirect():
    with upstream.client("http://127.0.0.1:1", "token") as client:
        assert client.follow_redirects is False
        assert client.trust_env is False
