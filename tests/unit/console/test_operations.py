"""Operations pages and JSON: what is shown of a county, what an operator does to it, and what others may not."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.base import format_time
from services.console.accounts.demo import DEMO_PEOPLE
from services.console.operations import readings, stream
from services.console.operations.stream import part
from shared.errors import UpstreamDown
from shared.tokens.person import StaffRole
from tests.harness.desk import Browser, TestDesk
from tests.harness.desk_county import DeskCounty, desk_county
from tests.harness.pipeline import code_of, guide, item

REASON = "核对收费标准"
Place = tuple[DeskCounty, TestDesk]
READ_PAGES = ("", "/channels/web", "/trace", f"/trace?key=item:{code_of(1)}", "/troubles", "/actions", "/searches",
              "/feedback", "/screens")  # fmt: skip
ACTS = ("pause", "resume", "rebuild", "drill", "parked/replay", "parked/drop")


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A county with an item, its guide, and one entry that no channel can show. Tests leave it as it was."""
    with desk_county(tmp_path_factory.mktemp("operations")) as place, pytest.MonkeyPatch.context() as patch:
        # Whoever does not answer here refuses at once; the others may be slow on a busy machine.
        patch.setattr(readings, "ALL_SECONDS", 120.0)
        county = place[0].county
        county.release(item(1))
        county.release(guide(1))
        county.emit("catalog", f"item:{code_of(3)}", {"code": "not an item"})
        county.flow()
        yield place


@pytest.fixture
def place(shared_place: Place) -> Iterator[Place]:
    yield shared_place
    shared_place[0].down.clear()


def operator(here: TestDesk) -> Browser:
    return signed_in(here, "yunwei")


def signed_in(here: TestDesk, name: str) -> Browser:
    """A browser that sends its session's token with each write, as the pages' scripts do."""
    browser = here.session(name)
    browser.headers["x-csrf-token"] = browser.csrf
    return browser


def fresh(browser: Browser) -> Any:
    """The parts of a picture that was begun after this call."""
    called = format_time(datetime.now(UTC))
    for _ in range(300):
        found = browser.get("/v1/operations").json()
        if found["at"] > called:
            return found["parts"]
        time.sleep(0.1)
    raise AssertionError("no newer picture was made")


def parked_position(browser: Browser) -> int:
    return int(browser.get("/v1/operations/channels/web/parked").json()["parked"][0]["position"])


def test_the_picture_tells_how_far_each_part_is_and_what_is_wrong(place: Place) -> None:
    parts = operator(place[1]).get("/v1/operations").json()["parts"]

    told = {name: {what: one[what] for what in ("done", "behind", "health", "notes", "problem")}
            for name, one in parts.items()}  # fmt: skip
    assert (told["catalog"]["done"], told["catalog"]["behind"], told["ledger"]["done"]) == (2, 0, 3)
    assert told["web"] == {"done": 3, "behind": 0, "health": "bad", "notes": ["搁置 1 条"], "problem": ""}


def test_a_part_that_does_not_answer_is_unknown_and_never_breaks_a_page(place: Place) -> None:
    county, here = place
    browser = operator(here)
    county.down |= {"web", "ledger", "guides", "applications", "kiosk"}
    parts = fresh(browser)

    assert parts["web"]["health"] == "unknown"
    assert parts["web"]["done"] is None
    assert parts["mobile"]["behind"] is None
    for path in (*READ_PAGES, "/deadlines"):
        answer = browser.get(f"/operations{path}")
        assert answer.status_code == httpx.codes.OK, path
    assert "没有回答" in browser.get("/operations").text


def test_the_ledger_is_read_before_all_others() -> None:
    """Else a source that releases in between would seem to have fewer releases than the ledger has recorded."""
    asked: list[str] = []

    class Nobody:
        def send(self, _method: str, service: str, _path: str, _person: object, **_request: object) -> object:
            asked.append(service)
            raise UpstreamDown("no answer")

    with ThreadPoolExecutor(8) as executor:
        nobody: Any = Nobody()
        found = readings.read_all(nobody, ["web", "kiosk"], DEMO_PEOPLE[0], executor)

    assert asked[0] == "ledger"
    assert set(found) == {"ledger", "catalog", "guides", "applications", "web", "kiosk", "auditor"}
    assert {one.problem for one in found.values()} == {"no answer"}


