"""However a job ends, its state is true afterwards, and the same file again is right."""

import errno
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.importing.engine.files import Files
from services.importing.engine.import_run import ImportOptions
from services.importing.engine.spool import spooling
from services.importing.file_import import FileImport, FileToImport
from services.importing.jobs.upload_folder import Receiving, UploadFolder
from services.importing.model import JobState
from tests.harness.file_imports import AppSources, FileImports, file_imports
from tests.harness.importing import exchange_row
from tests.harness.pipeline import pipeline

UP_TASK = {"format": "up-task", "source": "test"}


@pytest.fixture
def imports(tmp_path: Path) -> Iterator[FileImports]:
    for name in ("county", "importing"):
        (tmp_path / name).mkdir()
    with pipeline(tmp_path / "county") as county, file_imports(county, tmp_path / "importing") as made:
        yield made


def rows_of(folder: Path, rows: list[dict[str, Any]], name: str = "rows.jsonl") -> Path:
    file = folder / name
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return file


class Killed(BaseException):
    """Stands for the death of the process: nothing catches it."""


def dies(*_arguments: Any, **_more: Any) -> Any:
    raise Killed


@pytest.mark.parametrize("kind", ["preview", "run"])
def test_a_job_whose_process_died_says_how_many_rows_were_not_reached_and_the_same_file_again_is_right(
    imports: FileImports, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = imports.uploaded(rows_of(tmp_path, [exchange_row(number) for number in range(1, 401)]))
    if kind == "run":
        preview = imports.preview(upload, **UP_TASK)
        content = {"preview": preview["id"], "digest": preview["digest"]}
    else:
        content = UP_TASK
    job = imports.http.post(f"/v1/imports/{upload}/{kind}s", json=content).json()["id"]
    with monkeypatch.context() as patched:
        # A preview of 400 rows sends 4 requests; a run plans with 4, and has sent 2 more when it dies.
        left = iter(range(6 if kind == "run" else 2))
        alive = AppSources.post
        patched.setattr(AppSources, "post", lambda *given: dies() if next(left, None) is None else alive(*given))
        with pytest.raises(Killed):
            imports.runner.do_next(threading.Event())
    assert imports.read(job)["state"] == "running"
    imports.runner.recover()

    told = imports.read(job)
    assert (told["state"], told["rows"]) == ("interrupted", 400)
    assert told["not_reached"] == (200 if kind == "run" else 400)
    assert "中断" in told["problem"]
    again = imports.preview(upload, **UP_TASK)
    done = imports.run(again)
    assert (done["state"], done["not_reached"]) == ("finished", 0)
    assert done["outcome"]["figures"]["new"] == (200 if kind == "run" else 400)
    assert done["outcome"]["figures"] == again["outcome"]["figures"]


def test_a_source_that_does_not_answer_stops_the_run_with_the_rows_that_are_left(
    imports: FileImports, tmp_path: Path
) -> None:
    upload = imports.uploaded(rows_of(tmp_path, [exchange_row(number) for number in range(1, 401)]))
    preview = imports.preview(upload, **UP_TASK)
    imports.dies_after = 6
    told = imports.run(preview)
    imports.dies_after = None

    assert (told["state"], told["done"], told["not_reached"]) == ("stopped", 200, 200)
    assert told["outcome"]["figures"]["not_reached"] == 200
    assert imports.run(imports.preview(upload, **UP_TASK))["outcome"]["figures"]["new"] == 200


def test_a_process_that_is_told_to_end_stops_between_two_requests(imports: FileImports, tmp_path: Path) -> None:
    upload = imports.uploaded(rows_of(tmp_path, [exchange_row(1)]))
    imports.http.post(f"/v1/imports/{upload}/previews", json=UP_TASK)
    stop = threading.Event()
    stop.set()
    imports.runner.do_next(stop)

    assert imports.http.get(f"/v1/imports/{upload}").json()["jobs"][0]["state"] == JobState.STOPPED


def test_what_an_upload_left_when_the_process_died_is_removed_and_what_arrives_meanwhile_stays(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path / "imports")
    folder.folder.mkdir()
    (folder.folder / f"{'a' * 32}.part").write_bytes(b"half")
    with folder.receive("b" * 32) as receiving:
        receiving.take(b"whole")
        with folder.receive("c" * 32) as other:
            placed = folder.place(other.finish(), "c" * 32, None, "list.csv")
        assert folder.sweep(lambda: {"c" * 32}) == 1
        assert placed.is_file()
        assert placed.stat().st_mode & 0o077 == 0
        assert folder.place(receiving.finish(), "b" * 32, None, "list.csv").read_bytes() == b"whole"


def test_a_full_disk_is_one_sentence_and_nothing_is_kept(
    imports: FileImports, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = imports.uploaded(rows_of(tmp_path, [exchange_row(1)]))

    def full(_self: Receiving, _chunk: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Receiving, "take", full)
    answer = imports.upload("b.jsonl", b"{}")

    assert answer.status_code == httpx.codes.INSUFFICIENT_STORAGE
    assert "磁盘已满" in answer.json()["detail"]
    assert [one["id"] for one in imports.http.get("/v1/imports").json()["imports"]] == [kept]
    assert list(imports.folder.folder.glob("*.part")) == []


def test_the_real_file_has_the_same_outcome_by_command_and_over_http(
    imports: FileImports, tmp_path: Path, data: Path
) -> None:
    real = (data / "gd-items-1600.jsonl").read_text(encoding="utf-8").splitlines()[:300]
    file = tmp_path / "real.jsonl"
    file.write_text("\n".join(real), encoding="utf-8")
    given = {"format": "gd-portal", "regions": sorted({json.loads(row)["TASK_CODE"][2:8] for row in real})}
    over_http = imports.preview(imports.uploaded(file), **given)["outcome"]

    by_command = FileToImport(file, "gd-portal", "gd-portal", regions=tuple(given["regions"]), by="zhang")
    with spooling() as spool:
        run = FileImport(
            by_command, by_command.origin(), ImportOptions(dry_run=True), AppSources(imports.county), Files(), spool
        )
        for _ in run.read(by_command.outcomes()):
            pass
        for _ in run.execute():
            pass
    told = run.report.as_json(run.course)
    assert {name: over_http[name] for name in told} == json.loads(json.dumps(told))
    assert over_http["figures"]["new"] > 0


ROW = st.fixed_dictionaries(
    {"number": st.integers(1, 6)},
    optional={
        "promise_day": st.sampled_from([3, 5, "半年", None]),
        "link_way": st.sampled_from(["0571-5360001", "0571-5360002", None]),
        "cd_operation": st.sampled_from(["I", "U", "D"]),
        "task_type": st.sampled_from(["07", "99"]),
    },
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.lists(ROW, min_size=1, max_size=8), min_size=1, max_size=3))
def test_the_figures_of_a_preview_are_those_of_its_run(
    imports: FileImports, tmp_path: Path, files: list[list[dict[str, Any]]]
) -> None:
    for rows in files:
        made = [exchange_row(row["number"], **{k: v for k, v in row.items() if k != "number"}) for row in rows]
        everything = {**UP_TASK, "confirm": ["withdrawals", "emptying", "changes"]}
        preview = imports.preview(imports.uploaded(rows_of(tmp_path, made)), **everything)
        run = imports.run(preview)

        assert run["state"] == "finished", run["problem"]
        assert run["outcome"]["figures"] == preview["outcome"]["figures"]
        assert run["outcome"]["outcomes"] == preview["outcome"]["outcomes"]
        assert run["digest"] == preview["digest"]
