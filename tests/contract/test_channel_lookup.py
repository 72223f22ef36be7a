"""A case is found by who holds the receipt; all others get one answer, seldom, and nothing is noted of it."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from tests.harness.pipeline import PROJECT_NO, QUERY_CODE, pipeline, progress

WRONG = "0000-0000-0000"
FOREIGN = "440103199001011234"


@pytest.fixture
def county(tmp_path, channel):
    """With one case, and room for many tries from one address."""
    with pipeline(tmp_path, channels=[channel], lookup_limit="1000/minute") as made:
        made.release_case(progress())
        made.flow()
        yield made


@pytest.mark.parametrize(
    "query_code", ["ZZZZ-ZZZZ-ZZZZ", "zzzzzzzzzzzz", " ZZZZ ZZZZ ZZZZ ", "ＺＺＺＺ－ＺＺＺＺ－ＺＺＺＺ"]
)
def test_the_receipt_opens_the_case_however_it_is_typed(county, channel, query_code):
    answer = look_up(county, channel, PROJECT_NO, query_code)

    assert answer.status_code == 200
    assert (answer.json()["stage"], answer.json()["state_label"]) == ("2", "正在办理")


def test_the_answer_is_kept_by_nobody(county, channel):
    for query_code in (QUERY_CODE, WRONG):
        assert look_up(county, channel, PROJECT_NO, query_code).headers["cache-control"] == "no-store"


def test_the_answer_holds_neither_number_nor_code_nor_salt(county, channel):
    text = look_up(county, channel, PROJECT_NO, QUERY_CODE).text

    assert PROJECT_NO not in text
    assert progress().salt not in text
    assert "ZZZZ" not in text


def test_a_wrong_code_and_a_wrong_number_have_one_answer(county, channel):
    wrong_code = look_up(county, channel, PROJECT_NO, WRONG)
    wrong_number = look_up(county, channel, "37-2020-2", QUERY_CODE)
    both = look_up(county, channel, "37-2020-3", WRONG)

    assert wrong_code.status_code == 404
    assert wrong_code.content == wrong_number.content == both.content
    assert dict(wrong_code.headers) == dict(wrong_number.headers) == dict(both.headers)


def test_nothing_can_be_asked_in_an_address(county, channel):
    path = f"/{channel}/v1/applications/lookup"

    assert county.http.get(path, params={"project_no": PROJECT_NO, "query_code": QUERY_CODE}).status_code == 405


@pytest.mark.parametrize(("content", "field"), [
    ({"project_no": PROJECT_NO}, "query_code"),
    ({"query_code": QUERY_CODE}, "project_no"),
    ({"project_no": "", "query_code": QUERY_CODE}, "project_no"),
    ({"project_no": "事" * 10, "query_code": QUERY_CODE}, "project_no"),
    ({"project_no": PROJECT_NO, "query_code": "short"}, "query_code"),
    ({"project_no": PROJECT_NO, "query_code": "U" * 12}, "query_code"),
    ({"project_no": PROJECT_NO, "query_code": QUERY_CODE, "name": "张三"}, "name"),
    ({"project_no": 7, "query_code": QUERY_CODE}, "project_no"),
    ([], "body"),
])  # fmt: skip
def test_what_cannot_be_a_receipt_is_refused_by_field_and_never_repeated(county, channel, content, field):
    answer = county.http.post(f"/{channel}/v1/applications/lookup", json=content)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "张三" not in answer.text
    assert PROJECT_NO not in answer.text


def test_after_five_wrong_tries_a_case_is_closed_for_a_while(county, channel):
    statuses = [look_up(county, channel, PROJECT_NO, WRONG).status_code for _ in range(6)]
    closed = look_up(county, channel, PROJECT_NO, QUERY_CODE)

    assert statuses == [404] * 5 + [429]
    assert (closed.status_code, closed.headers["retry-after"]) == (429, "60")
    assert look_up(county, channel, "37-2020-2", WRONG).status_code == 404, "others are open"


def test_another_spelling_of_the_number_gives_no_more_tries(county, channel):
    spellings = ["37-2020-1", " 37-2020-1", "３７-2020-1", "37 -2020-1", "37-2020-1 ", "37-２020-1"]
    statuses = [look_up(county, channel, number, WRONG).status_code for number in spellings]

    assert statuses == [404] * 5 + [429]


def test_who_is_right_can_look_as_often_as_the_address_may(county, channel):
    assert {look_up(county, channel, PROJECT_NO, QUERY_CODE).status_code for _ in range(8)} == {200}


def test_an_address_has_ten_tries_a_minute(tmp_path, channel):
    with pipeline(tmp_path, channels=[channel]) as usual:
        statuses = [look_up(usual, channel, f"37-2020-{n}", WRONG).status_code for n in range(12)]
        spoofed = usual.http.post(
            f"/{channel}/v1/applications/lookup",
            json={"project_no": "37-2020-99", "query_code": WRONG},
            headers={"X-Forwarded-For": "203.0.113.7"},
        )

    assert statuses == [404] * 10 + [429] * 2
    assert spoofed.status_code == 429


def test_nothing_of_it_is_logged_or_measured(county, channel):
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        for number, code in ((PROJECT_NO, QUERY_CODE), (PROJECT_NO, WRONG), (FOREIGN, "8888-8888-8888")):
            look_up(county, channel, number, code)
        county.http.post(f"/{channel}/v1/applications/lookup", content=b"{" + PROJECT_NO.encode())
    told = said.getvalue() + county.get(f"{channel}/metrics").text

    for secret in (PROJECT_NO, QUERY_CODE, QUERY_CODE.replace("-", ""), WRONG, FOREIGN, "8888-8888"):
        assert secret not in told


def look_up(county, channel, project_no, query_code):
    asked = {"project_no": project_no, "query_code": query_code}
    return county.http.post(f"/{channel}/v1/applications/lookup", json=asked)
