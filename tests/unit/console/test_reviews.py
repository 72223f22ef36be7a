"""The five gates at the desk: submit, sign, return, release; urgent withdrawals; and who signs for whom."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from contracts.base import format_time
from contracts.content.gates import Gate
from services.console.accounts.rights import REVIEWERS
from services.console.reviews.reading import duration
from shared.tokens.person import StaffRole
from tests.harness.pipeline import code_of, item
from tests.harness.reviewing_desk import reviewing_desk

FIRST, SECOND = (Gate.POLITICAL, Gate.LEGAL, Gate.POLICY), (Gate.SECRECY, Gate.TEXT)
SIGNERS = {"shenhe": FIRST, "fushen": SECOND}
SEE_OTHER, FORBIDDEN = httpx.codes.SEE_OTHER, httpx.codes.FORBIDDEN
numbers = iter(range(1, 1000))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with reviewing_desk(tmp_path_factory.mktemp("reviews")) as made:
        yield made


@pytest.fixture
def editor(desk):
    return desk.made.session("bianji")


@pytest.fixture
def code(editor):
    """An item that an editor has saved and nobody has released."""
    made = code_of(next(numbers))
    save(editor, made, "新的名称")
    return made


def save(browser, code, name):
    known = browser.call("GET", f"/v1/content/{code}")
    etag, base = ("", {}) if not known.is_success else (known.json()["item"][one] for one in ("etag", "draft"))
    body = item(1).model_dump(mode="json") | {"code": code, "task_name": name, "catalog_code": code[19:31]}
    answer = browser.call("PUT", f"/v1/content/{code}/item", {"body": body, "etag": etag, "base": base})
    assert answer.json().get("result") == "saved", answer.text


def submit(browser, code, **more):
    asked = {"source": "catalog", "members": [{"code": code, "op": "release", **more}]}
    answer = browser.call("POST", "/v1/reviews", asked)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return answer.json()


def read(desk, review):
    return desk.made.session("shenji").call("GET", f"/v1/reviews/catalog/{review['number']}").json()


def sign(desk, review, name, gates, verdict="pass", opinion="同意"):
    """Sign gates at the page, with a reason for every finding."""
    reasons = {f"why.{one['id']}": "核对过" for one in review["findings"]}
    fields = {"digest": review["digest"], "gate": list(gates), "verdict": verdict, "opinion": opinion, **reasons}
    return desk.made.session(name).submit(f"/reviews/catalog/{review['number']}/sign", **fields)


def approve(desk, review):
    for name, gates in SIGNERS.items():
        answer = sign(desk, review, name, gates)
        assert answer.status_code == SEE_OTHER, answer.text


def release(desk, code):
    browser = desk.made.session("fabu")
    etag = browser.call("GET", f"/v1/content/{code}").json()["item"]["etag"]
    return browser.call("POST", "/v1/releases", {"code": code, "etags": {"item": etag}})


def test_two_persons_sign_five_gates_and_what_they_read_is_released_with_a_receipt(desk, editor, code):
    assert "政治关" in release(desk, code).text
    review = submit(editor, code)

    approve(desk, review)

    assert read(desk, review)["state"] == "approved"
    done = release(desk, code)
    assert done.json()["receipt"]["versions"] == [{"key": f"item:{code}", "version": 1, "op": "release"}]
    assert read(desk, review)["state"] == "released"


def test_a_page_shows_the_text_as_it_will_be_and_the_gates_of_the_person(desk, editor, code):
    review = submit(editor, code)
    page = desk.made.session("shenhe").get(f"/reviews/catalog/{review['number']}").text

    assert "新的名称" in page
    assert 'name="gate" value="political"' in page
    assert 'name="gate" value="secrecy"' not in page
    assert 'name="gate"' not in editor.get(f"/reviews/catalog/{review['number']}").text


def test_an_author_signs_nothing(desk, code):
    desk.made.person("both", StaffRole.EDITOR, *REVIEWERS)
    author = desk.made.session("both")
    save(author, code, "由审核人起草")
    review = submit(author, code)

    answer = sign(desk, review, "both", FIRST)

    assert answer.status_code == FORBIDDEN
    assert read(desk, review)["gates"]["political"]["state"] == "open"


def test_a_return_needs_an_opinion_and_comes_back_to_its_author(desk, editor, code):
    review = submit(editor, code)
    silent = sign(desk, review, "shenhe", FIRST, "return", "")
    assert silent.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "退回须写明意见" in silent.text

    sign(desk, review, "shenhe", FIRST[:1], "return", "收费依据请写全")

    waiting = editor.call("GET", "/v1/waiting").json()["reviews"]["returned"]
    assert review["number"] in [one["number"] for one in waiting]
    assert "收费依据请写全" in editor.get(f"/content/{code}").text
    again = submit(editor, code)
    assert again["number"] != review["number"]
    waiting = editor.call("GET", "/v1/waiting").json()["reviews"]["returned"]
    assert review["number"] not in [one["number"] for one in waiting]


def test_a_finding_is_settled_with_a_reason_at_its_own_field(desk, editor, code):
    save(editor, code, "XX证办理")
    review = submit(editor, code)
    finding = next(one for one in review["findings"] if one["gate"] in SECOND)
    fields = {"digest": review["digest"], "gate": [finding["gate"]], "verdict": "pass", "opinion": ""}

    answer = desk.made.session("fushen").submit(f"/reviews/catalog/{review['number']}/sign", **fields)

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert f'id="why.{finding["id"]}-error"' in answer.text


def test_nothing_is_signed_without_a_ticked_gate(desk, editor, code):
    answer = sign(desk, submit(editor, code), "shenhe", ())

    assert "请先勾选" in answer.text
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_the_form_submits_what_it_saves_and_shows_what_stands(desk, editor, code):
    copy = editor.call("GET", f"/v1/working-copies/{code}").json()
    sent = {**copy["texts"], "version": copy["version"], "act": "submit", "@end": "1"}
    answer = editor.submit(f"/content/{code}", **sent)

    assert answer.headers.get("location", "").startswith("/console/reviews/catalog/"), answer.text
    assert "还没签" in editor.get(f"/content/{code}").text
    assert "待审核" in editor.get("/content", params={"q": code}).text


def test_a_set_is_submitted_for_its_time_and_released_once_signed(desk, editor, code):
    key = f"item:{code}"
    revision = editor.call("GET", f"/v1/content/{code}").json()["item"]["etag"]
    asked = {"member": [key], f"seen.{key}": revision, "effective_at": "2099-03-01T08:00"}
    answer = editor.submit("/release/compose/submit", **asked)
    assert answer.status_code == SEE_OTHER, answer.text
    review = read(desk, {"number": answer.headers["location"].rpartition("/")[2]})
    assert review["members"][0]["effective_at"] == "2099-03-01T00:00:00.000000Z"

    approve(desk, review)
    begun = desk.made.session("fabu").submit("/release/compose/send", **asked)

    act = begun.headers["location"].rpartition("/")[2]
    assert desk.settle(act) == "complete", desk.sets.read(act)["problem"]
    assert read(desk, review)["state"] == "released"


def test_a_set_at_once_is_released_as_it_was_reviewed(desk, editor, code):
    key = f"item:{code}"
    asked = {"member": [key], f"seen.{key}": editor.call("GET", f"/v1/content/{code}").json()["item"]["etag"]}
    answer = editor.submit("/release/compose/submit", **asked)
    approve(desk, read(desk, {"number": answer.headers["location"].rpartition("/")[2]}))

    act = desk.made.session("fabu").submit("/release/compose/send", **asked).headers["location"].rpartition("/")[2]

    assert desk.settle(act) == "complete", desk.sets.read(act)["problem"]


def test_a_set_that_nobody_reviewed_is_cancelled_with_the_open_gates(desk, editor, code):
    key = f"item:{code}"
    asked = {"member": [key], f"seen.{key}": editor.call("GET", f"/v1/content/{code}").json()["item"]["etag"]}
    act = desk.made.session("fabu").submit("/release/compose/send", **asked).headers["location"].rpartition("/")[2]

    assert desk.settle(act) == "cancelled"
    assert "关" in desk.sets.read(act)["problem"]


def planned(browser, code):
    """Return times and names of what is planned."""
    edition = browser.call("GET", f"/v1/content/{code}").json()["item"]
    return [(one["version"], one["effective_at"]) for one in edition["planned"]]


def change_plan(desk, of, **fields):
    """Use the page 改计划 as the releaser does: with what its form contains, and `fields`."""
    browser = desk.made.session("fabu")
    text = browser.get(f"/release/plans/change?kind=item&code={of}").text
    names = "kind|code|etag|effective_at|expires_at|announcement|announcement_en"
    form = dict(re.findall(rf'name="({names})" value="([^"]*)"', text))
    return browser.submit("/release/plans/change", **{**form, **fields})


def test_a_changed_plan_is_reviewed_while_the_old_one_stands_and_replaces_it_in_one_step(desk, editor, code):
    first, later = "2099-03-01T00:00:00.000000Z", "2099-05-01T00:00:30.000000Z"
    approve(desk, submit(editor, code, effective_at=first))
    etag = editor.call("GET", f"/v1/content/{code}").json()["item"]["etag"]
    asked = {"code": code, "etags": {"item": etag}, "effective_at": first}
    assert desk.made.session("fabu").call("POST", "/v1/releases", asked).is_success
    save(editor, code, "改过的计划")

    sent = change_plan(desk, code, effective_at=later, act="submit")

    assert sent.headers.get("location", "").startswith("/console/reviews/catalog/"), sent.text
    review = read(desk, {"number": sent.headers["location"].rpartition("/")[2]})
    assert review["members"][0]["effective_at"] == later
    assert planned(editor, code) == [(1, first)]
    etag = editor.call("GET", f"/v1/content/{code}").json()["item"]["etag"]
    early = change_plan(desk, code, kind="item", code=code, etag=etag, effective_at=later)
    assert (early.status_code, planned(editor, code)) == (httpx.codes.CONFLICT, [(1, first)])
    assert "审核期间照旧有效" in desk.made.session("shenhe").get(f"/reviews/catalog/{review['number']}").text
    approve(desk, review)
    assert "代替原计划" in desk.made.session("fabu").get(f"/reviews/catalog/{review['number']}").text

    done = change_plan(desk, code)

    assert done.status_code == SEE_OTHER, done.text
    (one,) = planned(editor, code)
    assert one[1] == later
    assert read(desk, review)["state"] == "released"


def test_the_announcement_of_a_changed_plan_is_signed_with_it(desk, editor, code):
    later, words = "2099-05-01T00:00:00.000000Z", "5月1日起免费"
    released(desk, editor, code)
    save(editor, code, "免费")
    approve(desk, submit(editor, code, effective_at="2099-03-01T00:00:00.000000Z"))
    etag = editor.call("GET", f"/v1/content/{code}").json()["item"]["etag"]
    asked = {"code": code, "etags": {"item": etag}, "effective_at": "2099-03-01T00:00:00.000000Z"}
    assert desk.made.session("fabu").call("POST", "/v1/releases", asked).is_success

    sent = change_plan(desk, code, effective_at=later, announcement=words, act="submit")
    review = read(desk, {"number": sent.headers["location"].rpartition("/")[2]})
    assert words in desk.made.session("shenhe").get(f"/reviews/catalog/{review['number']}").text
    approve(desk, review)
    assert words in desk.made.session("fabu").get(f"/release/plans/change?kind=item&code={code}").text
    unsaid = change_plan(desk, code, announcement="")
    assert unsaid.status_code == httpx.codes.CONFLICT
    done = change_plan(desk, code)

    assert done.status_code == SEE_OTHER, done.text
    edition = editor.call("GET", f"/v1/content/{code}").json()["item"]
    assert read(desk, review)["state"] == "released"
    assert words in str(edition)


def test_a_plan_that_was_signed_for_one_time_gets_no_other_without_a_review(desk, editor, code):
    approve(desk, submit(editor, code, effective_at="2099-03-01T00:00:00Z"))
    etag = editor.call("GET", f"/v1/content/{code}").json()["item"]["etag"]
    asked = {"code": code, "etags": {"item": etag}, "effective_at": "2099-03-01T00:00:00Z"}
    assert desk.made.session("fabu").call("POST", "/v1/releases", asked).is_success

    answer = change_plan(desk, code, effective_at="2099-04-01T08:00")

    assert answer.status_code == httpx.codes.CONFLICT
    assert [at for _, at in planned(editor, code)] == ["2099-03-01T00:00:00.000000Z"]


def released(desk, editor, code):
    approve(desk, submit(editor, code))
    assert release(desk, code).json()["receipt"]


def withdrawal(code):
    return {"kind": "item", "code": code, "action": "suspend", "reason": "correction", "note": "收费标准有误"}


def test_a_duty_officer_withdraws_alone_and_the_gates_sign_afterwards(desk, editor, code):
    released(desk, editor, code)

    answer = desk.made.session("zhiban").submit("/reviews/urgent", **withdrawal(code))

    assert answer.headers.get("location", "").startswith("/console/release/receipts/"), answer.text
    queue = desk.made.session("shenhe").call("GET", "/v1/reviews/queues").json()["afterwards"]
    assert code in [one["members"][0]["code"] for one in queue]
    assert "事后审核" in desk.made.session("shenhe").get("/reviews").text


def test_a_releaser_needs_a_second_person_for_an_urgent_withdrawal(desk, editor, code):
    released(desk, editor, code)
    first = desk.made.session("fabu")
    address = first.submit("/reviews/urgent", **withdrawal(code)).headers["location"].removeprefix("/console")
    assert address.startswith("/reviews/catalog/")
    assert editor.call("GET", f"/v1/content/{code}").json()["item"]["in_force"]

    alone = first.submit(f"{address}/second")
    second = desk.made.session("zhiban").submit(f"{address}/second")

    assert alone.status_code == FORBIDDEN
    assert second.headers.get("location", "").startswith("/console/release/receipts/"), second.text
    assert editor.call("GET", f"/v1/content/{code}").json()["item"]["in_force"] is None


def test_an_urgent_withdrawal_without_a_note_is_refused_at_its_field(desk, code):
    answer = desk.made.session("zhiban").submit("/reviews/urgent", **withdrawal(code) | {"note": ""})

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert 'id="note-error"' in answer.text


def delegate(desk, taker, gate=Gate.POLITICAL, giver="shenhe"):
    now = datetime.now(UTC)
    asked = {"gate": gate, "taker": taker, "starts_at": format_time(now - timedelta(hours=1))}
    asked["ends_at"] = format_time(now + timedelta(days=3))
    return desk.made.session(giver).call("POST", "/v1/delegations", asked)


def test_a_colleague_signs_on_behalf_of_who_is_away_and_no_longer_once_it_is_ended(desk, editor, code):
    desk.made.person("colleague")
    given = delegate(desk, "colleague").json()
    review = submit(editor, code)

    assert sign(desk, review, "colleague", [Gate.POLITICAL]).status_code == SEE_OTHER
    signed = read(desk, review)["gates"]["political"]
    assert (signed["by"], signed["on_behalf_of"]) == ("colleague", "shenhe")
    assert sign(desk, review, "colleague", [Gate.LEGAL]).status_code == FORBIDDEN
    assert "受 shenhe 委托" in desk.made.session("shenhe").get(f"/reviews/catalog/{review['number']}").text

    desk.made.session("shenhe").call("DELETE", f"/v1/delegations/{given['number']}")
    other = submit(editor, _another(editor))
    assert sign(desk, other, "colleague", [Gate.POLITICAL]).status_code == FORBIDDEN


def _another(editor):
    made = code_of(next(numbers))
    save(editor, made, "另一项")
    return made


def test_delegation_makes_no_second_person_of_one(desk, editor, code):
    desk.made.person("alone")
    for gate in FIRST:
        assert delegate(desk, "alone", gate).is_success
    for gate in SECOND:
        assert delegate(desk, "alone", gate, "fushen").is_success
    review = submit(editor, code)

    assert sign(desk, review, "alone", (*FIRST, *SECOND)).status_code == FORBIDDEN

    found = read(desk, review)
    assert found["state"] == "open"
    assert [one["state"] for one in found["gates"].values()].count("passed") == 4


@pytest.mark.parametrize("taker", ["shenhe", "nobody.known"])
def test_a_gate_is_delegated_to_another_colleague_alone(desk, taker):
    answer = delegate(desk, taker)

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert [one["field"] for one in answer.json()["errors"]] == ["taker"]


def test_only_who_holds_a_gate_delegates_it_and_not_for_ever(desk):
    desk.made.person("third")
    assert delegate(desk, "third", Gate.TEXT).status_code == FORBIDDEN
    form = {"gate": "political", "taker": "third", "starts_at": "2099-01-01T08:00", "ends_at": "2099-12-01T08:00"}

    answer = desk.made.session("shenhe").submit("/reviews/absence", **form)

    assert 'id="ends_at-error"' in answer.text
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_what_waits_is_listed_by_gate_with_its_time(desk, editor, code):
    submit(editor, code)
    page = desk.made.session("shenhe").get("/reviews?gate=legal").text

    assert "等我签署：法律关" in page
    assert "不到 1 分钟" in page


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "不到 1 分钟"), (3900, "1 小时 5 分钟"), (90_000, "1 天 1 小时"), (86_400, "1 天")]
)
def test_a_time_is_told_in_its_two_largest_units(seconds, words):
    assert duration(seconds) == words