def test_every_page_is_everybodys_to_read_and_case_numbers_are_not(place: Place) -> None:
    here = place[1]
    for person in DEMO_PEOPLE:
        browser = here.session(person.name)
        for path in READ_PAGES:
            assert browser.get(f"/operations{path}").status_code == httpx.codes.OK, (person.name, path)
    assert here.session("shenhe").get("/operations/deadlines").status_code == httpx.codes.FORBIDDEN
    assert here.session("shenji").get("/operations/deadlines").status_code == httpx.codes.OK


def test_only_an_operator_acts(place: Place) -> None:
    county, here = place
    county.asked.clear()
    body = {"reason": REASON, "positions": [3]}
    for person in DEMO_PEOPLE:
        if StaffRole.OPERATOR not in person.roles:
            browser = signed_in(here, person.name)
            for act in ACTS:
                answer = browser.post(f"/v1/operations/channels/web/{act}", json=body)
                assert answer.status_code == httpx.codes.FORBIDDEN, (person.name, act)
    for act in ACTS:
        nobody = here.browser().post(f"/v1/operations/channels/web/{act}", json=body)
        assert nobody.status_code == httpx.codes.UNAUTHORIZED
    assert not [one for one in county.asked if not one.startswith("GET")]


def test_an_operator_pauses_and_resumes_a_channel_and_the_record_says_who_and_why(place: Place) -> None:
    browser = operator(place[1])
    paused = browser.post("/v1/operations/channels/mobile/pause", json={"reason": REASON})

    assert paused.json()["paused"]["reason"] == f"冯运维：{REASON}"
    assert fresh(browser)["mobile"]["notes"] == ["已暂停：冯运维：核对收费标准", "搁置 1 条"]
    assert browser.post("/v1/operations/channels/mobile/resume", json={"reason": "已核对"}).json()["paused"] is None
    newest = browser.get("/v1/operations/actions").json()["actions"][:2]
    assert [(one["actor"], one["title"], one["target"], one["outcome"]) for one in newest] == [
        ("冯运维", "恢复接收", "mobile", "done"),
        ("冯运维", "暂停接收", "mobile", "done"),
    ]


def test_what_the_channel_refuses_is_recorded_and_told(place: Place) -> None:
    browser = operator(place[1])
    answer = browser.post("/v1/operations/channels/web/resume", json={"reason": REASON})

    assert answer.status_code == httpx.codes.CONFLICT
    assert browser.get("/v1/operations/actions").json()["actions"][0]["outcome"] == "failed"


def test_a_parked_entry_is_compared_with_the_ledger(place: Place) -> None:
    browser = operator(place[1])
    position = parked_position(browser)
    found = browser.get(f"/v1/operations/channels/web/parked/{position}").json()

    assert found["differs"] == []
    assert found["entry"]["body"] == {"code": "not an item"}
    page = browser.get(f"/operations/channels/web/parked/{position}")
    assert "与账本的条目相同" in page.text


def test_each_parked_entry_has_its_own_result(place: Place) -> None:
    browser = operator(place[1])
    position = parked_position(browser)
    body = {"reason": REASON, "positions": [position, 99]}
    results = browser.post("/v1/operations/channels/web/parked/replay", json=body).json()["results"]

    assert [one["target"] for one in results] == [f"web/{position}", "web/99"]
    assert "still cannot be shown" in results[0]["problem"]
    assert "no parked entry" in results[1]["problem"]


def test_a_dropped_entry_is_gone_from_its_channel_alone(place: Place) -> None:
    browser = operator(place[1])
    position = parked_position(browser)
    body = {"reason": "测试条目", "positions": [position]}
    results = browser.post("/v1/operations/channels/portal/parked/drop", json=body).json()["results"]

    assert results == [{"target": f"portal/{position}", "done": True, "problem": ""}]
    assert browser.get("/v1/operations/channels/portal/parked").json()["parked"] == []
    assert parked_position(browser) == position


