"""Messages of halls and exchanges: facts are accepted in any order, bad messages are refused with a reason."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.base import Json
from shared.errors import Unavailable
from shared.messaging.delivery import Message
from tests.harness.cases import PROJECT_NO
from tests.harness.county_cases import CODE, ITEM, KEY, REFERENCE, County, hall, message, moment

ACCEPT_ROW: Json = {
    "row_guid": "a-1",
    "project_no": PROJECT_NO,
    "task_code": ITEM,
    "apply_date": "2020-10-12 09:00:00",
    "accept_date": "2020-10-13 10:00:00",
    "accept_doc_no": "S-1",
    "handle_user_name": "宋某例",
    "applyer_name": "欧阳试",
    "applyer_type": "1",
    "applyer_page_type": "111",
    "applyer_page_code": "440232198501011234",
    "contact_mobile": "13812345678",
    "project_name": "关于欧阳试取水许可的业务",
}


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    county = County.embedded(tmp_path)
    county.now = moment(20, 18)
    yield county
    county.close()


def exchange(table: str, row: Json, **more: Any) -> Message:
    return message({"source": "exchange", "table": table, "row": row, **more})


def test_a_hall_opens_a_case_with_the_code_that_it_printed(county: County) -> None:
    assert county.take(hall("jj", 12, item_code=ITEM, query_code="0123-4567-89ab")) == []

    assert county.body(KEY)["item_code"] == ITEM


def test_a_hall_may_send_the_public_name_instead_of_the_code(county: County) -> None:
    county.take(hall("jj", 12, item_code=ITEM, case_ref=REFERENCE))

    assert county.releases(KEY)


def test_a_batch_releases_each_case_once(county: County) -> None:
    opening = {"item_code": ITEM, "query_code": CODE}
    county.take(hall("jj", 12, **opening), hall("accept", 13, details={"accept_doc_no": "S-1"}, **opening))

    assert [(row["version"], row["body"]["state"]) for row in county.releases()] == [(1, "IN_REVIEW")]


def test_later_messages_need_not_say_again_what_opened_the_case(county: County) -> None:
    county.take(hall("jj", 12, item_code=ITEM, query_code=CODE))
    county.take(hall("accept", 13, details={"accept_doc_no": "S-1"}))
    county.take(hall("sendresult", 20, state="11"))

    assert county.body()["state"] == "APPROVED"


def test_messages_before_their_case_wait_for_it(county: County) -> None:
    assert county.take(hall("accept", 13), hall("jj", 12)) == []
    assert county.releases() == []

    county.open()

    assert county.body()["state"] == "IN_REVIEW"


def test_a_message_delivered_again_changes_nothing(county: County) -> None:
    batch = [hall("jj", 12, item_code=ITEM, query_code=CODE), hall("accept", 13)]
    county.take(*batch)
    county.take(*batch, *batch)

    assert len(county.releases()) == 1
    assert county.count("fact") == 3


def test_a_state_code_with_its_moment_is_enough(county: County) -> None:
    county.open()
    county.take(
        message({"source": "state", "project_no": PROJECT_NO, "state": "1", "occurred_at": "2020-10-20T01:00Z"})
    )

    assert county.body()["state"] == "RECEIVED"


def test_a_row_of_the_exchange_brings_facts_and_what_the_clerk_must_know(county: County) -> None:
    county.take(exchange("up_pro_accept", ACCEPT_ROW, query_code=CODE))

    assert county.body()["state"] == "ACCEPTED"
    (known,) = county.opened("application")
    assert "欧阳试" in known
    assert "13812345678" in known


def test_a_row_without_a_code_waits_with_its_applicant(county: County) -> None:
    county.take(exchange("up_pro_accept", ACCEPT_ROW))
    county.open()

    assert county.body()["state"] == "ACCEPTED"
    (known,) = county.opened("application")
    assert "欧阳试" in known


def test_what_a_clerk_wrote_about_persons_stands_against_a_late_row(county: County) -> None:
    county.open(applicant={"name": "欧阳真"})
    county.take(exchange("up_pro_accept", ACCEPT_ROW))

    (known,) = county.opened("application")
    assert "欧阳真" in known
    assert "13812345678" not in known


REFUSED: dict[str, tuple[Any, str]] = {
    "not JSON": (b"\xff\xfe", "body"),
    "no object": ([1], "body"),
    "unknown source": ({"source": "fax"}, "body"),
    "no number": ({"source": "hall", "operation": "jj", "occurred_at": "2020-10-12T01:00:00Z"}, "hall.project_no"),
    "unknown operation": (hall("欧阳试", 12), "operation"),
    "state that does not fit": (hall("sendresult", 12, state="6"), "state"),
    "unknown detail": (hall("jj", 12, details={"欧阳试": "440232198501011234"}), "details.…"),
    "identity in the details": (hall("jj", 12, details={"fact_id": "x"}), "details.fact_id"),
    "detail that is wrong": (hall("jj", 12, details={"stars": "欧阳试"}), "stars"),
    "unknown table": (exchange("up_pro_欧阳试", {}), "table"),
    "row without number": (exchange("up_pro_result", {"applyer_name": "欧阳试"}), "row.project_no"),
    "row without moment": (exchange("up_pro_accept", {**ACCEPT_ROW, "accept_date": "欧阳试"}), "accept_date"),
    "item that is none": (hall("jj", 12, item_code="0" * 33, query_code=CODE), "body"),
    "code that is none": (hall("jj", 12, item_code=ITEM, query_code="13812345678"), "query_code"),
    "time of the future": (hall("jj", 30), "occurred_at"),
    "time before the calendar": (hall("jj", 12, occurred_at="0001-01-01T00:00:00+08:00"), "hall.occurred_at"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_message_is_refused_by_field_and_its_neighbours_are_taken(county: County, name: str) -> None:
    content, field = REFUSED[name]
    bad = content if isinstance(content, Message) else message(content)
    refusals = county.take(hall("jj", 12, item_code=ITEM, query_code=CODE), bad, hall("accept", 13))

    assert [(refusal.index, refusal.reason.split(":")[0]) for refusal in refusals] == [(1, field)]
    assert all(word not in refusals[0].reason for word in ("欧阳", "13812345678", "440232198501011234"))
    assert county.body()["state"] == "IN_REVIEW"


def test_a_refused_message_leaves_nothing_behind(county: County) -> None:
    """Its fact would be valid, but it claims a name that another case has."""
    county.open()
    [refusal] = county.take(hall("jj", 12, number="37-2020-1", item_code=ITEM, case_ref=REFERENCE))

    assert "case_ref" in refusal.reason
    assert county.count("fact") == 0
    assert county.count("application", "project_no = '37-2020-1' AND case_ref IS NOT NULL") == 0


def test_a_message_that_opens_the_case_for_another_item_is_refused(county: County) -> None:
    county.open()
    [refusal] = county.take(hall("jj", 12, item_code=ITEM + "01", query_code=CODE))

    assert refusal.reason.startswith("item_code")


def test_one_report_with_another_content_is_refused(county: County) -> None:
    county.open()
    refusals = county.take(hall("jj", 12), hall("jj", 12, details={"window_no": "A01"}))

    assert [refusal.index for refusal in refusals] == [1]


def test_an_item_whose_type_cannot_be_told_must_say_it(county: County) -> None:
    strange = ITEM[:19] + "0099" + ITEM[23:]
    refusals = county.take(
        hall("jj", 12, number="37-1", item_code=strange, query_code=CODE),
        hall("jj", 12, number="37-2", item_code=strange, query_code=CODE, task_type="20"),
    )

    assert [(refusal.index, refusal.reason.split(":")[0]) for refusal in refusals] == [(0, "task_type")]


def test_a_database_that_is_gone_refuses_nothing(county: County) -> None:
    with county.db.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE fact RENAME TO lost")

    with pytest.raises(Unavailable) as caught:
        county.take(hall("jj", 12, item_code=ITEM, query_code=CODE))
    assert PROJECT_NO not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.text(max_size=8) | st.sampled_from(["11", PROJECT_NO]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("project_no", "operation", "state", "occurred_at", "details", "item_code", "query_code", "row", "table")
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(2021, 1, 1)).map(lambda at: at.replace(tzinfo=UTC).isoformat())  # noqa: DTZ001
GARBAGE = st.fixed_dictionaries(
    {"source": st.sampled_from(["hall", "state", "exchange"]) | JSON},
    optional={
        **dict.fromkeys(FIELDS, JSON),
        "operation": st.sampled_from(["jj", "accept", "sendresult"]) | JSON,
        "occurred_at": MOMENTS | JSON,
        "table": st.sampled_from(["up_pro_accept", "up_pro_process", "up_pro_special_procedure", "up_pro_result"]),
        "row": st.dictionaries(st.sampled_from([*ACCEPT_ROW, "event_name", "result_date"]), JSON, max_size=8),
        "project_no": st.just(PROJECT_NO) | JSON,
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GARBAGE)
def test_whatever_is_sent_is_taken_or_refused_and_holds_nothing_up(county: County, content: Json) -> None:
    refusals = county.take(message(content), hall("jj", 12, number="37-2020-9"))

    assert [refusal.index for refusal in refusals] in ([], [0])
    assert all("cannot be processed" not in refusal.reason for refusal in refusals)
