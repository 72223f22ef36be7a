"""docs/architecture.md names every file that runs on the three ways that it describes.

A county in this process takes each way once under a profiler; every file of ours that was called must be on the page.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from services.demo import content
from services.runtime.assembly.front import front
from services.runtime.embedded import Embedded
from shared.config import Settings
from shared.feeds.relay import Relay
from shared.web.admission import Admission
from shared.web.limits import Limits
from shared.web.server.process import mount
from tests.harness.actors import TESTER

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ITEM = content.items()[0]
CODE, NUMBER, QUERY_CODE = ITEM.code, "37-2026-1", "0123456789AB"


class County:
    """A county without threads: each hop runs when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.county = Embedded(Settings(data_dir=folder, region="339921000000"))
        self.relays: dict[str, list[Relay]] = self.county.relays()
        apis = self.county.apis()
        limits = Limits.of(self.county.settings)
        everything = Admission(front(mount(apis), self.county.channels, apis), limits)
        token = self.county.settings.admin_token
        assert token is not None
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
        self.http: httpx.Client = TestClient(everything, headers=headers)
        self.county.reconcile()

    def relayed(self, source: str) -> None:
        """Relay what `source` has released, record it, and apply it in the kiosk."""
        for relay in self.relays[source]:
            relay.step()
        self.county.wiring.signing_guard.sign()
        for relay in self.relays["ledger"]:
            if relay.name == "kiosk":
                relay.step()
                relay.step()

    def told(self) -> None:
        """Bring the kiosk's stream and search index up to date."""
        kiosk = self.county.channels["kiosk"]
        kiosk.live.step()
        kiosk.indexer.step()

    def release(self) -> None:
        """Release the draft, as an editor."""
        done = self.http.post(f"/catalog/v1/items/{CODE}/release", headers={"If-Match": '"1"'})
        assert done.json()["released"]["version"] == 1

    def open_case(self) -> None:
        """Open a case of the item, as a clerk."""
        opening = {"project_no": NUMBER, "query_code": QUERY_CODE, "item_code": CODE}
        self.county.wiring.applications.open_case(TESTER, opening)

    def look_up(self) -> None:
        """Look the case up, by the API and by the page."""
        pair = {"project_no": NUMBER, "query_code": QUERY_CODE}
        assert self.http.post("/kiosk/v1/applications/lookup", json=pair).status_code == 200
        assert self.http.post("/kiosk/progress", data=pair).status_code == 200

    def show(self) -> None:
        """Read the item's page, cache it and report, as a screen."""
        assert self.http.get(f"/kiosk/items/{CODE}").status_code == 200
        assert self.http.get("/kiosk/v1/catalogue").status_code == 200
        code = self.http.post("/kiosk/v1/screens", json={"name": "hall-1"}).json()["code"]
        assert self.http.post("/kiosk/v1/screen/enrol", json={"code": code}).status_code == 200
        report = {"address": f"items/{CODE}", "digest": "0" * 64, "position": 1}
        assert self.http.post("/kiosk/v1/screen/report", json=report).json() == {"same": False}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    folder = tmp_path_factory.mktemp("county")
    folder.chmod(0o700)
    made = County(folder)
    made.county.wiring.catalog.save_directory(TESTER, content.directory())
    made.http.put(f"/catalog/v1/items/{CODE}", json=ITEM.model_dump(mode="json"))
    yield made
    made.county.close()


def test_the_page_names_every_file_of_the_three_walks(county: County) -> None:
    walks: list[Callable[[], None]] = [
        county.release,
        lambda: county.relayed("catalog"),
        county.told,
        county.open_case,
        lambda: county.relayed("applications"),
        county.look_up,
        county.show,
    ]
    with called() as files:
        for walk in walks:
            walk()

    assert sorted(file for file in files if f"`{file}`" not in PAGE and f"{file})" not in PAGE) == []


@contextmanager
def called() -> Iterator[set[str]]:
    """Yield the files of ours in which a function is called, in this thread and in threads started meanwhile."""
    everywhere: set[str] = set()
    ours: set[str] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            everywhere.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield ours
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]  # None removes it
        ours |= {file for path in map(Path, everywhere) if (file := _file_of_ours(path))}


def _file_of_ours(path: Path) -> str | None:
    if not path.is_relative_to(ROOT) or path.suffix != ".py" or path.name == "__init__.py":
        return None
    file = path.relative_to(ROOT)
    return str(file) if file.parts[0] in {"contracts", "shared", "services"} else None
