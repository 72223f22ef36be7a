"""Uploaded files: how long they stay, that no job loses its file, and that they never fill the disk."""

import json
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from services.importing.jobs.upload_folder import UploadFolder
from shared.errors import NoRoom
from tests.harness.file_imports import FileImports, file_imports
from tests.harness.importing import exchange_row
from tests.harness.pipeline import pipeline

UP_TASK = {"format": "up-task", "source": "test"}
NOW = datetime.now(UTC)
AT_THE_END, BEFORE_THE_END = NOW + timedelta(days=91), NOW + timedelta(days=89)


@pytest.fixture
def imports(tmp_path: Path) -> Iterator[FileImports]:
    for name in ("county", "importing"):
        (tmp_path / name).mkdir()
    with pipeline(tmp_path / "county") as county, file_imports(county, tmp_path / "importing") as made:
        yield made


def a_list(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(exchange_row(1)))
    return file


def told(imports: FileImports, upload: str) -> dict[str, Any]:
    found: dict[str, Any] = imports.http.get(f"/v1/imports/{upload}").json()
    return found


def test_a_file_is_removed_90_days_after_its_last_job_and_its_jobs_stay(imports: FileImports, tmp_path: Path) -> None:
    upload = imports.uploaded(a_list(tmp_path))
    imports.upload("codes.csv", "本地编码,实施编码\n1,2\n".encode(), beside=upload)
    run = imports.run(imports.preview(upload, **UP_TASK))
    end = datetime.fromisoformat(run["ended_at"]) + timedelta(days=90)
    assert datetime.fromisoformat(told(imports, upload)["keep_until"]) == end

    assert imports.keeping.remove_unused(BEFORE_THE_END) == 0
    assert imports.keeping.remove_unused(AT_THE_END) == 1
    assert imports.keeping.remove_unused(AT_THE_END) == 0

    after = told(imports, upload)
    assert (after["here"], after["keep_until"], after["imported"], len(after["jobs"])) == (False, None, True, 2)
    assert after["removed_at"]
    assert not imports.folder.has(upload)
    assert imports.http.get(f"/v1/jobs/{run['id']}/files/report.jsonl").status_code == httpx.codes.NOT_FOUND
    assert imports.read(run["id"])["outcome"]["figures"]["new"] == 1


def test_what_was_removed_can_be_undone_but_not_previewed_or_added_to(imports: FileImports, tmp_path: Path) -> None:
    upload = imports.uploaded(a_list(tmp_path))
    preview = imports.preview(upload, **UP_TASK)
    imports.run(preview)
    imports.keeping.remove_unused(AT_THE_END)

    again = imports.http.post(f"/v1/imports/{upload}/previews", json=UP_TASK)
    assert (again.status_code, "保存期" in again.json()["detail"]) == (httpx.codes.CONFLICT, True)
    assert imports.upload("codes.csv", b"a,b\n1,2\n", beside=upload).status_code == httpx.codes.CONFLICT
    assert imports.job(upload, "undos")["state"] == "finished"


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_no_job_loses_its_file(imports: FileImports, tmp_path: Path, state: str) -> None:
    upload = imports.uploaded(a_list(tmp_path))
    job = imports.http.post(f"/v1/imports/{upload}/previews", json=UP_TASK).json()["id"]
    if state == "running":
        imports.store.begin_next()
    assert told(imports, upload)["keep_until"] is None

    assert imports.keeping.remove_unused(NOW + timedelta(days=4000)) == 0
    assert told(imports, upload)["here"]
    if state == "waiting":
        imports.runner.do_next(threading.Event())
        assert imports.read(job)["state"] == "finished"


def test_a_process_that_died_between_the_row_and_the_folder_removes_the_folder_later(
    imports: FileImports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = imports.uploaded(a_list(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(imports.folder, "remove", lambda _upload: None)
        imports.keeping.remove_unused(AT_THE_END)
    assert imports.folder.has(upload)

    imports.keeping.remove_unused(AT_THE_END)
    assert not imports.folder.has(upload)


def test_a_file_that_a_restored_backup_does_not_hold_is_said_to_be_missing(
    imports: FileImports, tmp_path: Path
) -> None:
    upload = imports.uploaded(a_list(tmp_path))
    shutil.rmtree(imports.folder.folder)

    assert not told(imports, upload)["here"]
    assert imports.preview(upload, **UP_TASK)["state"] == "stopped"


def test_files_that_would_exceed_the_budget_are_refused_before_the_disk_is_full_and_nothing_is_lost(
    imports: FileImports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = imports.uploaded(a_list(tmp_path))
    monkeypatch.setattr(imports.folder, "_budget", 100_000)
    answer = imports.upload("b.jsonl", b'{"task_code": "1"}\n' * 10_000)

    assert answer.status_code == httpx.codes.INSUFFICIENT_STORAGE
    assert "TONGYUAN_IMPORT_DISK_BUDGET" in answer.json()["detail"]
    assert [one["id"] for one in imports.http.get("/v1/imports").json()["imports"]] == [kept]
    assert list(imports.folder.folder.glob("*.part")) == []
    assert imports.upload("c.jsonl", b'{"task_code": "1"}\n').status_code == httpx.codes.CREATED


def test_files_that_arrive_at_once_share_the_budget(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path / "imports", budget=1000)
    with folder.receive("a" * 32) as first, folder.receive("b" * 32) as second:
        first.take(b"x" * 600)
        with pytest.raises(NoRoom, match="budget"):
            second.take(b"x" * 600)
        second.take(b"x" * 400)
        first.abandon()
        second.abandon()


def test_a_disk_with_little_room_left_takes_no_file(imports: FileImports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=100 * 2**20))

    answer = imports.upload("b.jsonl", b"{}")
    assert (answer.status_code, "磁盘已满" in answer.json()["detail"]) == (httpx.codes.INSUFFICIENT_STORAGE, True)
