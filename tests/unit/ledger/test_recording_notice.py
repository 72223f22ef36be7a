"""The answer to a release that cannot take effect now says so, with the reason; it is stored and takes effect later."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from contracts.base import format_time
from services.demo import content
from services.ledger.signing.signed_head_store import MEMORY_FILE, WouldFork
from services.runtime.embedded import Embedded
from shared.config import Settings
from shared.errors import Unavailable, UpstreamDown
from shared.publishing.notices import notice
from shared.publishing.recording_status import UNHEARD_SECONDS, PolledRecording, Recording, heard, told
from shared.web.server.process import mount

ITEM, GUIDE = content.items()[0], content.guides()[0]
ITEMS, GUIDES = f"/catalog/v1/items/{ITEM.code}", f"/guides/v1/guides/{GUIDE.code}"
ADMIN = {"Authorization": "Bearer editor"}


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Embedded]:
    """A signing county without its threads: nothing moves between hops by itself."""
    with closing(Embedded(Settings(data_dir=tmp_path, admin_token=SecretStr("editor")))) as made:
        made.reconcile()
        yield made


@pytest.fixture
def http(county: Embedded) -> TestClient:
    editor = TestClient(mount(county.apis()), headers=ADMIN)
    rows = [row.model_dump(mode="json") for row in content.directory()]
    assert editor.put("/catalog/v1/directory", json=rows).is_success
    for path, body in ((ITEMS, ITEM), (GUIDES, GUIDE)):
        assert editor.put(path, json=body.model_dump(mode="json")).status_code == 201
    return editor


def refuse_to_sign(county: Embedded) -> None:
    """Remove the file that remembers what was signed, as after moving the key without it."""
    (county.settings.data_dir / MEMORY_FILE).unlink()
    with pytest.raises(WouldFork):
        county.wiring.signing_guard.sign()


def execute(county: Embedded, service: str, statement: str, **values: Any) -> None:
    with county.wiring.database(service).engine.begin() as connection:
        connection.execute(text(statement), values)


def minutes_ago(minutes: float) -> str:
    return format_time(datetime.now(UTC) - timedelta(minutes=minutes))


def test_a_release_that_takes_effect_has_nothing_to_notice(http: TestClient) -> None:
    for path in (ITEMS, GUIDES):
        assert "notice" not in http.post(f"{path}/release").json()


def test_while_the_signer_refuses_every_step_says_so_and_is_kept(county: Embedded, http: TestClient) -> None:
    refuse_to_sign(county)
    released = http.post(f"{ITEMS}/release").json()
    assert released["state"] == "released"
    assert released["released"]["version"] == 1
    assert released["notice"]["state"] == "refused"
    assert "ledger-signed" in released["notice"]["reason"]
    assert released["notice"]["since"]
    assert "公众还看不到" in released["notice"]["message"]
    for step in ("suspend", "withdraw"):
        assert http.post(f"{ITEMS}/{step}").json()["notice"]["state"] == "refused"
    assert http.post(f"{GUIDES}/release").json()["notice"]["state"] == "refused"


def test_a_draft_that_is_saved_promises_nothing_and_says_nothing(county: Embedded, http: TestClient) -> None:
    refuse_to_sign(county)
    saved = http.put(ITEMS, json=ITEM.model_dump(mode="json"), headers={"If-Match": '"1"'})
    assert saved.status_code == 200
    assert "notice" not in saved.json()


def test_an_import_says_so_and_a_dry_run_does_not(county: Embedded, http: TestClient) -> None:
    refuse_to_sign(county)
    for service, row in (("catalog", content.items()[1]), ("guides", content.guides()[1])):
        request = {"rows": [row.model_dump(mode="json")]}
        checked = http.post(f"/{service}/v1/imports", json={**request, "dry_run": True}).json()
        done = http.post(f"/{service}/v1/imports", json=request).json()
        assert (checked["released"], checked["notice"]) == (1, None)
        assert (done["released"], done["notice"]["state"]) == (1, "refused")


def test_a_case_that_is_opened_says_so(county: Embedded, http: TestClient) -> None:
    assert http.post(f"{ITEMS}/release").is_success
    for year, holidays in content.calendars().items():
        assert http.put(f"/applications/v1/calendars/{year}", json=holidays).is_success
    opened = http.post("/applications/v1/applications", json={"item_code": ITEM.code})
    assert "notice" not in opened.json()
    refuse_to_sign(county)
    events = f"/applications/v1/applications/{opened.json()['project_no']}/events"
    assert http.post(events, json={"event": "received"}).json()["notice"]["state"] == "refused"


def test_when_the_signer_signs_again_there_is_nothing_to_notice(county: Embedded, http: TestClient) -> None:
    kept = (county.settings.data_dir / MEMORY_FILE).read_bytes()
    refuse_to_sign(county)
    assert "notice" in http.post(f"{ITEMS}/release").json()
    (county.settings.data_dir / MEMORY_FILE).write_bytes(kept)
    county.wiring.signing_guard.sign()
    assert "notice" not in http.post(f"{GUIDES}/release").json()


def test_a_ledger_that_signs_no_more_is_noticed_without_a_refusal(county: Embedded, http: TestClient) -> None:
    stopped = minutes_ago(5)
    execute(county, "ledger", "UPDATE head SET time = :at", at=stopped)
    said = http.post(f"{ITEMS}/release").json()["notice"]
    assert (said["state"], said["since"]) == ("waiting", stopped)


def test_a_lane_that_waits_for_long_is_noticed_with_its_length(county: Embedded, http: TestClient) -> None:
    assert "notice" not in http.post(f"{ITEMS}/release").json()
    first = minutes_ago(5)
    execute(county, "catalog", "UPDATE release SET released_at = :at", at=first)
    said = http.post(f"{ITEMS}/withdraw").json()["notice"]
    assert (said["state"], said["since"]) == ("waiting", first)
    assert "2 releases of catalog/live" in said["reason"]
    county.intake.reconcile()
    assert "notice" not in http.post(f"{ITEMS}/release").json()


class Ledger:
    """A ledger over HTTP that gives prepared answers, or none."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Recording | None = Recording(signed_at=datetime.now(UTC))

    def __call__(self) -> Recording:
        self.asked += 1
        if self.answer is None:
            raise UpstreamDown("ledger: connection refused")
        return self.answer


