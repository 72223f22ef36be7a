"""What item and guide state differently is settled by editing, or overridden with a reason that the review keeps."""

import httpx
import pytest

from contracts.content.gates import Gate
from tests.harness.pipeline import code_of, guide, item
from tests.harness.reviewing_desk import reviewing_desk

SEE_OTHER, REFUSED = httpx.codes.SEE_OTHER, httpx.codes.UNPROCESSABLE_ENTITY
OTHER_OFFICE = "云溪县民政局"
numbers = iter(range(1, 1000))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with reviewing_desk(tmp_path_factory.mktemp("pairs")) as made:
        yield made


@pytest.fixture
def editor(desk):
    return desk.made.session("bianji")


@pytest.fixture
def code(editor):
    """An item and a guide that name two different offices; nobody has released them."""
    made = code_of(next(numbers))
    save(editor, "item", made, catalog_code=made[19:31])
    save(editor, "guide", made, dept_name=OTHER_OFFICE)
    return made


def save(browser, kind, code, **fields):
    known = browser.call("GET", f"/v1/content/{code}")
    known = (known.json() if known.is_success else {}).get(kind) or {"etag": "", "draft": {}}
    made = (item(1) if kind == "item" else guide(1)).model_dump(mode="json")
    body = made | {"code": code, "task_name": "新的名称", **fields}
    asked = {"body": body, "etag": known["etag"], "base": known["draft"]}
    answer = browser.call("PUT", f"/v1/content/{code}/{kind}", asked)
    assert answer.json().get("result") == "saved", answer.text


def submit(browser, code, source="catalog"):
    asked = {"source": source, "members": [{"code": code, "op": "release"}]}
    answer = browser.call("POST", "/v1/reviews", asked)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return answer.json()


def read(desk, review):
    return desk.made.session("shenji").call("GET", f"/v1/reviews/{review['source']}/{review['number']}").json()


def page_of(desk, review, name="shenhe"):
    return desk.made.session(name).get(f"/reviews/{review['source']}/{review['number']}").text


def sign(desk, review, reasons):
    """Sign 政策关 at the page; `reasons` by finding."""
    own = {one["id"]: "核对过" for one in review["findings"] if one["gate"] == Gate.POLICY}
    fields = {"digest": review["digest"], "gate": [Gate.POLICY], "verdict": "pass", "opinion": ""}
    fields |= {f"why.{name}": reason for name, reason in (own | reasons).items()}
    return desk.made.session("shenhe").submit(f"/reviews/{review['source']}/{review['number']}/sign", **fields)


def signatures(desk, review):
    """Return the rows of the source's audit log about signed gates of a review."""
    path = f"/v1/audit/search?log={review['source']}&action=sign_gate&thing=review:{review['number']}"
    return desk.made.session("shenji").call("GET", path).json()["rows"]


def test_a_review_shows_where_item_and_guide_differ_and_the_author_sees_it_before(desk, editor, code):
    review = submit(editor, code)

    assert f"事项和办事指南说法不一：实施主体不同：事项是“{item(1).dept_name}”，指南是“{OTHER_OFFICE}”" in page_of(
        desk, review
    )
    assert f"指南是“{OTHER_OFFICE}”" in editor.get(f"/content/{code}").text


def test_what_differs_is_settled_by_editing_either_of_the_two(desk, editor, code):
    review = submit(editor, code)

    save(editor, "guide", code, dept_name=item(1).dept_name)

    assert "说法不一" not in page_of(desk, review)
    assert read(desk, review)["compared"] == []
    assert sign(desk, review, {}).status_code == SEE_OTHER


def test_the_policy_gate_does_not_pass_before_a_reason_is_written_at_the_finding(desk, editor, code):
    review = submit(editor, code)
    (finding,) = read(desk, review)["compared"]

    silent = sign(desk, review, {})

    assert silent.status_code == REFUSED
    assert f'id="why.{finding["id"]}-error"' in silent.text
    assert read(desk, review)["gates"]["policy"]["state"] == "open"


def test_a_reason_is_kept_with_the_finding_and_what_it_was_compared_with(desk, editor, code):
    review = submit(editor, code)
    (finding,) = read(desk, review)["compared"]

    answer = sign(desk, review, {finding["id"]: "两个单位合设一个窗口"})

    assert answer.status_code == SEE_OTHER, answer.text
    (kept,) = (one for one in read(desk, review)["gates"]["policy"]["overrides"] if "compared" in one)
    assert (kept["reason"], kept["compared"]["message"]) == ("两个单位合设一个窗口", finding["message"])
    assert kept["compared"]["other"] == finding["other"]
    assert finding["other"]["key"] == f"guide:{code}"
    (signed,) = signatures(desk, review)
    assert signed["after"]["compared"] == [{"finding": finding["id"], **finding["other"]}]
    save(editor, "guide", code, dept_name=item(1).dept_name)
    assert "不采纳：两个单位合设一个窗口" in page_of(desk, review)


def test_the_reason_of_one_document_is_offered_in_the_review_of_the_other(desk, editor, code):
    first, second = submit(editor, code), submit(editor, code, "guides")
    (finding,) = read(desk, first)["compared"]
    assert [one["id"] for one in read(desk, second)["compared"]] == [finding["id"]]

    sign(desk, first, {finding["id"]: "两个单位合设一个窗口"})

    assert 'value="两个单位合设一个窗口"' in page_of(desk, second)


def test_nobody_says_for_the_desk_that_nothing_differs(desk, editor, code):
    review = submit(editor, code)
    (finding,) = read(desk, review)["compared"]
    asked = {"verdict": "pass", "digest": review["digest"], "compared": []}
    reviewer = desk.made.session("shenhe")
    path = f"/v1/reviews/catalog/{review['number']}/gates/policy"

    assert reviewer.call("POST", path, asked).status_code == REFUSED
    assert reviewer.call("POST", path, {**asked, "compared": [finding]}).status_code == REFUSED
