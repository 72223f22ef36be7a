"""The five gates at a source: what is signed is released, by whom it is signed, and nothing else is released."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.content.gates import Gate
from shared.audit.queries import AuditFilter, page
from shared.tokens.person import StaffRole
from tests.harness.pipeline import code_of, guide, item, pipeline
from tests.harness.reviewing import FU, LIU, MA, MENG, SHEN, ZHI, person, source_desk

CODE = code_of(1)


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=(), review="five") as made:
        yield made


@pytest.fixture
def desk(county):
    with source_desk(county) as made:
        yield made


def at(hours):
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def versions(desk):
    return [one["version"] for one in desk.as_(None).http.get(f"/v1/releases/item:{CODE}").json()]


def test_what_five_gates_signed_is_released_once(desk):
    desk.save(item(1))
    review = desk.approved(CODE)
    assert review["state"] == "approved"

    answer = desk.release(CODE)

    assert answer.is_success, answer.text
    assert desk.read(review["number"])["state"] == "released"
    assert desk.read(review["number"])["released_version"] == 1
    desk.as_(MA).http.post(f"/v1/items/{CODE}/withdraw")
    assert versions(desk) == [1]


def test_a_release_without_a_review_names_the_gates_and_where_to_submit(desk):
    desk.save(item(1))

    answer = desk.release(CODE)

    assert answer.status_code == 409
    assert all(gate in answer.json()["detail"] for gate in ("政治关", "法律关", "政策关", "保密关", "文字关"))
    assert "POST /catalog/v1/reviews" in answer.json()["detail"]
    assert versions(desk) == []


def test_a_release_names_the_gates_still_open_and_the_review(desk):
    desk.save(item(1))
    review = desk.submit({"code": CODE})
    desk.sign(review, Gate.LEGAL, FU)

    answer = desk.release(CODE)

    assert answer.status_code == 409
    assert "政治关、政策关、保密关、文字关" in answer.json()["detail"]
    assert f"/catalog/v1/reviews/{review['number']}" in answer.json()["detail"]


def test_a_draft_saved_after_the_signatures_opens_all_gates(desk):
    desk.save(item(1))
    review = desk.approved(CODE)
    desk.save(item(1, "改过的名字"))

    assert desk.read(review["number"])["state"] == "obsolete"
    assert desk.release(CODE).status_code == 409
    assert versions(desk) == []


def test_saving_the_same_text_again_opens_no_gate(desk):
    desk.save(item(1))
    review = desk.approved(CODE)
    desk.save(item(1), by=person("other.editor", StaffRole.EDITOR))

    assert desk.read(review["number"])["state"] == "approved"
    assert desk.release(CODE).is_success


def test_the_period_is_signed_too(desk):
    desk.save(item(1))
    start = at(24)
    desk.approved(CODE, effective_at=start)

    assert desk.release(CODE).status_code == 409
    assert desk.release(CODE, effective_at=start, expires_at=at(48)).status_code == 409
    assert desk.release(CODE, effective_at=start).is_success


def test_who_wrote_or_submitted_signs_no_gate(desk):
    writer = person("li.both", StaffRole.EDITOR, *map(StaffRole.reviewer_of, Gate))
    submitter = person("he.both", StaffRole.RELEASER, *map(StaffRole.reviewer_of, Gate))
    desk.save(item(1), by=writer)
    desk.save(item(1, "第二稿"), by=LIU)
    review = desk.submit({"code": CODE}, by=submitter)

    assert review["authors"] == ["li.both", "liu.editor"]
    for one in (writer, submitter):
        answer = desk.sign(review, Gate.TEXT, one)
        assert answer.status_code == 403
        assert one.name in answer.json()["detail"]
    assert desk.sign(review, Gate.TEXT, FU, on_behalf_of="li.both").status_code == 403


def test_two_persons_at_least_sign(desk):
    desk.save(item(1))
    review = desk.submit({"code": CODE})
    for gate in list(Gate)[:4]:
        assert desk.sign(review, gate, FU).is_success

    alone = desk.sign(review, Gate.TEXT, FU, on_behalf_of="shen.reviewer")
    assert alone.status_code == 403
    assert desk.sign(review, Gate.TEXT, SHEN).json()["state"] == "approved"


def test_a_gate_is_signed_by_its_own_reviewer(desk):
    desk.save(item(1))
    review = desk.submit({"code": CODE})
    legal = person("fa.legal", StaffRole.REVIEWER_LEGAL)

    refused = desk.sign(review, Gate.TEXT, legal)
    assert refused.status_code == 403
    assert "reviewer.text" in refused.json()["detail"]
    assert desk.sign(review, Gate.LEGAL, legal).is_success
    assert desk.as_(None).http.post(f"/v1/reviews/{review['number']}/gates/text", json={
        "verdict": "pass", "digest": review["digest"],
    }).status_code == 403  # fmt: skip


def test_a_signature_is_for_the_digest_that_was_read(desk):
    desk.save(item(1))
    review = desk.submit({"code": CODE})

    assert desk.sign(review, Gate.TEXT, FU, digest="0" * 64).status_code == 409
    assert desk.sign(review, Gate.TEXT, FU).is_success
    assert desk.sign(review, Gate.TEXT, FU).is_success, "the same again changes nothing"
    assert desk.sign(review, Gate.TEXT, SHEN).status_code == 409


def test_a_gate_that_returns_closes_the_review_and_says_why(desk):
    desk.save(item(1))
    review = desk.submit({"code": CODE})

    assert desk.sign(review, Gate.LEGAL, FU, "return", opinion=" ").status_code == 422
    returned = desk.sign(review, Gate.LEGAL, FU, "return", opinion="依据已废止").json()

    assert (returned["state"], returned["gates"]["legal"]["state"]) == ("returned", "returned")
    assert returned["gates"]["legal"]["opinion"] == "依据已废止"
    assert desk.sign(review, Gate.TEXT, FU).status_code == 409
    assert desk.release(CODE).status_code == 409


def test_a_finding_is_settled_or_overridden_with_a_reason(desk):
    desk.save(item(1, limit_scene_num=1, limit_scene_explain="电话13800138000联系某某"))
    review = desk.submit({"code": CODE})
    found = {(one["gate"], one["rule"], one["field"]) for one in review["findings"]}
    assert ("secrecy", "personal", "limit_scene_explain") in found
    assert ("text", "placeholder", "limit_scene_explain") in found

    refused = desk.sign(review, Gate.SECRECY, FU, overrides=[])
    assert refused.status_code == 422
    assert {one["field"] for one in refused.json()["errors"]} == {"overrides"}
    assert "13800138000" not in refused.text
    passed = desk.sign(review, Gate.SECRECY, FU).json()
    assert passed["gates"]["secrecy"]["overrides"][0]["reason"] == "核对过"


def test_the_submitter_takes_a_review_back(desk):
    desk.save(item(1))
    review = desk.submit({"code": CODE})

    assert desk.as_(ZHI).http.delete(f"/v1/reviews/{review['number']}").status_code == 403
    assert desk.as_(LIU).http.delete(f"/v1/reviews/{review['number']}").json()["state"] == "withdrawn"
    assert desk.sign(review, Gate.TEXT, FU).status_code == 409
    again = desk.submit({"code": CODE})
    assert again["number"] != review["number"]


def test_the_same_submitted_again_is_the_same_review(desk):
    desk.save(item(1))
    assert desk.submit({"code": CODE})["number"] == desk.submit({"code": CODE})["number"]


def test_a_withdrawal_needs_its_own_review(desk):
    desk.save(item(1))
    desk.approved(CODE)
    desk.release(CODE)

    assert desk.as_(MA).http.post(f"/v1/items/{CODE}/withdraw").status_code == 409
    desk.approved(CODE, op="withdraw")
    assert desk.as_(MA).http.post(f"/v1/items/{CODE}/suspend").status_code == 409, "another operation was signed"
    assert desk.as_(MA).http.post(f"/v1/items/{CODE}/withdraw").is_success


def test_what_was_suspended_returns_without_another_review(desk):
    desk.save(item(1))
    desk.approved(CODE)
    desk.release(CODE)
    desk.approved(CODE, op="suspend")
    assert desk.as_(MA).http.post(f"/v1/items/{CODE}/suspend").is_success
    assert desk.as_(MA).http.post(f"/v1/items/{CODE}/restore").is_success
    assert versions(desk) == [1, 2, 3]


def urgent(desk, by, action="withdraw"):
    body = {"code": CODE, "action": action, "reason": "correction", "note": "内容有误，先行撤下"}
    return desk.as_(by).http.post("/v1/reviews/urgent", json=body)


def released(desk):
    desk.save(item(1))
    desk.approved(CODE)
    assert desk.release(CODE).is_success


def test_two_persons_withdraw_urgently_and_the_gates_sign_afterwards(desk):
    released(desk)
    asked = urgent(desk, MA)
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    assert versions(desk) == [1], "one person alone withdraws nothing"
    second = f"/v1/reviews/{asked.json()['number']}/second"
    assert desk.as_(MA).http.post(second).status_code == 403
    assert desk.as_(FU).http.post(second).status_code == 403

    done = desk.as_(MENG).http.post(second).json()

    assert versions(desk) == [1, 2]
    assert (done["kind"], done["state"], done["released_version"]) == ("urgent", "open", 2)
    assert desk.as_(None).http.get("/v1/reviews", params={"kind": "urgent", "state": "open"}).json()["reviews"]
    assert desk.approve(done)["state"] == "released"


def test_a_duty_officer_withdraws_alone_with_a_reason(desk):
    released(desk)
    assert desk.as_(ZHI).http.post("/v1/reviews/urgent", json={"code": CODE, "action": "withdraw"}).status_code == 422

    done = urgent(desk, ZHI, "suspend").json()

    assert (done["state"], done["submitted_by"], done["note"]) == ("open", "zhi.officer", "内容有误，先行撤下")
    assert desk.as_(LIU).http.get(f"/v1/items/{CODE}").json()["state"] == "suspended"
    acts = desk.as_(None).http.get("/v1/releases", params={"lane": "live"}).json()["releases"]
    assert acts[-1]["body"]["note"] == "内容有误，先行撤下"
    assert urgent(desk, ZHI, "suspend").status_code == 409


def test_a_machine_withdraws_nothing_urgently(desk):
    released(desk)
    assert urgent(desk, None).status_code == 403


def test_queues_tell_what_waits_at_each_gate(desk):
    desk.save(item(1))
    review = desk.submit({"code": CODE}, note="请审")
    desk.sign(review, Gate.LEGAL, FU)

    def waiting(gate):
        answer = desk.as_(FU).http.get("/v1/reviews", params={"state": "open", "gate": gate}).json()
        return [one["number"] for one in answer["reviews"]]

    assert (waiting("legal"), waiting("text")) == ([], [review["number"]])
    figures = desk.http.get("/v1/reviews/figures").json()
    assert (figures["policy"], figures["open"]) == ("five", 1)
    assert figures["by_gate"]["legal"] == {"open": 0, "oldest": None}
    assert figures["by_gate"]["text"] == {"open": 1, "oldest": review["submitted_at"]}
    assert figures["turn_around_seconds"]["count"] == 0
    desk.approve(desk.read(review["number"]))
    assert desk.http.get("/v1/reviews/figures").json()["turn_around_seconds"]["count"] == 1


def test_the_audit_log_names_the_review_of_each_release(county, desk):
    released(desk)
    urgent(desk, ZHI)

    with county.catalog.db.read() as session:
        rows = page(session, AuditFilter(), None, 100, with_changes=False)
    told = [(one["action"], one["actor"]["name"]) for one in reversed(rows)]
    assert told[:2] == [("save", "liu.editor"), ("submit_review", "liu.editor")]
    assert [action for action, _ in told].count("sign_gate") == 5
    release = next(one for one in rows if one["action"] == "release")
    assert release["after"]["review"] == 1
    assert told[-1] == ("urgent_withdrawal", "zhi.officer")


def test_a_county_without_reviews_says_so_and_releases_as_not_reviewed(tmp_path):
    with pipeline(tmp_path, channels=()) as county, source_desk(county) as desk:
        desk.save(item(1))
        answer = desk.as_(LIU).http.post("/v1/reviews", json={"members": [{"code": CODE}]})
        assert (answer.status_code, "without reviews" in answer.json()["detail"]) == (409, True)
        assert desk.http.get("/v1/reviews/figures").json()["policy"] == "none"
        assert desk.http.get("/v1/reviews").json() == {"reviews": [], "next": None}
        assert desk.release(CODE).is_success
        with county.catalog.db.read() as session:
            (row,) = page(session, AuditFilter(action="release"), None, 10, with_changes=False)
        assert row["after"]["reviewed"] is False


def test_a_guide_is_reviewed_like_an_item(county):
    with source_desk(county, "guides") as desk:
        desk.save(guide(1))
        assert desk.release(CODE).status_code == 409
        review = desk.approved(CODE)
        assert review["members"][0]["body"]["code"] == CODE
        assert desk.release(CODE).is_success
