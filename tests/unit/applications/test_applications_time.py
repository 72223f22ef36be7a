"""The effect of time on cases: deadlines, deemed acceptance, overdue marks, and a holiday notice that moves them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from contracts.base import Json
from services.applications import background, queries
from services.applications.intake.editor_reports import EventReport
from services.applications.lifecycle import timers
from shared.errors import Invalid
from tests.harness.actors import TESTER
from tests.harness.cases import ACCEPTED, PROJECT_NO, RECEIVED, REVIEW
from tests.harness.county_cases import ITEM, KEY, County, fact, moment, notice


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    county = County.embedded(tmp_path)
    yield county
    county.close()


@pytest.fixture
def uninformed(tmp_path: Path) -> Iterator[County]:
    """A county that has seen no holiday notice yet."""
    county = County.embedded(tmp_path, calendar=False)
    yield county
    county.close()


def accept_in_september(county: County, number: str = PROJECT_NO, **content: object) -> None:
    """Accepted on 25 September, ten working days: with the holidays of 1 to 8 October until the 15th."""
    county.open(project_no=number, **content)
    facts = [fact("received", -6, number=number), fact("accepted", -5, number=number, accept_doc_no="S-1")]
    county.cases.record(TESTER, number, facts)


def shortened(year: int, *days: str) -> Json:
    """Return the notice of a year without some days."""
    content = notice(year)
    return {**content, "days": [day for day in content["days"] if day["date"] not in days]}


def test_a_holiday_notice_moves_the_deadline_of_an_open_case(uninformed: County) -> None:
    uninformed.now = moment(-5, 18)
    accept_in_september(uninformed)
    assert uninformed.body()["promise_date"] == "2020-10-09"

    answer = uninformed.cases.put_calendar(TESTER, 2020, notice(2020))

    assert answer == {"year": 2020, "changed": True, "cases": 1}
    assert uninformed.body()["promise_date"] == "2020-10-15"
    assert uninformed.count("timer", "kind = 'promise' AND day = '2020-10-15'") == 1


def test_a_day_in_a_year_without_a_notice_is_provisional_and_becomes_certain_with_it(
    uninformed: County,
) -> None:
    uninformed.now = moment(-5, 18)
    accept_in_september(uninformed)
    assert uninformed.body()["promise_provisional"] is True
    assert provisional(uninformed) == {"cases": 1, "years": [2020]}

    uninformed.cases.put_calendar(TESTER, 2020, notice(2020))

    assert "promise_provisional" not in uninformed.body()
    assert provisional(uninformed) == {"cases": 0, "years": []}


def test_a_promised_day_of_next_year_is_provisional_until_next_years_notice_comes(county: County) -> None:
    county.now = moment(-5, 18)
    accept_in_september(county, promise_day=90)
    assert county.body()["promise_provisional"] is True

    county.cases.put_calendar(
        TESTER, 2021, {"year": 2021, "days": [{"name": "元旦", "date": "2021-01-01", "isOffDay": True}]}
    )

    assert "promise_provisional" not in county.body()


def test_an_announced_year_makes_nothing_provisional(county: County) -> None:
    county.now = moment(-5, 18)
    accept_in_september(county)

    assert "promise_provisional" not in county.body()


def test_a_notice_without_days_announces_nothing(uninformed: County) -> None:
    uninformed.now = moment(-5, 18)
    accept_in_september(uninformed)
    uninformed.cases.put_calendar(TESTER, 2020, {"year": 2020, "days": []})

    assert uninformed.body()["promise_provisional"] is True


def provisional(county: County) -> Json:
    with county.db.read() as session:
        found: Json = queries.provisional(session, county.cases.known(session))
    return found


def test_releases_of_a_moved_deadline_do_not_stand_in_front_of_an_editor(uninformed: County) -> None:
    uninformed.now = moment(-5, 18)
    accept_in_september(uninformed)
    uninformed.cases.put_calendar(TESTER, 2020, notice(2020))

    assert uninformed.lane_heads() == {"live": 2, "backfill": 1}


def test_a_notice_that_moves_nothing_releases_nothing(county: County) -> None:
    county.open()
    county.cases.put_calendar(TESTER, 2019, notice(2019))

    assert len(county.releases()) == 1


def test_the_same_notice_again_changes_nothing(county: County) -> None:
    county.open()

    assert county.cases.put_calendar(TESTER, 2020, notice(2020)) == {"year": 2020, "changed": False, "cases": 0}


def test_a_second_notice_of_the_year_replaces_the_first(uninformed: County) -> None:
    uninformed.now = moment(-5, 18)
    uninformed.cases.put_calendar(TESTER, 2020, shortened(2020, "2020-10-08"))
    accept_in_september(uninformed)
    assert uninformed.body()["promise_date"] == "2020-10-14"

    uninformed.cases.put_calendar(TESTER, 2020, notice(2020))

    assert uninformed.body()["promise_date"] == "2020-10-15"
    assert timers.notices(uninformed.db) == [notice(2020)]


def test_a_closed_case_is_left_as_it_was(uninformed: County) -> None:
    uninformed.now = moment(-2, 18)
    accept_in_september(uninformed)
    uninformed.cases.record(TESTER, PROJECT_NO, [fact("rejected", -2)])
    before = uninformed.releases()

    assert uninformed.cases.put_calendar(TESTER, 2020, notice(2020))["cases"] == 0
    assert uninformed.releases() == before


@pytest.mark.parametrize(
    "content", [{"year": 2021, "days": []}, {"year": 2020}, [], "2020", {"year": 2020, "days": [{"date": "x"}]}]
)
def test_a_notice_that_is_none_changes_nothing(county: County, content: object) -> None:
    with pytest.raises(Invalid):
        county.cases.put_calendar(TESTER, 2020, content)

    assert timers.notices(county.db) == [notice(2020)]
    assert county.count("calendar_mark", "generation = 1") == 1


def test_notices_that_contradict_each_other_are_refused(county: County) -> None:
    wrong = {"year": 2021, "days": [{"name": "元旦", "date": "2020-10-01", "isOffDay": False}]}

    with pytest.raises(Invalid):
        county.cases.put_calendar(TESTER, 2021, wrong)


def test_an_interrupted_recomputation_is_finished_after_the_restart(
    uninformed: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of one case each; the second chunk fails."""
    numbers = [f"37-2020-{serial}" for serial in range(4)]
    uninformed.now = moment(-5, 18)
    for number in numbers:
        accept_in_september(uninformed, number, query_code=None)
    monkeypatch.setattr(timers, "CHUNK", 1)
    days = iter([date(2020, 9, 25)])

    timers.store_notice(uninformed.db, TESTER, 2020, notice(2020))
    with pytest.raises(StopIteration):
        timers.finish_calendar(uninformed.db, uninformed.cases.region, lambda: next(days))
    uninformed.close()
    restarted = County.embedded(tmp_path, calendar=False)
    restarted.now = moment(-5, 18)

    assert restarted.cases.keep_up() == 3
    assert {key: restarted.body(key)["promise_date"] for key in keys(restarted)} == dict.fromkeys(
        keys(restarted), "2020-10-15"
    )
    assert restarted.cases.keep_up() == 0
    restarted.close()


