"""The short list of editions: found by words of the draft, department and state, page by page."""

import pytest

from contracts.content.guides import Guide
from services.demo import content
from shared.publishing import overview
from shared.publishing.editions import Period
from shared.text.validation import body_of
from shared.tokens.person import SYSTEM
from tests.harness.desk_sources import desk_sources

GUIDES = content.guides()[:6]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    with desk_sources(tmp_path_factory.mktemp("overview")) as made:
        for number, guide in enumerate(GUIDES):
            words = {"remedy": '他说"可以"，100%_确定'} if number == 0 else {}
            made.guides.save_guide(SYSTEM, guide.code, body_of(Guide.model_validate({**body_of(guide), **words})), None)
        yield made


def codes(sources, **wanted):
    given = {"q": "", "department": "", "state": None, "after": "", "limit": 50, **wanted}
    with sources.guides.db.read() as session:
        found, following, total = overview.rows(session, **given)
    return [one["code"] for one in found], following, total


def test_every_word_must_be_in_the_draft_and_signs_are_only_signs(sources):
    everything = sorted(guide.code for guide in GUIDES)

    assert codes(sources)[0] == everything
    assert codes(sources, q='"可以" 100%_确定')[0] == [GUIDES[0].code]
    assert codes(sources, q="100%确定")[0] == []
    assert codes(sources, q="1__%")[0] == []
    assert codes(sources, q=f"{GUIDES[1].code} {GUIDES[1].task_name}")[0] == [GUIDES[1].code]


def test_pages_join_to_the_whole_list_without_a_gap_or_a_repetition(sources):
    seen, after = [], ""
    while after is not None:
        page, after, total = codes(sources, after=after, limit=2)
        seen += page

    assert seen == codes(sources)[0]
    assert total == len(GUIDES)


def test_a_state_and_a_department_narrow_the_list(sources):
    one = GUIDES[2].code
    sources.guides.release_guide(SYSTEM, one, Period(), None)

    assert codes(sources, state="released")[0] == [one]
    assert codes(sources, department=one[:18])[0] == [each for each in codes(sources)[0] if each[:18] == one[:18]]
    assert codes(sources, department="000000")[0] == []


def test_only_drafts_that_are_not_what_was_released_are_changed(sources):
    released = GUIDES[3].code
    sources.guides.release_guide(SYSTEM, released, Period(), None)

    found = codes(sources, changed=True)[0]

    assert released not in found
    assert GUIDES[4].code in found


def test_departments_have_a_name_and_a_number(sources):
    with sources.guides.db.read() as session:
        found = overview.departments(session)

    assert sum(one["editions"] for one in found) == len(GUIDES)
    assert {one["name"] for one in found} == {guide.dept_name for guide in GUIDES}
