"""What waits for a department: readers' words, deadlines, queries that found nothing, screens."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.console.accounts.people import new_account
from shared.text.dates import BEIJING
from shared.tokens.person import Person, StaffRole
from tests.harness.desk import GOOD_PASSWORD, Browser, TestDesk
from tests.harness.desk_county import DeskCounty, desk_county
from tests.harness.pipeline import ADMIN, code_of, item

Place = tuple[DeskCounty, TestDesk]
OWN, OTHERS = code_of(1), "11440232007046161X4440111004005"
ADD = (
    "INSERT INTO feedback (id, code, guide_version, channel, tags, text, given_at, state) "
    "VALUES (:id, :code, 1, 'web', '', :text, :at, 'open')"
)
IDS = iter(f"{number:032x}" for number in range(1, 1000))


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with desk_county(tmp_path_factory.mktemp("inbox"), channels=["web", "kiosk"]) as place:
        county, here = place
        county.county.release(item(1))
        county.county.flow()
        with here.db.write() as session:
            lin = Person("shuiwu", "林水务", frozenset({StaffRole.EDITOR}), frozenset({OWN[:18]}))
            session.add(new_account(lin, GOOD_PASSWORD, one_time=False))
        yield place


@pytest.fixture
def place(shared_place: Place) -> Iterator[Place]:
    yield shared_place
    shared_place[0].county.execute("guides", "DELETE FROM feedback")
    shared_place[0].down.clear()


def said(county: DeskCounty, text: str, code: str = OWN) -> str:
    """Store what a reader said; return its id."""
    identity = next(IDS)
    county.county.execute("guides", ADD, id=identity, code=code, text=text, at="2026-03-01T01:00:00.000000Z")
    return identity


def state_of(county: DeskCounty, identity: str) -> tuple[str, str | None]:
    state, answer = county.county.execute("guides", "SELECT state, answer FROM feedback WHERE id = :id", id=identity)[0]
    return str(state), answer


def test_an_editor_of_a_department_reads_what_concerns_its_own_guides(place: Place) -> None:
    county, here = place
    said(county, "我们部门的")
    said(county, "别的部门的", OTHERS)

    own = here.session("shuiwu").get("/v1/operations/feedback").json()
    assert ([one["text"] for one in own["feedback"]], own["open"]) == (["我们部门的"], 1)
    everything = here.session("yunwei").get("/operations/feedback").text
    assert "我们部门的" in everything
    assert "别的部门的" in everything


def test_it_is_answered_or_closed_by_an_editor_and_by_nobody_else(place: Place) -> None:
    county, here = place
    first, second = said(county, "缺一份材料"), said(county, "不清楚")
    assert here.session("shenji").submit(f"/operations/feedback/{first}", step="close").status_code == 403
    assert state_of(county, first) == ("open", None)

    editor = here.session("bianji")
    assert editor.submit(f"/operations/feedback/{first}", step="answer", answer="已经补上").status_code == 303
    assert editor.submit(f"/operations/feedback/{second}", step="close", answer="").status_code == 303
    assert state_of(county, first) == ("answered", "已经补上")
    assert state_of(county, second) == ("closed", None)


@pytest.mark.parametrize(("answer", "problem"), [
    ("", "请写明处理情况"), ("已经打 13812345678 说明", "个人信息"),
])  # fmt: skip
def test_a_bad_answer_changes_nothing_and_stays_in_the_form(place: Place, answer: str, problem: str) -> None:
    county, here = place
    identity = said(county, "缺一份材料")
    came = here.session("bianji").submit(f"/operations/feedback/{identity}", step="answer", answer=answer)

    assert came.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert problem in came.text
    assert f">{answer}</textarea>" in came.text
    assert state_of(county, identity) == ("open", None)


def test_what_readers_say_is_shown_as_text(place: Place) -> None:
    county, here = place
    said(county, "<script>alert(1)</script>")

    assert "<script>alert" not in here.session("yunwei").get("/operations/feedback").text


def open_case(county: DeskCounty, promise: int) -> str:
    """Open a case that is under review; return its number."""
    http, headers = county.county.http, {"Authorization": f"Bearer {ADMIN}"}
    opened = http.post("/applications/v1/applications", headers=headers, json={
        "item_code": OWN, "promise_day": promise, "promise_type": "2",
    })  # fmt: skip
    number = str(opened.json()["project_no"])
    now = datetime.now(UTC) - timedelta(minutes=5)
    events = [
        {"event": "received", "occurred_at": now.isoformat()},
        {"event": "accepted", "occurred_at": now.isoformat()},
    ]
    came = http.post(f"/applications/v1/applications/{number}/events", headers=headers, json=events)
    assert came.is_success, came.text
    return number


def test_a_case_is_listed_before_its_promised_day(place: Place) -> None:
    county, here = place
    number = open_case(county, 3)
    reader: Browser = here.session("shenji")
    found = reader.get("/v1/operations/deadlines?days=60").json()

    assert [one["project_no"] for one in found["due"]["cases"]] == [number]
    assert found["today"] == datetime.now(BEIJING).date().isoformat()
    assert number in reader.get("/operations/deadlines?days=60").text
    assert reader.get("/v1/operations/deadlines?days=0").json()["due"]["count"] == 0
    assert here.session("shuiwu").get("/v1/operations/deadlines?days=60").json()["due"]["count"] == 1


def test_queries_that_found_nothing_are_told_of_all_channels_together(place: Place) -> None:
    county, here = place
    for channel in ("web", "kiosk"):
        for _ in range(5):
            county.county.get(f"{channel}/v1/search", q="领养小猫")
    reader = here.session("bianji")
    told = reader.get("/v1/operations/searches").json()["queries"]

    assert told == [{"query": "领养小猫", "count": 10, "channels": {"web": 5, "kiosk": 5}}]
    assert "领养小猫" in reader.get("/operations/searches").text
    county.down.add("kiosk")
    assert set(reader.get("/v1/operations/searches").json()["problems"]) >= {"kiosk"}


def test_an_operator_revokes_a_screen_with_a_reason(place: Place) -> None:
    county, here = place
    headers = {"Authorization": f"Bearer {ADMIN}"}
    county.county.http.post("/kiosk/v1/screens", headers=headers, json={"name": "hall-3"})
    operator = here.session("yunwei")

    assert "hall-3" in operator.get("/operations/screens").text
    assert operator.submit("/operations/screens/hall-3/revoke", reason="").status_code == 422
    assert here.session("bianji").submit("/operations/screens/hall-3/revoke", reason="换设备").status_code == 403
    assert operator.submit("/operations/screens/hall-3/revoke", reason="换设备").status_code == 303
    assert operator.get("/v1/operations/screens").json()["screens"][0]["state"] == "revoked"
