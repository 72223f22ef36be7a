"""A case's state follows from the reported facts; an editor can add only what state and law allow."""

import pytest

from contracts.content.cases import Badge, Stage
from services.applications.lifecycle.current_state import guard
from services.applications.lifecycle.definitions import Breach, CaseStatus
from services.applications.lifecycle.facts import Fact
from shared.errors import Conflict, Invalid
from tests.harness.cases import (
    ACCEPTED,
    APPROVED,
    RECEIVED,
    REVIEW,
    REVIEWED,
    SERVICE,
    breaches,
    fact,
    october,
    state_of,
)


def test_a_case_goes_from_submission_to_delivery() -> None:
    case = state_of(fact("submitted", 10), *REVIEWED, APPROVED, fact("delivered", 22), fact("evaluated", 23, stars=5))
    assert (case.state, case.stage, case.badges) == (CaseStatus.APPROVED, Stage.CLOSED, ())
    assert (case.apply_date, case.receipt_date, case.accept_date) == (october(10), october(12), october(13))
    assert (case.result_date, case.delivered_date) == (october(20), october(22))
    assert [step.event for step in case.steps] == [
        "submitted", "received", "accepted", "review_started", "approved", "delivered",
    ]  # fmt: skip
    assert case.waiting == case.superseded == case.violations == ()


def test_without_facts_a_case_is_pending() -> None:
    case = state_of()
    assert (case.state, case.stage, case.promise_date) == (CaseStatus.PENDING, Stage.ACCEPTANCE, None)


@pytest.mark.parametrize(
    ("facts", "state", "badges"),
    [
        ([RECEIVED, fact("not_accepted", 13)], CaseStatus.NOT_ACCEPTED, (Badge.NOT_ACCEPTED,)),
        ([RECEIVED, fact("not_applicable", 13)], CaseStatus.NOT_APPLICABLE, (Badge.NOT_ACCEPTED,)),
        ([RECEIVED, fact("withdrawn", 13)], CaseStatus.WITHDRAWN, (Badge.WITHDRAWN,)),
        ([*REVIEWED, fact("withdrawn_back", 14)], CaseStatus.WITHDRAWN_BACK, (Badge.WITHDRAWN,)),
        ([*REVIEWED, fact("withdrawn", 14)], CaseStatus.WITHDRAWN_BACK, (Badge.WITHDRAWN,)),
        ([fact("submitted", 12), fact("pre_rejected", 13)], CaseStatus.PRE_REJECTED, ()),
        ([fact("submitted", 12), fact("pre_rejected", 13), fact("submitted", 14)], CaseStatus.SUBMITTED, ()),
        ([RECEIVED, fact("correction_requested", 13)], CaseStatus.CORRECTION, (Badge.CORRECTION,)),
        ([*REVIEWED, fact("correction_requested", 14)], CaseStatus.REVIEW_CORRECTION, (Badge.CORRECTION,)),
        ([*REVIEWED, fact("special_started", 14, special_type="2")], CaseStatus.SPECIAL, (Badge.SPECIAL,)),
        ([*REVIEWED, APPROVED, fact("revoked", 28)], CaseStatus.REVOKED, ()),
        ([RECEIVED, ACCEPTED, APPROVED], CaseStatus.APPROVED, ()),
    ],
)
def test_each_way_leads_to_its_state(facts: list[Fact], state: CaseStatus, badges: tuple[Badge, ...]) -> None:
    case = state_of(*facts)
    assert (case.state, case.badges) == (state, badges)


def test_a_result_before_its_process_waits_but_already_sets_the_stage() -> None:
    case = state_of(APPROVED, RECEIVED)
    assert (case.state, case.stage, case.waiting) == (CaseStatus.RECEIVED, Stage.CLOSED, (APPROVED,))
    assert state_of(APPROVED, RECEIVED, ACCEPTED).state == CaseStatus.APPROVED


def test_a_process_record_sets_stage_two_before_acceptance_is_known() -> None:
    assert state_of(RECEIVED, REVIEW).stage == Stage.PROCESSING


def test_a_step_dated_minutes_before_its_predecessor_is_taken_after_it() -> None:
    case = state_of(fact("received", 12), fact("review_started", 13, 9), fact("accepted", 13, 10, accept_doc_no="1"))
    assert (case.state, case.waiting) == (CaseStatus.IN_REVIEW, ())


def test_one_step_reported_by_two_systems_is_taken_once() -> None:
    case = state_of(*REVIEWED, fact("received", 13, 8), fact("accepted", 14), fact("review_started", 15), APPROVED)
    assert (case.state, case.accept_date, case.violations) == (CaseStatus.APPROVED, october(13), ())
    assert len(case.superseded) == 3


