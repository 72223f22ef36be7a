"""A county's versions are pushed to another portal: each once acknowledged, in order, through kills on both sides."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.demo import content
from tests.harness.county import REPOSITORY, EmbeddedCounty, running, wait_for
from tests.harness.ports import free_port

ITEMS = [f"item:{one.code}" for one in content.items()]
DEMO = [*(f"items/{one.code}" for one in content.items()), *(f"guides/{one.code}" for one in content.guides())]
CHANGED = ITEMS[1]
"""One test changes and withdraws it."""

CLIENT = REPOSITORY / "clients" / "python"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    with running(EmbeddedCounty(tmp_path_factory.mktemp("pushing"), "--demo")) as made:
        assert isinstance(made, EmbeddedCounty)
        wait_for(lambda: all(shown(made, path) for path in DEMO), "the whole demo is shown", 400)
        yield made


def shown(county: EmbeddedCounty, path: str) -> bool:
    return county.http("web").get(f"/web/v1/{path}").is_success


class Scene:
    """The other portal and the adapter, as two processes that end and begin."""

    def __init__(self, county: EmbeddedCounty, folder: Path) -> None:
        self.county, self.folder, self.port = county, folder, free_port()
        self.processes: list[subprocess.Popen[bytes]] = []

    def portal(self, **rules: list[int]) -> subprocess.Popen[bytes]:
        """Start the portal; `rules`: the next statuses of the item with that number."""
        told = {ITEMS[int(number.removeprefix("item"))]: statuses for number, statuses in rules.items()}
        (self.folder / "rules.json").write_text(json.dumps(told), encoding="utf-8")
        return self._started(sys.executable, "-m", "tests.harness.other_portal", str(self.port), str(self.folder))

    def adapter(self, *more: str) -> subprocess.Popen[bytes]:
        files = ("--state", str(self.folder / "state.db"), "--receipts", str(self.folder / "receipts.db"))
        push = ("--push", f"http://127.0.0.1:{self.port}", *files, *more)
        return self._started(sys.executable, "-m", "tongyuan_client", self.county.url("web"), *push)

    def requests(self, key: str | None = None) -> list[dict[str, Any]]:
        file = self.folder / "requests.jsonl"
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        lines = text.split("\n")[:-1]  # the portal may be writing the last one
        return [one for one in map(json.loads, lines) if key in (None, one["key"])]

    def receipts(self) -> dict[str, tuple[int, str, int]]:
        """Version, state and status by key."""
        with sqlite3.connect(f"file:{self.folder / 'receipts.db'}?mode=ro", uri=True) as store:
            found = store.execute("SELECT key, version, state, status FROM receipt").fetchall()
        store.close()
        return {key: (version, state, status) for key, version, state, status in found}

    def _started(self, *command: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "PYTHONPATH": str(CLIENT)}
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=REPOSITORY, env=env, stderr=log)
        self.processes.append(process)
        return process


@pytest.fixture
def scene(county: EmbeddedCounty, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(county, tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


def test_every_shown_version_is_pushed_once_and_acknowledged(scene: Scene) -> None:
    scene.portal()
    assert scene.adapter().wait(120) == 0
    pushed = len(scene.requests())
    assert scene.adapter().wait(120) == 0

    receipts = scene.receipts()
    assert {receipts[key][1:] for key in ITEMS if key != CHANGED} == {("shown", 200)}
    (first,) = scene.requests(ITEMS[0])
    assert first["once"] == f"{ITEMS[0]}/{receipts[ITEMS[0]][0]}"
    assert first["said"]["body"]["task_name"] == content.items()[0].task_name
    assert len(scene.requests()) == pushed, "nothing is pushed again"
    assert not [one for one in scene.requests() if one["key"].startswith("application:")]


def test_a_change_and_a_withdrawal_follow_while_it_runs(scene: Scene) -> None:
    scene.portal()
    scene.adapter("--follow")
    wait_for(lambda: len(scene.requests()) >= len(ITEMS) and scene.requests(ITEMS[-1]), "all is pushed", 120)
    release(scene.county, 41)
    wait_for(
        lambda: [one["said"]["body"]["promise_day"] for one in scene.requests(CHANGED)][-1:] == [41], "a change", 60
    )
    scene.county.http("catalog").post(f"/catalog/v1/items/{content.items()[1].code}/withdraw")
    wait_for(lambda: scene.requests(CHANGED)[-1]["method"] == "DELETE", "a withdrawal", 60)
    wait_for(lambda: scene.receipts()[CHANGED][1] == "gone", "its receipt", 30)


def test_what_the_portal_refuses_holds_up_nothing_and_what_passes_is_tried_until_it_does(scene: Scene) -> None:
    scene.portal(item2=[422], item3=[503, 429, 200], item4=[409])
    assert scene.adapter().wait(120) == 0

    receipts = scene.receipts()
    assert receipts[ITEMS[2]][1:] == ("refused", 422)
    assert receipts[ITEMS[3]][1:] == ("shown", 200)
    assert receipts[ITEMS[4]][1:] == ("newer", 409)
    tries = [one["once"] for one in scene.requests(ITEMS[3])]
    assert len(tries) == 3
    assert len(set(tries)) == 1


def test_a_kill_between_request_and_receipt_repeats_the_request_and_loses_nothing(scene: Scene) -> None:
    scene.portal(item5=[0])
    adapter = scene.adapter()
    wait_for(lambda: scene.requests(ITEMS[5]), "the portal has it, and does not answer", 120)
    adapter.kill()
    adapter.wait()
    assert ITEMS[5] not in scene.receipts()

    assert scene.adapter().wait(120) == 0

    assert len({one["once"] for one in scene.requests(ITEMS[5])}) == 1
    assert len(scene.requests(ITEMS[5])) == 2
    assert {key for key in scene.receipts() if key.startswith("item:")} >= set(ITEMS) - {CHANGED}


def test_a_portal_that_is_away_gets_everything_when_it_is_back(scene: Scene) -> None:
    adapter = scene.adapter()
    wait_for(lambda: (scene.folder / "log").read_text(encoding="utf-8").count("again in") >= 2, "it is tried", 60)
    portal = scene.portal()
    wait_for(lambda: len(scene.requests()) >= 3, "it goes on", 60)
    portal.kill()
    portal.wait()
    scene.portal()

    assert adapter.wait(120) == 0
    assert all(state in ("shown", "gone") for _, state, _ in scene.receipts().values())


def release(county: EmbeddedCounty, days: int) -> None:
    http, item = county.http("catalog"), content.items()[1]
    known = http.get(f"/catalog/v1/items/{item.code}").headers["etag"]
    draft = {**item.model_dump(mode="json"), "promise_day": days}
    assert http.put(f"/catalog/v1/items/{item.code}", json=draft, headers={"If-Match": known}).is_success
    assert http.post(f"/catalog/v1/items/{item.code}/release").is_success
