"""The same set of facts gives the same state, in whatever order and however often they arrive."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.applications.lifecycle.current_state import allowed_events
from services.applications.lifecycle.definitions import CLOSED, TRANSITIONS, CaseStatus, LegalLimits
from services.applications.lifecycle.facts import Fact, FactEvent
from services.applications.lifecycle.working_days import TimeUnit, start_of
from tests.harness.cases import LICENCE, PROJECT_NO, SERVICE, october, state_of

DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "accept_doc_no": st.just("S-1"),
        "special_type": st.sampled_from(["1", "2"]),
        "file_changed": st.booleans(),
        "tolerance_due": st.just(october(30)),
    },
)


@st.composite
def some_facts(draw: st.DrawFn) -> list[Fact]:
    """Draw half a plausible case and half noise: facts that fit or do not, repeats, and evidence of a passed limit."""
    facts: list[Fact] = []
    moment = start_of(october(9))
    for number in range(draw(st.integers(0, 12))):
        moment += timedelta(hours=draw(st.sampled_from([0, 1, 2, 24, 72, 240])))
        likely = sorted(allowed_events(state_of(*facts)))
        event = draw(st.sampled_from(likely) if likely and draw(st.booleans()) else st.sampled_from(FactEvent))
        details = draw(DETAILS) | ({"deemed": True} if event == "accepted" and draw(st.booleans()) else {})
        facts.append(Fact(fact_id=f"f{number}", project_no=PROJECT_NO, event=event, occurred_at=moment, **details))
    return facts


RULES = st.sampled_from([LICENCE, SERVICE, replace(LICENCE, promise_type=TimeUnit.NATURAL)])


@given(some_facts(), RULES, st.randoms(use_true_random=False), st.integers(0, 12))
def test_order_repetition_and_lateness_of_arrival_never_matter(
    facts: list[Fact], rules: LegalLimits, chance: Any, repeated: int
) -> None:
    expected = state_of(*facts, rules=rules)
    arrived = [*facts, *facts[:repeated]]
    chance.shuffle(arrived)
    assert state_of(*arrived, rules=rules) == expected
    store: dict[str, Fact] = {}
    seen = state_of(rules=rules)
    for one in arrived:
        store[one.fact_id] = one
        seen = state_of(*store.values(), rules=rules)
    assert seen == expected


@given(some_facts(), RULES)
def test_no_fact_is_lost_on_the_way(facts: list[Fact], rules: LegalLimits) -> None:
    case = state_of(*facts, rules=rules)
    evaluations = sum(one.event == FactEvent.EVALUATED for one in facts)
    taken = sum(not step.implied for step in case.steps)
    aside = len(case.waiting) + len(case.superseded)
    assert taken + aside <= len(facts) <= taken + aside + evaluations


@given(some_facts(), RULES)
def test_the_stage_follows_from_the_events_alone(facts: list[Fact], rules: LegalLimits) -> None:
    events = {one.event.value for one in facts}
    result = events & {"approved", "approved_tolerant", "rejected", "revoked", "delivered"}
    process = events & {"review_started", "special_started", "special_ended"}
    assert state_of(*facts, rules=rules).stage == ("3" if result else "2" if process else "1")


@given(some_facts(), RULES)
def test_an_ended_case_stays_ended_whatever_happens_after(facts: list[Fact], rules: LegalLimits) -> None:
    ordered = sorted(facts, key=lambda one: one.occurred_at)
    ended = None
    for count in range(len(ordered) + 1):
        if count < len(ordered) and count and ordered[count].occurred_at == ordered[count - 1].occurred_at:
            continue
        state = state_of(*ordered[:count], rules=rules).state
        assert ended in (None, state)
        ended = state if state in CLOSED and not TRANSITIONS[state] else None


@given(some_facts(), RULES)
def test_every_step_is_one_that_the_life_cycle_knows(facts: list[Fact], rules: LegalLimits) -> None:
    case = state_of(*facts, rules=rules)
    state = CaseStatus.PENDING
    for step in case.steps:
        assert TRANSITIONS[state].get(step.event, state) == step.state
        state = step.state
    assert state == case.state
    assert case.extension_days <= rules.extension_limit
    assert (case.accept_date is None) == (not any(step.event == "accepted" for step in case.steps))
    assert allowed_events(case) >= set(TRANSITIONS[case.state])
