"""Opening cases, recording their facts, and what of that is released."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from contracts.codes.identifiers import ProjectNo
from contracts.content.items import Item
from services.applications.commands import Applications
from services.applications.intake.editor_reports import EventReport
from shared.errors import Conflict, Invalid, NotFound, PreconditionFailed, PreconditionMissing
from shared.security.case_ref import case_ref, new_query_code
from tests.harness.actors import TESTER
from tests.harness.cases import ACCEPTED, APPROVED, PROJECT_NO, RECEIVED, REVIEW
from tests.harness.county_cases import CODE, ITEM, KEY, REFERENCE, County, fact, moment

PERSON = {"applicant": {"name": "欧阳试", "page_code": "440232198501011234"}, "project_name": "关于欧阳试的业务"}


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    county = County.embedded(tmp_path)
    yield county
    county.close()


def report(event: str, day: int, hour: int = 9, **details: object) -> EventReport:
    return EventReport.model_validate({"event": event, "occurred_at": moment(day, hour), **details})


def test_a_new_case_is_shown_at_once_under_the_name_that_its_receipt_gives(county: County) -> None:
    receipt = county.cases.open_case(TESTER, {"item_code": ITEM})

    [release] = county.releases()
    assert release["key"] == f"application:{case_ref(receipt.project_no, receipt.query_code or '')}"
    assert (release["version"], release["op"], release["body"]["state"]) == (1, "release", "PENDING")


def test_numbers_of_our_own_count_the_cases_of_an_item_and_day(county: County) -> None:
    numbers = [ProjectNo.parse(county.cases.open_case(TESTER, {"item_code": ITEM}).project_no) for _ in range(3)]
    county.now = moment(13, 0)
    tomorrow = ProjectNo.parse(county.cases.open_case(TESTER, {"item_code": ITEM}).project_no)

    assert [(number.day.day, number.serial) for number in [*numbers, tomorrow]] == [(12, 1), (12, 2), (12, 3), (13, 1)]


def test_a_number_that_is_taken_already_is_not_given_out(county: County) -> None:
    county.open(project_no=f"{ITEM}202010120001")

    assert county.cases.open_case(TESTER, {"item_code": ITEM}).project_no.endswith("0002")


def test_a_foreign_number_is_kept_as_it_is_written_in_one_spelling(county: County) -> None:
    receipt = county.cases.open_case(TESTER, {"item_code": ITEM, "project_no": " ３7-2020-1a "})

    assert receipt.project_no == "37-2020-1A"


def test_the_query_code_is_nowhere_in_the_database(county: County, tmp_path: Path) -> None:
    code = county.cases.open_case(TESTER, {"item_code": ITEM}).query_code

    assert code
    assert all(code.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_receipt_prints_neither_number_nor_code(county: County) -> None:
    receipt = county.cases.open_case(TESTER, {"item_code": ITEM})

    assert receipt.project_no not in repr(receipt)
    assert str(receipt.query_code) not in repr(receipt)


def test_a_repeated_request_opens_one_case(county: County) -> None:
    request = {"item_code": ITEM, "request_id": "window-7/0001"}
    first, again = county.cases.open_case(TESTER, request), county.cases.open_case(TESTER, request)

    assert again.project_no == first.project_no
    assert (again.query_code, again.created) == (None, False)
    assert len(county.releases()) == 1


def test_a_repeated_request_with_a_code_of_its_own_gets_the_whole_receipt_again(county: County) -> None:
    request = {"item_code": ITEM, "request_id": "window-7/0001", "query_code": new_query_code()}
    first, again = county.cases.open_case(TESTER, request), county.cases.open_case(TESTER, request)

    assert (again.project_no, again.query_code, again.case_ref) == (first.project_no, first.query_code, first.case_ref)


def test_a_request_id_stands_for_one_request_only(county: County) -> None:
    county.cases.open_case(TESTER, {"item_code": ITEM, "request_id": "window-7/0001", **PERSON})

    with pytest.raises(Conflict):
        county.cases.open_case(TESTER, {"item_code": ITEM, "request_id": "window-7/0001"})


def test_a_number_that_is_open_is_not_opened_again(county: County) -> None:
    county.open()

    with pytest.raises(Conflict):
        county.cases.open_case(TESTER, {"item_code": ITEM, "project_no": PROJECT_NO})


def test_opening_with_the_same_number_and_code_again_is_harmless(county: County) -> None:
    county.open()
    county.open()

    assert len(county.releases()) == 1


def test_opening_again_with_another_applicant_changes_nothing_unseen(county: County) -> None:
    county.open()

    with pytest.raises(Conflict):
        county.open(**PERSON)


def test_what_is_kept_about_persons_changes_only_from_the_revision_that_was_read(county: County) -> None:
    county.open()
    content = {"item_code": ITEM, **PERSON}

    with pytest.raises(PreconditionMissing):
        county.cases.put_case(TESTER, PROJECT_NO, content, None)
    with pytest.raises(PreconditionFailed):
        county.cases.put_case(TESTER, PROJECT_NO, content, 7)
    assert county.cases.put_case(TESTER, PROJECT_NO, content, 1).revision == 2
    assert len(county.releases()) == 1


def test_a_case_keeps_its_item(county: County) -> None:
    county.open()

    with pytest.raises(Conflict):
        county.cases.put_case(TESTER, PROJECT_NO, {"item_code": ITEM + "01"}, 1)


def test_a_wrong_code_of_an_item_is_named_without_any_value(county: County) -> None:
    with pytest.raises(Invalid) as caught:
        county.cases.open_case(TESTER, {"item_code": ITEM[:-1], "applicant": {"name": "", "phone": "13812345678"}})

    fields = {violation.field for violation in caught.value.violations}
    assert fields == {"item_code", "applicant.name", "applicant.phone"}
    assert all(violation.value is None for violation in caught.value.violations)
    assert county.releases() == []


def test_a_key_that_could_be_personal_is_not_repeated(county: County) -> None:
    with pytest.raises(Invalid) as caught:
        county.cases.open_case(TESTER, {"item_code": ITEM, "欧阳试": 1, "13812345678": 2})

    assert [violation.field for violation in caught.value.violations] == ["…", "…"]


def test_the_rules_of_the_item_hold_as_they_were_when_the_case_was_opened(county: County) -> None:
    items = {ITEM: item(promise_day=3)}
    cases = Applications(county.db, county.cases.region, item_of=items.get, clock=county.cases.clock)
    cases.open_case(TESTER, {"item_code": ITEM, "project_no": PROJECT_NO, "query_code": CODE})
    items[ITEM] = item(promise_day=30)
    county.now = moment(13)
    cases.record(TESTER, PROJECT_NO, [RECEIVED, ACCEPTED])

    assert county.body()["promise_date"] == "2020-10-16"


def item(promise_day: int) -> Item:
    return Item(
        code=ITEM,
        catalog_code=ITEM[19:],
        task_name="取水许可",
        task_type="01",
        use_level="4",
        dept_name="水务局",
        dept_code=ITEM[:18],
        promise_day=promise_day,
        promise_type="1",
    )


def test_every_change_of_what_the_public_sees_is_the_next_version(county: County) -> None:
    county.open()
    for one in (RECEIVED, ACCEPTED, REVIEW, APPROVED):
        county.now = one.occurred_at
        county.cases.record(TESTER, PROJECT_NO, [one])

    assert [(row["version"], row["body"]["state"]) for row in county.releases(KEY)] == [
        (1, "PENDING"),
        (2, "RECEIVED"),
        (3, "ACCEPTED"),
        (4, "IN_REVIEW"),
        (5, "APPROVED"),
    ]


def test_every_release_has_a_salt_of_its_own(county: County) -> None:
    county.open()
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])

    assert len({row["body"]["salt"] for row in county.releases(KEY)}) == 2


def test_a_fact_that_changes_nothing_for_the_public_releases_nothing(county: County) -> None:
    county.open()
    county.now = moment(22)
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED, ACCEPTED, REVIEW, APPROVED])
    before = len(county.releases())
    county.cases.record(TESTER, PROJECT_NO, [fact("evaluated", 21, stars=5)])

    assert len(county.releases()) == before
    assert county.count("fact") == 5


def test_a_fact_reported_twice_is_one_fact(county: County) -> None:
    county.open()
    first = county.cases.record(TESTER, PROJECT_NO, [RECEIVED, RECEIVED])
    again = county.cases.record(TESTER, PROJECT_NO, [RECEIVED])

    assert again == first
    assert county.count("fact") == 1
    assert len(county.releases()) == 2


def test_one_identity_with_two_contents_is_refused_and_changes_nothing(county: County) -> None:
    county.open()
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])
    other = fact("accepted", 12, fact_id=RECEIVED.fact_id)

    with pytest.raises(Invalid) as caught:
        county.cases.record(TESTER, PROJECT_NO, [fact("submitted", 11), other])
    assert [(violation.field, violation.value) for violation in caught.value.violations] == [("fact_id", None)]
    assert county.count("fact") == 1


def test_the_same_identity_may_occur_in_two_cases(county: County) -> None:
    county.open()
    county.open(project_no="37-2020-1")
    county.cases.record(TESTER, "37-2020-1", [fact("received", 12, number="37-2020-1")])
    county.cases.record(TESTER, PROJECT_NO, [fact("received", 12)])

    assert county.count("fact") == 2


@pytest.mark.parametrize("day", [14, 400])
def test_a_fact_of_the_future_is_refused(county: County, day: int) -> None:
    county.open()

    with pytest.raises(Invalid):
        county.cases.record(TESTER, PROJECT_NO, [fact("received", day)])


def test_facts_that_come_before_their_case_wait_for_it(county: County) -> None:
    county.now = moment(13, 18)
    assert county.cases.record(TESTER, PROJECT_NO, [ACCEPTED]) is None
    assert county.cases.record(TESTER, PROJECT_NO, [RECEIVED]) is None
    assert county.releases() == []

    county.open()

    assert county.body()["state"] == "ACCEPTED"
    assert county.body()["accept_date"] == "2020-10-13"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([RECEIVED, ACCEPTED, REVIEW, APPROVED, fact("delivered", 21), None]), st.data())
def test_the_order_of_arrival_never_matters(
    tmp_path_factory: pytest.TempPathFactory, order: list[object], data: st.DataObject
) -> None:
    """`None` is the moment at which the case is opened; some facts are repeated."""
    county = County.embedded(tmp_path_factory.mktemp("order"))
    county.now = moment(22)
    for one in order:
        if one is None:
            county.open()
            continue
        for _ in range(data.draw(st.integers(1, 2))):
            county.cases.record(TESTER, PROJECT_NO, [one])  # type: ignore[list-item]  # a fact

    body = {name: value for name, value in county.body().items() if name != "salt"}
    assert body["state"] == "APPROVED"
    assert [step["state"] for step in body["milestones"]] == [
        "RECEIVED",
        "ACCEPTED",
        "IN_REVIEW",
        "APPROVED",
        "APPROVED",
    ]
    versions = [row["version"] for row in county.releases(KEY)]
    assert versions == list(range(1, len(versions) + 1))
    county.close()


def test_an_editor_may_report_only_what_the_state_allows(county: County) -> None:
    county.open()

    with pytest.raises(Conflict) as caught:
        county.cases.report(TESTER, PROJECT_NO, [report("approved", 12)])
    assert "PENDING does not allow approved; allowed: received, submitted" in str(caught.value)
    assert county.count("fact") == 0


def test_an_editors_events_are_recorded_all_or_none(county: County) -> None:
    county.open()

    with pytest.raises(Conflict):
        county.cases.report(TESTER, PROJECT_NO, [report("received", 12, 9), report("approved", 12, 10)])
    assert county.count("fact") == 0

    county.cases.report(
        TESTER, PROJECT_NO, [report("received", 12, 9), report("accepted", 12, 10, accept_doc_no="S-1")]
    )
    assert county.body()["state"] == "ACCEPTED"


def test_an_editors_event_sent_twice_is_one_event(county: County) -> None:
    county.open()
    first = county.cases.report(TESTER, PROJECT_NO, [report("received", 12)])

    assert county.cases.report(TESTER, PROJECT_NO, [report("received", 12)]) == first
    assert county.count("fact") == 1


def test_an_event_without_a_moment_happens_now(county: County) -> None:
    county.open()
    county.cases.report(TESTER, PROJECT_NO, [EventReport.model_validate({"event": "received"})])

    assert county.body()["milestones"][0]["day"] == "2020-10-12"


def test_a_missing_detail_of_an_event_is_named(county: County) -> None:
    county.open()
    county.cases.report(TESTER, PROJECT_NO, [report("received", 12)])

    with pytest.raises(Invalid) as caught:
        county.cases.report(TESTER, PROJECT_NO, [report("accepted", 12, 10)])
    assert caught.value.violations[0].field == "accept_doc_no"


def test_nothing_is_reported_about_a_case_that_nobody_opened(county: County) -> None:
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])

    with pytest.raises(NotFound) as caught:
        county.cases.report(TESTER, PROJECT_NO, [report("accepted", 12)])
    assert PROJECT_NO not in str(caught.value)


def test_a_withdrawn_case_leaves_every_channel_and_can_come_back(county: County) -> None:
    county.open()
    county.cases.withdraw(TESTER, PROJECT_NO)
    county.cases.withdraw(TESTER, PROJECT_NO)
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])
    county.cases.release(TESTER, PROJECT_NO)

    assert [(row["version"], row["op"], row["body"] and row["body"]["state"]) for row in county.releases(KEY)] == [
        (1, "release", "PENDING"),
        (2, "withdraw", None),
        (3, "release", "RECEIVED"),
    ]


def test_an_erased_case_is_forgotten_for_good(county: County) -> None:
    county.open(request_id="window-7/0001", **PERSON)
    county.cases.record(TESTER, PROJECT_NO, [fact("received", 12, explain="欧阳试来电", handle_user="宋某")])
    county.cases.withdraw(TESTER, PROJECT_NO, erase=True)
    county.cases.record(TESTER, PROJECT_NO, [fact("accepted", 12, 10, explain="欧阳试再来电")])

    assert county.opened("application") == ["{}"]
    assert not any("欧阳" in told or "宋" in told for told in county.opened("fact"))
    assert county.count("request") + county.count("timer") == 0
    assert county.releases()[-1]["op"] == "withdraw"
    with pytest.raises(Conflict):
        county.cases.release(TESTER, PROJECT_NO)


def test_a_fact_repeated_after_erasure_is_still_the_same_fact(county: County) -> None:
    one = fact("received", 12, explain="欧阳试来电")
    county.open()
    county.cases.record(TESTER, PROJECT_NO, [one])
    county.cases.withdraw(TESTER, PROJECT_NO, erase=True)
    county.cases.record(TESTER, PROJECT_NO, [one])

    assert county.count("fact") == 1


def test_waiting_facts_of_a_wrong_number_can_be_erased(county: County) -> None:
    county.cases.record(TESTER, PROJECT_NO, [fact("received", 12, explain="欧阳试来电")])
    county.cases.withdraw(TESTER, PROJECT_NO, erase=True)

    assert not any("欧阳" in told for told in county.opened("fact"))
    assert county.releases() == []
    with pytest.raises(Conflict):
        county.open()


def test_a_lost_receipt_is_replaced_and_the_old_one_ends(county: County) -> None:
    county.open()
    receipt = county.cases.reissue(TESTER, PROJECT_NO)

    assert receipt.case_ref != REFERENCE
    assert receipt.case_ref == case_ref(PROJECT_NO, receipt.query_code or "")
    assert [row["op"] for row in county.releases(KEY)] == ["release", "withdraw"]
    assert [(row["version"], row["op"]) for row in county.releases(f"application:{receipt.case_ref}")] == [
        (1, "release")
    ]


def test_the_name_of_a_lost_receipt_is_not_given_to_another_case(county: County) -> None:
    county.open()
    county.cases.reissue(TESTER, PROJECT_NO)

    with pytest.raises(Invalid):
        county.cases.open_case(TESTER, {"item_code": ITEM, "project_no": "37-2020-1", "case_ref": REFERENCE})
