"""The public side of a case: right labels, right days, and no typed text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.content.cases import Badge, Stage
from services.applications.lifecycle.definitions import TRANSITIONS, CaseStatus
from services.applications.lifecycle.facts import FactEvent
from services.applications.lifecycle.progress import (
    ADVICE,
    DEEMED_LABEL,
    DELIVERED_ADVICE,
    LABELS,
    OVERDUE_ADVICE,
    PAUSED_ADVICE,
    RESULT_AHEAD_ADVICE,
    RESULT_AHEAD_LABEL,
    STEP_LABELS,
    public_progress,
)
from tests.harness.cases import APPROVED, RECEIVED, REVIEWED, fact, october, state_of

ITEM = "11440232MB2D06811W4000117051000"
SALT = "0123456789abcdef" * 2


def test_a_finished_case_reads_as_its_story() -> None:
    progress = public_progress(state_of(fact("submitted", 10), *REVIEWED, APPROVED), ITEM, SALT)
    assert (progress.item_code, progress.salt, progress.stage) == (ITEM, SALT, Stage.CLOSED)
    assert (progress.state, progress.state_label, progress.badges) == ("APPROVED", "已办结（通过）", [])
    assert (progress.apply_date, progress.accept_date) == (october(10), october(13))
    assert (progress.promise_date, progress.result_date) == (october(27), october(20))
    assert [(step.state, step.label, step.day) for step in progress.milestones] == [
        ("SUBMITTED", "提交申请", october(10)),
        ("RECEIVED", "收件", october(12)),
        ("ACCEPTED", "受理", october(13)),
        ("IN_REVIEW", "部门开始办理", october(13)),
        ("APPROVED", "办结（通过）", october(20)),
    ]
    assert progress.advice == ADVICE[CaseStatus.APPROVED]


def test_every_state_and_every_step_has_its_words() -> None:
    assert set(LABELS) == set(ADVICE) == set(CaseStatus) == set(TRANSITIONS)
    assert set(STEP_LABELS) == set(FactEvent) - {FactEvent.EVALUATED}
    assert all(len(text) <= 50 for text in (*LABELS.values(), *STEP_LABELS.values(), RESULT_AHEAD_LABEL))
    assert all(len(text) + len(PAUSED_ADVICE) <= 200 for text in ADVICE.values())


def test_a_correction_is_one_state_to_the_public() -> None:
    progress = public_progress(state_of(*REVIEWED, fact("correction_requested", 14)), ITEM, SALT)
    assert (progress.state, progress.milestones[-1].state) == ("CORRECTION", "CORRECTION")
    assert progress.badges == [Badge.CORRECTION]


def test_no_day_is_promised_while_the_clock_stands_still() -> None:
    progress = public_progress(state_of(*REVIEWED, fact("special_started", 15, special_type="2")), ITEM, SALT)
    assert progress.promise_date is None
    assert progress.advice.endswith(PAUSED_ADVICE)
    extension = fact("special_started", 15, special_type="1", extension_days=5)
    assert public_progress(state_of(*REVIEWED, extension), ITEM, SALT).promise_date is not None


def test_a_result_ahead_of_its_process_is_said_plainly() -> None:
    progress = public_progress(state_of(APPROVED, RECEIVED), ITEM, SALT)
    assert (progress.stage, progress.state_label) == (Stage.CLOSED, RESULT_AHEAD_LABEL)
    assert progress.advice == RESULT_AHEAD_ADVICE


def test_deemed_acceptance_delivery_and_delay_are_said() -> None:
    deemed = public_progress(state_of(RECEIVED, as_of=october(20)), ITEM, SALT)
    assert (deemed.badges, deemed.milestones[-1].label) == ([Badge.DEEMED], DEEMED_LABEL)
    late = public_progress(state_of(*REVIEWED, as_of=october(30)), ITEM, SALT)
    assert (late.badges, late.advice) == ([Badge.OVERDUE], OVERDUE_ADVICE)
    delivered = public_progress(state_of(*REVIEWED, APPROVED, fact("delivered", 21)), ITEM, SALT)
    assert delivered.advice == DELIVERED_ADVICE


@pytest.mark.parametrize("salt", ["", "0" * 31, "G" * 32, "0" * 33])
def test_a_release_without_a_proper_salt_cannot_be_made(salt: str) -> None:
    with pytest.raises(ValueError, match="salt"):
        public_progress(state_of(*REVIEWED), ITEM, salt)


@given(st.sampled_from(FactEvent), st.text("卡纳瑞甲乙丙丁", min_size=3, max_size=40))
def test_nothing_that_anybody_typed_comes_through(event: FactEvent, typed: str) -> None:
    details = {"reason": typed, "explain": typed, "handle_user": typed, "certificate_no": typed}
    open_details = {"special_name": typed, "result_name": typed, "window_no": typed, "accept_doc_no": typed}
    case = state_of(*REVIEWED, fact(event, 14, **details, **open_details))
    shown = public_progress(case, ITEM, SALT).model_dump_json()
    assert typed not in shown
    assert case.steps[0].day.isoformat() in shown