def test_a_release_never_waits_for_the_ledger_and_says_unknown_where_it_cannot_be_asked(county: Embedded) -> None:
    ledger = Ledger()
    ledger.answer = None
    polled = PolledRecording(ledger, 5)
    catalog = county.wiring.database("catalog")
    polled.look()
    for _ in range(3):
        said = notice(catalog, "catalog", polled)
        assert said is not None
        assert said["state"] == "unknown"
        assert "connection refused" in said["reason"]
    assert ledger.asked == 1


def test_what_the_ledger_said_long_ago_is_not_known_any_more() -> None:
    now = [0.0]
    ledger = Ledger()
    polled = PolledRecording(ledger, 5, lambda: now[0])
    polled.look()
    ledger.answer = None
    now[0] = UNHEARD_SECONDS
    polled.look()
    assert polled().refuses is None
    now[0] += 1
    with pytest.raises(Unavailable, match="connection refused"):
        polled()


def test_the_ledger_is_asked_at_once_and_not_after_the_first_pause() -> None:
    ledger, stop = Ledger(), threading.Event()
    stop.set()
    polled = PolledRecording(ledger, 600)
    polled.run(stop)
    assert polled().signed_at is not None


def test_who_has_no_token_judges_by_the_time_of_the_newest_head(county: Embedded) -> None:
    stranger = TestClient(mount(county.apis()))

    def get(service: str, path: str) -> Any:
        answer = stranger.get(f"/{service}/v1/{path}")
        if not answer.is_success:
            raise Unavailable(path) if answer.status_code == 503 else _refused(path)
        return answer.json()

    assert heard(get).signed_at is not None
    assert heard(get).taken == {}


def _refused(path: str) -> Exception:
    from shared.errors import Forbidden

    return Forbidden(path)


def test_a_notice_is_one_line_on_a_terminal() -> None:
    line = told({"state": "waiting", "reason": "the ledger signs no heads", "message": "已保存。", "since": None})
    assert line == "已保存。 (waiting: the ledger signs no heads)"