@pytest.mark.parametrize(("reason", "status"), [
    ("", 422), ("   ", 422), ("字" * 301, 422), ("找 13812345678 问", 422),
])  # fmt: skip
def test_a_bad_reason_changes_nothing_and_what_was_typed_stays(place: Place, reason: str, status: int) -> None:
    county, here = place
    browser = operator(here)
    county.asked.clear()
    form = {"reason": reason, "csrf": browser.headers["x-csrf-token"]}
    answer = browser.post("/operations/channels/web/actions/pause", data=form)

    assert answer.status_code == status
    assert not any(one.startswith("POST") for one in county.asked)
    if reason.strip():
        assert reason.strip()[:300] in answer.text


def test_a_drill_and_a_rebuild_run_in_the_background_and_tell_their_result(place: Place) -> None:
    browser = operator(place[1])
    for action in ("drill", "rebuild"):
        begun = browser.post(f"/v1/operations/channels/kiosk/{action}", json={"reason": REASON})
        assert begun.status_code == httpx.codes.ACCEPTED
        job = until_ended(browser, "kiosk")
        assert (job["action"], job["problem"], job["count"]) == (action, "", 0)
        assert browser.get("/v1/operations/actions").json()["actions"][0]["outcome"] == "done"


def until_ended(browser: Browser, channel: str) -> dict[str, object]:
    for _ in range(200):
        jobs = {one["channel"]: one for one in browser.get("/v1/operations/jobs").json()["jobs"]}
        if jobs[channel]["ended"]:
            found: dict[str, object] = jobs[channel]
            return found
        time.sleep(0.05)
    raise AssertionError("the job has not ended")


def test_one_release_is_followed_from_hop_to_hop(place: Place) -> None:
    browser = operator(place[1])
    found = browser.get(f"/v1/operations/trace/item:{code_of(1)}").json()

    assert found["released"]["found"][0]["version"] == 1
    assert found["recorded"]["found"][0]["lag"] >= 0
    assert {name: one["found"]["version"] for name, one in found["shown"].items()} == dict.fromkeys(found["shown"], 1)
    assert "正在显示" in browser.get(f"/operations/trace?key=item:{code_of(1)}").text
    assert browser.get("/operations/trace?key=nothing").status_code == httpx.codes.OK
    assert browser.get("/v1/operations/trace/nothing:1").status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_a_channel_that_does_not_exist_is_not_found(place: Place) -> None:
    browser = operator(place[1])

    assert browser.get("/operations/channels/nowhere").status_code == httpx.codes.NOT_FOUND
    assert browser.get("/v1/operations/channels/ledger/parked").status_code == httpx.codes.NOT_FOUND


def test_no_page_holds_script_or_style_of_its_own(place: Place) -> None:
    browser = operator(place[1])
    for path in READ_PAGES:
        text = browser.get(f"/operations{path}").text
        assert not re.search(r"<style| style=|<script>|onclick=", text), path


def test_the_live_stream_sends_the_picture_and_ends_with_the_session(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = place[1]
    browser = operator(here)
    sessions = here.api.state.sign_ins.sessions

    made = threading.Event()

    def told(*given: Any) -> str:
        made.set()
        return part(*given)

    def end_all() -> None:
        made.wait(120)
        for row in sessions.of("yunwei"):
            sessions.end(row.token_hash, "yunwei")

    monkeypatch.setattr(stream, "part", told)
    ending = threading.Thread(target=end_all)
    ending.start()
    answer = browser.get("/v1/stream", params={"channel": "web"})  # comes when the stream has ended
    ending.join()

    events = [line for line in answer.text.splitlines() if line.startswith("event: ")]
    assert set(events[:-1]) == {"event: part"}
    assert events[-1] == "event: end"
    assert "到第几条" in answer.text


def test_an_open_page_does_not_keep_a_session_alive(place: Place) -> None:
    """The stream checks the session without counting as a use of it: `Sessions.of` writes nothing."""
    here = place[1]
    operator(here)
    sessions = here.api.state.sign_ins.sessions
    before = [row.seen_at for row in sessions.of("yunwei")]
    sessions.of("yunwei")

    assert [row.seen_at for row in sessions.of("yunwei")] == before
