"""The edge of every service: each refusal is a problem that names field and rule; nothing internal leaks."""

import io
from contextlib import redirect_stderr, redirect_stdout

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from shared.errors import Invalid
from shared.text import strict_json
from shared.text.strict_json import parse_json
from shared.web import body_sizes
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, SERVICE, code_of, item, pipeline

CODE = code_of(1)
ITEM = f"/catalog/v1/items/{CODE}"
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
LEAKS = ("Traceback", "sqlite", "SELECT", "INSERT", ".py", "/home", "sqlalchemy", ADMIN, SERVICE)


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """One item as a draft; refused requests change nothing, so all tests share it."""
    with pipeline(tmp_path_factory.mktemp("edge"), channels=["web"]) as made:
        made.catalog.save_item(TESTER, CODE, item(1).model_dump(mode="json"), None)
        made.flow()
        yield made


PROBLEMS = {
    "unknown address": ("GET", "/web/v1/nowhere", {}, 404),
    "unknown item": ("GET", "/web/v1/items/NOBODY", {}, 404),
    "unknown edition": ("GET", f"/catalog/v1/items/{code_of(2)}", AS_ADMIN, 404),
    "unknown entry": ("GET", "/ledger/v1/entries/999", {}, 404),
    "wrong method": ("DELETE", "/web/v1/items", {}, 405),
    "wrong method on the stream": ("POST", "/web/v1/stream", {}, 405),
    "no token": ("PUT", ITEM, {}, 401),
    "no service's token": ("GET", "/catalog/v1/releases?lane=live", {}, 401),
    "not the code's form": ("GET", "/catalog/v1/items/short", AS_ADMIN, 422),
    "no such lane": ("GET", "/catalog/v1/releases?lane=fast", AS_ADMIN, 422),
    "number too large": ("GET", "/catalog/v1/releases?lane=live&after=99999999999999999999", AS_ADMIN, 422),
    "NUL in an address": ("GET", "/ledger/v1/versions/item%3A%00", {}, 422),
    "no cursor": ("GET", "/web/v1/changes?since=x", {}, 422),
    "other life": ("GET", "/web/v1/changes?since=x.1", {}, 410),
    "no JSON": ("PUT", ITEM, AS_ADMIN, 422),
    "no revision": ("PUT", ITEM, AS_ADMIN, 428),
    "old revision": ("PUT", ITEM, {**AS_ADMIN, "If-Match": '"7"'}, 412),
    "never released": ("POST", f"{ITEM}/withdraw", AS_ADMIN, 409),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_refusal_is_a_problem_and_leaks_nothing(county, name):
    method, path, headers, status = PROBLEMS[name]
    whole = item(1).model_dump_json().encode() if status in (412, 428) else b""
    answer = county.http.request(method, path, headers=headers, content=b"{" if name == "no JSON" else whole)
    problem = answer.json()

    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not [leak for leak in LEAKS if leak in answer.text]
    if status == 422:
        assert all({"field", "rule", "message"} <= error.keys() for error in problem["errors"])


def test_a_refused_draft_names_every_field_and_rule(county):
    bad = {**item(1).model_dump(mode="json"), "task_name": "", "use_level": "9", "colour": "red"}
    answer = put(county, orjson.dumps(bad), '"1"')

    assert {(error["field"], error["rule"]) for error in answer.json()["errors"]} == {
        ("task_name", "string_too_short"),
        ("use_level", "string_pattern_mismatch"),
        ("colour", "extra_forbidden"),
    }


HOSTILE = {
    "lone surrogate": (b'{"task_name":"\\ud800"}', "body"),
    "lone surrogate as a key": (b'{"\\ud800":1}', "body"),
    "bad UTF-8": (b'{"task_name":"\xff"}', "body"),
    "very deep": (b"[" * 100_000 + b"]" * 100_000, "body"),
    "deeper than allowed": (b'{"a":' * 40 + b"1" + b"}" * 40, "body"),
    "no object": (b"[]", "body"),
    "nothing": (b"", "body"),
    "NaN": (b'{"promise_day":NaN}', "body"),
    "huge number": (b'{"promise_day":' + b"9" * 5000 + b"}", "body"),
    "two documents": (b"{}{}", "body"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_is_refused_by_field(county, name):
    content, field = HOSTILE[name]
    answer = put(county, content)

    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]} or name == "huge number"
    assert not [leak for leak in LEAKS if leak in answer.text]


def test_a_time_outside_of_the_calendar_is_refused_by_field(county):
    for moment in ("0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", "2026-03-01T09:00:00", "later"):
        answer = county.http.post(f"{ITEM}/release", headers=AS_ADMIN, json={"effective_at": moment})

        assert answer.status_code == 422, moment
        assert [error["field"] for error in answer.json()["errors"]] == ["effective_at"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused_and_not_read(county, chunked):
    content = b"[" * (body_sizes.MOST + 1)
    sent = iter([content[: body_sizes.MOST], content[body_sizes.MOST :]]) if chunked else content
    answer = put(county, sent)

    assert (answer.status_code, answer.json()["title"]) == (413, "Request Entity Too Large")
    assert str(body_sizes.MOST) in answer.json()["detail"]


def test_an_import_may_be_larger(county):
    rows = {"rows": [], "withdraw": ["0" * 31] * (body_sizes.MOST // 30)}
    answer = county.http.post("/catalog/v1/imports", headers=AS_ADMIN, json=rows)

    assert answer.status_code == 200
    assert answer.json()["withdrawn"] == 0


def test_what_needs_a_token_says_so_before_it_reads_what_was_sent(county):
    answer = county.http.put(ITEM, content=b"{")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("sent", [
    None, "", "Bearer", "Bearer ", f"Bearer {ADMIN}x", f"Bearer {ADMIN[:-1]}", f"Basic {ADMIN}", ADMIN,
    f"Bearer {SERVICE}", "Bearer ämter",
])  # fmt: skip
def test_only_the_very_token_opens(county, sent):
    headers = {} if sent is None else {"Authorization": sent.encode()}

    assert county.http.get("/catalog/v1/items", headers=headers).status_code == 401


@pytest.mark.parametrize("sent", [f"Bearer {ADMIN}", f"bearer {ADMIN}", f"Bearer  {ADMIN} "])
def test_the_token_opens_however_its_scheme_is_spelled(county, sent):
    assert county.http.get("/catalog/v1/items", headers={"Authorization": sent}).status_code == 200


def test_without_a_token_set_nobody_comes_in(tmp_path):
    with pipeline(tmp_path, channels=[]) as closed:
        for token in (None, SecretStr("")):
            closed.settings = closed.settings.model_copy(update={"admin_token": token, "service_token": token})
            closed.serve_anew()
            for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
                assert closed.http.get("/catalog/v1/items", headers=headers).status_code == 401


@pytest.mark.parametrize("sent", ['"1"', "1", 'W/"1"', ' "1" '])
def test_the_revision_is_read_however_it_is_quoted(tmp_path, sent):
    with pipeline(tmp_path, channels=[]) as fresh:
        fresh.catalog.save_item(TESTER, CODE, item(1).model_dump(mode="json"), None)
        answer = put(fresh, item(1, "改了名").model_dump_json(), sent)

    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')


@pytest.mark.parametrize("sent", ['"x"', '"1","2"', "-1", '"²"', "9" * 30, '""'])
def test_what_is_no_revision_is_refused_by_field(county, sent):
    answer = put(county, item(1).model_dump_json(), sent.encode())

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["If-Match"]


def test_a_new_draft_is_created_and_says_its_revision(tmp_path):
    with pipeline(tmp_path, channels=[]) as fresh:
        answer = put(fresh, item(1).model_dump_json())

        assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
        read = fresh.http.get(ITEM, headers={**AS_ADMIN, "If-None-Match": '"1"'})
        assert read.status_code == 304


def test_a_release_needs_no_body(tmp_path):
    with pipeline(tmp_path, channels=[]) as fresh:
        put(fresh, item(1).model_dump_json())
        made = [fresh.http.post(f"{ITEM}/release", headers=AS_ADMIN, content=c) for c in (b"", b"null", b"{}")]

        assert [answer.status_code for answer in made] == [200, 200, 200]
        assert ["released" in answer.json() for answer in made] == [True, False, False]
        assert fresh.http.post(f"{ITEM}/release", headers=AS_ADMIN, content=b"[]").status_code == 422


def test_a_bug_is_a_problem_without_a_word_of_it_and_its_log_line_belongs_to_the_trace(tmp_path):
    with pipeline(tmp_path, channels=[]) as broken, capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        broken.execute("ledger", "INSERT INTO head (size, root, time, checkpoint) VALUES (1, 'none', 'never', '')")
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        answer = broken.http.get("/ledger/v1/head", headers=headers)

    assert answer.status_code == 500
    assert answer.json()["detail"] == "The service failed; the log has the details."
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [(line["event"], line["trace_id"]) for line in logs if line["log_level"] == "error"] == [("bug", TRACE)]


def test_a_database_that_is_down_is_a_problem_to_come_back_from(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as broken:
        broken.execute("web", "DROP TABLE document")
        answer = broken.get("web/v1/items")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "document" not in answer.text


def test_a_trace_is_continued_from_the_request_into_the_release(tmp_path):
    with pipeline(tmp_path, channels=[]) as fresh:
        headers = {**AS_ADMIN, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        put(fresh, item(1).model_dump_json())
        fresh.http.post(f"{ITEM}/release", headers=headers)
        (released,) = fresh.get("catalog/v1/releases", SERVICE, lane="live").json()["releases"]

    assert TRACE in released["traceparent"]


@pytest.mark.parametrize("sent", ["", "nonsense", "00-" + "0" * 10, "事".encode()])
def test_a_trace_that_is_none_is_replaced_by_a_new_one(county, sent):
    assert county.http.get("/web/healthz", headers={"traceparent": sent}).status_code == 200


def test_metrics_count_by_closed_sets_of_labels(county):
    county.http.request("BREW", "/web/v1/items")
    told = county.get("web/metrics").text

    assert 'method="other"' in told
    assert "BREW" not in told


def test_health_readiness_and_metrics_are_there(county):
    assert county.get("web/healthz").json() == {"status": "alive", "service": "web"}
    assert county.get("web/readyz").json()["status"] == "ready"
    assert "tongyuan_http_requests_total" in county.get("web/metrics").text


def test_nothing_of_a_refused_request_is_printed(county):
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        put(county, b'{"task_name":"13812345678"}', '"1"')
        county.http.get("/catalog/v1/items", headers={"Authorization": "Bearer guess-of-a-thief"})

    assert "13812345678" not in said.getvalue()
    assert "guess-of-a-thief" not in said.getvalue()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(value=json_values)
def test_what_is_json_of_moderate_depth_is_read_as_it_is(value):
    assert parse_json(orjson.dumps(value)) == value


@given(raw=st.binary(max_size=60))
def test_whatever_is_sent_is_read_or_refused(raw):
    try:
        value = parse_json(raw)
    except Invalid:
        return
    assert parse_json(orjson.dumps(value)) == value


@given(depth=st.integers(1, 80))
def test_depth_is_bounded_exactly(depth):
    raw = b"[" * depth + b"]" * depth
    if depth <= strict_json.MAX_DEPTH + 1:
        parse_json(raw)
    else:
        with pytest.raises(Invalid):
            parse_json(raw)


def put(county, content, revision=None):
    headers = AS_ADMIN if revision is None else {**AS_ADMIN, "If-Match": revision}
    return county.http.put(ITEM, content=content, headers=headers)