def keys(county: County) -> set[str]:
    return {release["key"] for release in county.releases()}


def test_silence_past_the_limit_is_acceptance(county: County) -> None:
    """许可法 art. 32(4): received on Monday 12, five working days end on Monday 19."""
    county.open()
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])

    assert county.cases.run_timers(moment(19, 23)) == 0
    assert county.cases.run_timers(moment(20, 0)) == 1

    body = county.body()
    assert (body["state"], body["accept_date"], body["badges"]) == ("ACCEPTED", "2020-10-12", ["deemed"])
    assert county.count("fact", "fact_id = 'deemed:2020-10-19'") == 1


def test_a_timer_that_went_off_does_nothing_more(county: County) -> None:
    county.open()
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])
    county.cases.run_timers(moment(20))
    before = county.releases()

    assert county.cases.run_timers(moment(20, 12)) == 0
    assert county.releases() == before


def test_an_answer_in_time_stops_the_timer(county: County) -> None:
    county.open()
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])
    county.now = moment(13)
    county.cases.record(TESTER, PROJECT_NO, [ACCEPTED])

    assert county.cases.run_timers(moment(20)) == 0
    assert "deemed" not in county.body()["badges"]


def test_a_correction_notice_in_time_that_arrives_late_undoes_the_deemed_acceptance(county: County) -> None:
    county.open()
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED])
    county.now = moment(20)
    county.cases.keep_up()
    county.cases.record(TESTER, PROJECT_NO, [fact("correction_requested", 16)])

    assert county.body()["state"] == "CORRECTION"
    assert "deemed" not in county.body()["badges"]


def test_a_promise_that_passes_makes_the_case_overdue(county: County) -> None:
    """Accepted on the 13th, ten working days end on the 27th."""
    county.open()
    county.now = moment(13)
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED, ACCEPTED, fact("review_started", 13, 9)])
    county.cases.run_timers(moment(27, 23))
    assert county.body()["badges"] == []

    county.cases.run_timers(moment(28, 0))

    assert county.body()["badges"] == ["overdue"]
    assert county.count("application", "overdue") == 1
    assert county.cases.run_timers(moment(28, 12)) == 0


def test_an_extension_of_a_running_limit_moves_its_timer(county: County) -> None:
    county.open()
    county.now = moment(13, 12)
    county.cases.record(TESTER, PROJECT_NO, [RECEIVED, ACCEPTED, REVIEW])
    extension = {
        "event": "special_started",
        "special_type": "1",
        "extension_days": 2,
        "reason": "情况复杂",
        "occurred_at": moment(13, 12),
    }
    county.cases.report(TESTER, PROJECT_NO, [EventReport.model_validate(extension)])

    assert county.cases.run_timers(moment(28)) == 0
    assert county.cases.run_timers(moment(30)) == 1
    assert "overdue" in county.body()["badges"]


def test_many_cases_fall_due_together(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "CHUNK", 2)
    for serial in range(5):
        number = f"37-2020-{serial}"
        county.cases.open_case(TESTER, {"item_code": ITEM, "project_no": number})
        county.cases.record(TESTER, number, [fact("received", 12, number=number)])

    assert county.cases.run_timers(moment(20)) == 5
    assert county.count("application", "state = 'ACCEPTED'") == 5


def test_the_embedded_mode_keeps_deadlines_in_the_background(county: County) -> None:
    assert set(background.background(county.cases)) == {"applications-deadlines"}


def test_versions_of_a_case_have_no_holes_across_lanes(uninformed: County) -> None:
    uninformed.now = moment(-5, 18)
    accept_in_september(uninformed)
    uninformed.cases.put_calendar(TESTER, 2020, notice(2020))
    uninformed.cases.run_timers(moment(20))

    assert sorted(row["version"] for row in uninformed.releases(KEY)) == [1, 2, 3, 4]
