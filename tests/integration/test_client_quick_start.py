"""What the client's README says works as it stands there, against `tongyuan up --demo`."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo import content
from tests.harness.county import REPOSITORY, EmbeddedCounty, running, wait_for
from tongyuan_client import HttpFeed, Subscriber

README = REPOSITORY / "clients" / "python" / "README.md"
WHOLE_DEMO = len(content.items()) + len(content.guides())


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCounty]:
    with running(EmbeddedCounty(tmp_path_factory.mktemp("quick"), "--demo")) as made:
        assert isinstance(made, EmbeddedCounty)
        wait_for(lambda: _size(made) >= WHOLE_DEMO, "the ledger holds the demo", 400)
        yield made


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which only the client's wheel can be imported, besides the libraries."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--quiet", "--no-index"]
    source = tmp_path_factory.mktemp("source") / "client"
    subprocess.run(["cp", "-r", str(README.parent), str(source)], check=True)
    subprocess.run([*pip, "--target", str(folder), str(source)], check=True, capture_output=True, timeout=120)
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_the_quick_start_has_ten_lines_and_prints_the_countys_items(
    county: EmbeddedCounty, installed: dict[str, str], tmp_path: Path
) -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    program = found[1]
    assert len(program.strip().splitlines()) <= 10
    program = program.replace("http://127.0.0.1:8080", county.url("web"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env=installed, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    keys = {line.split(" ")[0] for line in done.stdout.splitlines()}
    assert {f"item:{one.code}" for one in content.items()} <= keys


def test_the_command_prints_json_lines_and_a_second_run_prints_only_news(
    county: EmbeddedCounty, installed: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tongyuan_client", county.url("web"), "--state", str(tmp_path / "state.db")]

    def run() -> list[str]:
        done = subprocess.run(
            command, env=installed, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if '"key": "item:' in line]

    assert len(run()) >= len(content.items())
    assert run() == []


def test_a_follower_hears_of_a_release_by_the_channels_stream(county: EmbeddedCounty) -> None:
    subscriber = Subscriber(HttpFeed(county.url("web")), ":memory:")
    events = subscriber.events()
    while subscriber.state.position < _size(county) - 1:
        next(events)
    new = content.items()[0].model_copy(update={"task_name": "跟随的读者听到的名字"})
    path, http = f"/catalog/v1/items/{new.code}", county.http("catalog")
    etag = http.get(path).headers["etag"]
    assert http.put(path, json=new.model_dump(mode="json"), headers={"If-Match": etag}).is_success
    assert http.post(f"{path}/release").is_success
    heard = next(event for event in events if event.body and event.body.get("task_name") == new.task_name)
    events.close()

    assert (heard.op, heard.key) == ("release", f"item:{new.code}")
    assert not subscriber.reader.stale
    subscriber.close()


def _size(county: EmbeddedCounty) -> int:
    return int(county.http("ledger").get("/ledger/v1/head").json()["size"])