def test_a_second_correction_notice_is_a_breach_unless_the_file_changed() -> None:
    first = [RECEIVED, fact("correction_requested", 13), fact("correction_completed", 14)]
    assert breaches(state_of(*first, fact("correction_requested", 15))) == [Breach.SECOND_CORRECTION_NOTICE]
    assert breaches(state_of(*first, fact("correction_requested", 15, file_changed=True))) == []
    assert breaches(state_of(*first[:2], fact("correction_requested", 14))) == [Breach.SECOND_CORRECTION_NOTICE]
    assert breaches(state_of(*first[:2], fact("correction_requested", 13, 11))) == []


def test_a_decision_on_a_licence_needs_its_document() -> None:
    bare = fact("accepted", 13)
    assert breaches(state_of(RECEIVED, bare)) == [Breach.NO_ACCEPT_DOCUMENT]
    assert breaches(state_of(RECEIVED, bare, fact("accepted", 13, 12, accept_doc_no="S-1"))) == []
    assert breaches(state_of(RECEIVED, bare, rules=SERVICE)) == []


def test_one_identity_with_two_contents_is_a_breach() -> None:
    case = state_of(RECEIVED, fact("withdrawn", 14, fact_id=RECEIVED.fact_id))
    assert (case.state, breaches(case)) == (CaseStatus.RECEIVED, [Breach.FACT_ID_REUSED])


def test_a_closed_case_takes_no_other_decision() -> None:
    case = state_of(*REVIEWED, APPROVED, fact("rejected", 21), fact("approved", 22))
    assert (case.state, breaches(case)) == (CaseStatus.APPROVED, [Breach.AFTER_END])
    assert state_of(RECEIVED, fact("withdrawn", 13), fact("withdrawn_back", 13, 10)).violations == ()


@pytest.mark.parametrize("event", ["approved", "delivered", "received", "revoked"])
def test_an_editor_is_told_the_state_and_what_it_allows(event: str) -> None:
    with pytest.raises(Conflict, match=rf"RECEIVED does not allow {event}; allowed: accepted, correction_requested"):
        guard(state_of(RECEIVED), fact(event, 14))


@pytest.mark.parametrize(
    ("before", "after", "objection"),
    [
        ([RECEIVED], fact("correction_requested", 20), "the notice was due by 2020-10-19"),
        (
            [RECEIVED, fact("correction_requested", 13), fact("correction_completed", 14)],
            fact("correction_requested", 15),
            "second-correction-notice",
        ),
        ([*REVIEWED], fact("approved", 12), "dated earlier than the last step"),
        (
            [*REVIEWED],
            fact("special_started", 15, special_type="1", extension_days=11, reason="案情复杂"),
            "only 10 working days of extension are left",
        ),
        (
            [*REVIEWED],
            fact("special_started", 28, special_type="1", extension_days=1, reason="案情复杂"),
            "the time limit ended on 2020-10-27",
        ),
    ],
)
def test_an_editor_cannot_break_a_rule_that_halls_can(before: list[Fact], after: Fact, objection: str) -> None:
    with pytest.raises(Conflict, match=objection):
        guard(state_of(*before), after)


def test_an_editor_must_give_what_the_law_asks_for() -> None:
    with pytest.raises(Invalid, match="accept_doc_no"):
        guard(state_of(RECEIVED), fact("accepted", 13))
    with pytest.raises(Invalid, match=r"special_type.*reason"):
        guard(state_of(*REVIEWED), fact("special_started", 15))
    guard(state_of(RECEIVED), ACCEPTED)
    guard(state_of(*REVIEWED), fact("special_started", 15, special_type="2", reason="听证"))


def test_what_happened_first_on_a_day_counts() -> None:
    case = state_of(*REVIEWED, fact("withdrawn_back", 20, 9), fact("approved", 20, 15))
    assert (case.state, breaches(case)) == (CaseStatus.WITHDRAWN_BACK, [Breach.AFTER_END])


def test_an_end_waits_for_its_own_beginning() -> None:
    early = fact("correction_completed", 13)
    assert state_of(RECEIVED, early).waiting == (early,)
    case = state_of(RECEIVED, early, fact("correction_requested", 14))
    assert (case.state, case.waiting) == (CaseStatus.CORRECTION, (early,))
    case = state_of(RECEIVED, fact("correction_requested", 12, 10), early)
    assert (case.state, case.waiting) == (CaseStatus.RECEIVED, ())
