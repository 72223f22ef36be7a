"""Guides that quote one window, price or number differently: a finding of the review, settled or overridden."""

import httpx
import pytest

from contracts.content.gates import Gate
from tests.harness.pipeline import code_of, guide, pipeline
from tests.harness.reviewing import FU, MA, source_desk

ADDRESS = "云溪县政务服务中心一楼"


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"], review="five") as made:
        yield made


@pytest.fixture
def desk(county):
    with source_desk(county, "guides") as made:
        yield made


def quoting(number, phone="0571-12345678", fen=1000, **more):
    window = {"address": ADDRESS, "window_no": "A12", "phone": phone}
    fee = {"fee_name": "证书工本费", "amount_fen": fen, "fee_stand": "按件"}
    return guide(number, windows=[window], fees=[fee], **more)


def released(desk, content):
    desk.save(content)
    desk.approved(content.code)
    assert desk.release(content.code).is_success


def findings(desk, content):
    """Return the messages about quotations in a new review of a guide, by field."""
    desk.save(content)
    return told(desk.submit({"code": content.code}))


def told(review):
    return {one["field"]: one["message"] for one in review["findings"] if one["rule"] == "quoted_elsewhere"}


def test_another_number_for_the_same_window_is_a_finding_that_names_the_other_guide(desk):
    released(desk, quoting(1))

    found = findings(desk, quoting(2, phone="0571-87654321"))

    assert list(found) == ["windows.0.phone"]
    assert "0571-87654321" in found["windows.0.phone"]
    assert f"另有 1 份指南（如 {code_of(1)}）是 0571-12345678" in found["windows.0.phone"]


def test_another_price_of_the_same_fee_is_a_finding(desk):
    released(desk, quoting(1))

    assert list(findings(desk, quoting(2, fen=500))) == ["fees.0.amount_fen"]


def test_a_number_that_belongs_to_another_office_is_a_finding(desk):
    released(desk, guide(1, link_way="咨询电话：0571-11112222"))

    assert list(findings(desk, guide(2, link_way="0571-11112222", dept_name="云溪县民政局"))) == ["link_way"]


def test_what_is_quoted_alike_and_what_a_guide_itself_said_before_are_none(desk):
    released(desk, quoting(1))

    assert findings(desk, quoting(2)) == {}
    assert findings(desk, quoting(1, phone="0571-87654321")) == {}


def test_what_was_released_since_is_known_and_what_left_the_channels_is_forgotten(desk):
    assert findings(desk, quoting(2, phone="0571-87654321")) == {}
    released(desk, quoting(1))
    assert list(findings(desk, quoting(3, phone="0571-87654321"))) == ["windows.0.phone"]

    gone = desk.submit({"code": code_of(1), "op": "withdraw"})
    desk.approve(gone)
    withdrawn = desk.as_(MA).http.post(
        f"/v1/guides/{code_of(1)}/withdraw", json={"reason": "withdrawal", "note": "不再办理"}
    )
    assert withdrawn.is_success, withdrawn.text

    assert findings(desk, quoting(4, phone="0571-87654321")) == {}


def test_the_policy_gate_needs_a_reason_for_it(desk):
    released(desk, quoting(1))
    content = quoting(2, phone="0571-87654321")
    desk.save(content)
    review = desk.submit({"code": content.code})

    refused = desk.sign({**review, "findings": []}, Gate.POLICY, FU)

    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert desk.sign(review, Gate.POLICY, FU).is_success
