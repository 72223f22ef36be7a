"""A browser is told of an error by a page in the design of its place, a program by problem details."""

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from shared.errors import Unavailable
from shared.web.body_sizes import MOST
from shared.web.edge import OF_OPERATORS
from shared.web.error_pages import WORDS, plain_page, wants_html
from tests.harness.pipeline import Pipeline, code_of, item, pipeline

PLACES = ("web", "mobile", "kiosk", "portal", "verify", "V", "v", "ledger", "catalog", "guides", "applications")
OWN_DESIGN = {"web": "web.css", "mobile": "mobile.css", "kiosk": "kiosk.css", "portal": "portal.css"} | dict.fromkeys(
    ("verify", "V", "v"), "verify.css"
)
CHROMIUM = b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline(tmp_path_factory.mktemp("errors")) as made:
        made.release(item(1))
        made.flow()
        yield made


def routes(county: Pipeline) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield (path, methods) of every route of every mounted app, with an example in the place of parameters."""
    for place in PLACES:
        for context in iter_route_contexts(county.api(place).routes):
            path = re.sub(r"{\w+(:path)?}", "1", str(context.path))
            if path not in OF_OPERATORS:
                yield f"/{place}{path}", frozenset(context.methods or {"GET"})


def is_page(county: Pipeline, answer, status: int, place: str) -> bool:
    """Assert that the response is a page of this place that tells about this status in two languages."""
    title, title_en = WORDS[status][0]
    assert answer.status_code == status, answer.request.url
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["content-security-policy"] or place not in OWN_DESIGN
    assert answer.headers["cache-control"] in ("no-store", "no-cache")
    assert title in answer.text
    assert title_en in answer.text
    assert '<html lang="zh-CN"' in answer.text
    assert county.settings.county in answer.text
    assert OWN_DESIGN.get(place, "") in answer.text
    assert "Traceback" not in answer.text
    return True


def is_problem(answer, status: int) -> bool:
    assert answer.status_code == status, answer.request.url
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return True


def test_every_route_tells_a_browser_by_a_page_that_it_takes_no_such_method(county: Pipeline) -> None:
    methods: dict[str, set[str]] = {}
    for path, some in routes(county):
        methods.setdefault(path, set()).update(some)
    tried = 0
    for path, own in methods.items():
        # Two patterns may have one example: what one of them takes, the other does not refuse.
        wrong = next(one for one in ("PATCH", "DELETE", "PUT") if one not in own)
        place = path.split("/")[1]
        page = county.browser.request(wrong, path)
        if page.status_code == 405:
            assert is_page(county, page, 405, place)
            assert page.headers["allow"]
            assert is_problem(county.http.request(wrong, path), 405)
            tried += 1
    assert tried > 100


@pytest.mark.parametrize("place", PLACES)
def test_an_address_that_does_not_exist_is_told_by_a_page_of_its_place(county: Pipeline, place: str) -> None:
    """Below /verify/ and /V/ any address is taken for a printed one, which the verify page calls mistyped."""
    path = f"/{place}/v1" if place in ("verify", "V", "v") else f"/{place}/v1/nothing"

    assert is_page(county, county.browser.get(path), 404, place)
    assert is_problem(county.http.get(path), 404)


def test_outside_of_every_app_there_is_a_page_too(county: Pipeline) -> None:
    assert is_page(county, county.browser.get("/nothing"), 404, "")
    assert is_problem(county.http.get("/nothing"), 404)


@pytest.mark.parametrize("place", ["web", "mobile", "kiosk", "portal"])
def test_a_body_that_is_too_large_is_told_by_a_page(county: Pipeline, place: str) -> None:
    body = b"x" * (MOST + 1)

    assert is_page(county, county.browser.post(f"/{place}/progress", content=body), 413, place)
    assert is_problem(county.http.post(f"/{place}/progress", content=body), 413)


@pytest.mark.parametrize("place", ["web", "mobile", "kiosk", "portal", "verify"])
def test_a_store_that_does_not_answer_and_a_fault_of_ours_are_told_by_pages(
    county: Pipeline, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page reads nothing of the store that does not answer."""
    path = f"/verify/item/{code_of(1)}/1" if place == "verify" else f"/{place}/items/{code_of(1)}"
    db = county.dbs["ledger" if place == "verify" else place]
    for failure, status in ((Unavailable("the database does not answer"), 503), (RuntimeError("secret"), 500)):

        def fail(*_: object, failure: Exception = failure) -> None:
            raise failure

        monkeypatch.setattr(type(db), "read", fail)
        with capture_logs() as logged:
            page, answer = county.browser.get(path), county.http.get(path)
        monkeypatch.undo()
        assert [entry["event"] for entry in logged].count("bug" if status == 500 else "unavailable") == 2
        assert is_page(county, page, status, place)
        assert is_problem(answer, status)
        assert "secret" not in page.text + answer.text
        assert page.headers.get("retry-after") == answer.headers.get("retry-after")


def test_a_fault_before_any_app_is_told_by_a_page_as_well(county: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(type(county.front), "_served", fail)

    with capture_logs() as logged:
        assert is_page(county, county.browser.get("/web/"), 500, "web")
    assert [entry["event"] for entry in logged] == ["bug"]


def test_what_was_asked_for_does_not_stand_in_the_page(county: Pipeline) -> None:
    for path in ("/web/<script>alert(1)</script>", "/kiosk/%3Cscript%3Ealert(1)", "/<script>alert(1)</script>"):
        assert "alert(1)" not in county.browser.get(path).text


def test_an_error_that_many_ask_for_at_once_is_a_page_for_some_and_a_problem_for_others(county: Pipeline) -> None:
    """The cache in front of the apps shares an answer between readers and does not see what they accept."""
    path = f"/web/v1/items/{code_of(2)}"

    assert is_page(county, county.browser.get(path), 404, "web")
    for accept in ("application/json", "*/*", "application/problem+json, text/html;q=0.5"):
        assert is_problem(county.browser.get(path, headers={"Accept": accept}), 404)


def test_head_has_the_headers_of_the_page_alone(county: Pipeline) -> None:
    page, head = county.browser.get("/web/nothing"), county.browser.head("/web/nothing")

    assert head.content == b""
    assert head.status_code == 404
    assert head.headers["content-length"] == page.headers["content-length"] == str(len(page.content))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 414, 418, 422, 429, 431, 500, 502, 503, 504])
def test_every_status_has_words_and_a_page_that_needs_no_other_file(status: int) -> None:
    page = plain_page(status, "<b>县")

    assert b"<h1>" in page.html
    assert b"&lt;b&gt;" in page.html
    assert re.findall(rb"(?:src|href)=\"(?!/\")", page.html) == []
    assert "'unsafe-inline'" not in page.policy


@given(st.binary(max_size=80) | st.sampled_from([CHROMIUM, b"text/html", b"text/html;q=0", b"*/*", b"text/html;q=x"]))
def test_any_accept_header_is_understood(accepted: bytes) -> None:
    assert wants_html(accepted) in (True, False)
    assert wants_html(CHROMIUM)
    assert not wants_html(b"text/html;q=0")
    assert not wants_html(b"application/json, text/html;q=0.9")
