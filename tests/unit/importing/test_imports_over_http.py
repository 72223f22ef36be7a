"""Imports over HTTP: what is taken, what is refused, and that a run is what its preview said."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.topology import IMPORTING
from services.importing.jobs.settings import slow
from services.importing.jobs.upload_folder import LARGEST_UPLOAD, safe_name
from shared.errors import Invalid
from tests.harness.file_imports import TOKEN, FileImports, file_imports
from tests.harness.importing import exchange_row
from tests.harness.pipeline import Pipeline, code_of, pipeline
from tests.harness.workbooks import COLUMNS, HEADER, line, xlsx

UP_TASK = {"format": "up-task", "source": "test"}


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    (tmp_path / "county").mkdir()
    with pipeline(tmp_path / "county") as made:
        yield made


@pytest.fixture
def imports(county: Pipeline, tmp_path: Path) -> Iterator[FileImports]:
    (tmp_path / "importing").mkdir()
    with file_imports(county, tmp_path / "importing") as made:
        yield made


def rows(tmp_path: Path, *some: dict[str, Any], name: str = "rows.jsonl") -> Path:
    file = tmp_path / name
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in some), encoding="utf-8")
    return file


def in_force(county: Pipeline, number: int) -> dict[str, Any] | None:
    answer = county.http.get(f"/catalog/v1/items/{code_of(number)}", headers=TOKEN)
    return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()["in_force"]


def test_a_run_does_what_its_preview_said(imports: FileImports, county: Pipeline, tmp_path: Path) -> None:
    upload = imports.uploaded(rows(tmp_path, exchange_row(1), exchange_row(2), exchange_row(3, task_type="99")))
    preview = imports.preview(upload, **UP_TASK)
    nothing = in_force(county, 1)
    run = imports.run(preview)

    assert (preview["state"], run["state"], nothing) == ("finished", "finished", None)
    assert preview["outcome"]["figures"] == run["outcome"]["figures"]
    assert (run["outcome"]["figures"]["new"], run["outcome"]["figures"]["rejected"]) == (2, 1)
    assert run["digest"] == preview["digest"]
    assert in_force(county, 1) is not None
    assert imports.http.get(f"/v1/imports/{upload}").json()["imported"]


def test_a_run_whose_plan_is_another_one_meanwhile_changes_nothing(
    imports: FileImports, county: Pipeline, tmp_path: Path
) -> None:
    imports.run(imports.preview(imports.uploaded(rows(tmp_path, exchange_row(1), exchange_row(2))), **UP_TASK))
    upload = imports.uploaded(rows(tmp_path, exchange_row(1, promise_day=7), exchange_row(2), name="b.jsonl"))
    stale = imports.preview(upload, **UP_TASK)
    other = imports.uploaded(rows(tmp_path, exchange_row(1, promise_day=8), name="c.jsonl"))
    imports.run(imports.preview(other, **UP_TASK))
    imports.run(imports.preview(imports.uploaded(rows(tmp_path, exchange_row(1, promise_day=7))), **UP_TASK))

    run = imports.run(stale)

    assert run["state"] == "stopped"
    assert "请重新预览" in run["problem"]
    shown = in_force(county, 1)
    assert shown is not None
    assert shown["version"] == 3


def test_a_run_of_another_digest_or_of_an_unfinished_preview_is_refused(imports: FileImports, tmp_path: Path) -> None:
    upload = imports.uploaded(rows(tmp_path, exchange_row(1)))
    preview = imports.preview(upload, **UP_TASK)

    def asked(**content: Any) -> int:
        return imports.http.post(f"/v1/imports/{upload}/runs", json=content).status_code

    assert asked(preview=preview["id"], digest="0" * 64) == httpx.codes.CONFLICT
    assert asked(preview=preview["id"] + 1, digest=preview["digest"]) == httpx.codes.NOT_FOUND
    waiting = imports.http.post(f"/v1/imports/{upload}/previews", json=UP_TASK).json()
    assert asked(preview=waiting["id"], digest=preview["digest"]) == httpx.codes.CONFLICT
    assert asked(preview=preview["id"], digest=preview["digest"]) == httpx.codes.CONFLICT, "a job on the file is open"


def test_a_preview_shows_values_before_and_after(imports: FileImports, tmp_path: Path) -> None:
    imports.run(imports.preview(imports.uploaded(rows(tmp_path, exchange_row(1))), **UP_TASK))
    changed = rows(tmp_path, exchange_row(1, promise_day=3, link_way="0571-5360009"), name="b.jsonl")

    outcome = imports.preview(imports.uploaded(changed), **UP_TASK)["outcome"]

    assert (outcome["figures"]["changed"], outcome["changed_rows"]) == (1, 1)
    told = {one["field"]: (one["title"], one["before"], one["after"]) for one in outcome["values"][0]["fields"]}
    assert told["promise_day"] == ("承诺办结时限", "10", "3")
    assert told["link_way"][1:] == ("0571-5360001", "0571-5360009")


def test_an_undo_takes_the_import_of_the_file_back(imports: FileImports, county: Pipeline, tmp_path: Path) -> None:
    upload = imports.uploaded(rows(tmp_path, exchange_row(1)))
    imports.run(imports.preview(upload, **UP_TASK))

    before = imports.job(upload, "undos", preview=True)
    still = in_force(county, 1)
    done = imports.job(upload, "undos")

    assert (before["outcome"]["withdrawn"]["catalog"], done["outcome"]["withdrawn"]["catalog"]) == (1, 1)
    assert still is not None
    assert not imports.http.get(f"/v1/imports/{upload}").json()["imported"]
    shown = in_force(county, 1)
    assert shown is None or shown["op"] == "withdraw"


def test_a_table_goes_from_its_suggestion_to_release(imports: FileImports, county: Pipeline, tmp_path: Path) -> None:
    upload = imports.uploaded(xlsx(tmp_path / "清单.xlsx", ("住建局", [HEADER, line(1), line(2)])))
    found = imports.http.get(f"/v1/imports/{upload}/mapping").json()

    assert found["format"] == "table"
    assert found["missing"] == []
    columns = {one["name"]: one for one in found["tables"][0]["columns"]}
    assert columns["事项名称"]["field"] == "task_name"
    assert columns["事项名称"]["examples"] == ["消防设计审查1", "消防设计审查2"]
    assert {one["name"]: one["title"] for one in found["fields"]}["code"] == "实施编码"

    mapping = found["mapping"] | {"constants": {"region": "440232"}}
    preview = imports.preview(upload, mapping=mapping, regions=["440232"], source="list")
    assert preview["state"] == "finished", preview["problem"]
    assert preview["outcome"]["figures"]["new"] == 2, preview["outcome"]["findings"]
    assert imports.run(preview)["outcome"]["figures"] == preview["outcome"]["figures"]


def test_findings_are_files_that_a_spreadsheet_opens_without_running_anything(
    imports: FileImports, tmp_path: Path
) -> None:
    upload = imports.uploaded(rows(tmp_path, exchange_row(1, task_type="=cmd|' /C calc'!A0")))
    preview = imports.preview(upload, **UP_TASK)

    def file(name: str) -> httpx.Response:
        return imports.http.get(f"/v1/jobs/{preview['id']}/files/{name}")

    assert "'=cmd" in file("findings.csv").content.decode("utf-8-sig")
    assert file("findings.csv").headers["content-type"] == "text/csv; charset=utf-8"
    assert file("findings.json").json()[0]["remedy_zh"]
    assert json.loads(file("report.jsonl").text.splitlines()[-1])["end"]["outcomes"]["rejected"] == 1
    assert json.loads(file("rejects.jsonl").text.splitlines()[0])["row"] == 1
    assert file("warnings.jsonl").is_success
    assert file("mapping.yaml").status_code == httpx.codes.UNPROCESSABLE_ENTITY


def bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(300):
                sheet.write(b"\0" * 2**20)
    return made.getvalue()


HOSTILE = {
    "zip bomb": ("a.xlsx", bomb, httpx.codes.REQUEST_ENTITY_TOO_LARGE, "大得不正常"),
    "truncated": ("a.xlsx", lambda: bomb()[:-200], httpx.codes.UNPROCESSABLE_ENTITY, "已损坏"),
    "pdf": ("a.xlsx", lambda: b"%PDF-1.7 ...", httpx.codes.UNPROCESSABLE_ENTITY, "PDF"),
    "web page": ("a.xls", lambda: b"<html><table><tr><td>1</table>", httpx.codes.UNPROCESSABLE_ENTITY, "网页"),
    "empty": ("a.csv", lambda: b"", httpx.codes.UNPROCESSABLE_ENTITY, "空"),
    "zeros": ("a.csv", lambda: b"\0" * 5000, httpx.codes.UNPROCESSABLE_ENTITY, "不是文本"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_or_foreign_file_is_refused_with_a_sentence_and_nothing_is_kept(
    imports: FileImports, what: str
) -> None:
    name, content, status, word = HOSTILE[what]
    answer = imports.upload(name, content())

    assert answer.status_code == status, answer.text
    assert word in answer.text
    assert imports.http.get("/v1/imports").json() == {"imports": []}
    assert [path for path in imports.folder.folder.rglob("*") if path.is_file()] == []


def test_the_content_decides_and_not_the_name(imports: FileImports, tmp_path: Path) -> None:
    book = xlsx(tmp_path / "a.xlsx", ("表", [HEADER, line(1)])).read_bytes()

    assert imports.upload("名单.csv", book).json()["kind"] == "xlsx"
    assert imports.upload("名单.xlsx", "实施编码,事项名称\n1,2".encode()).json()["kind"] == "csv"
    assert imports.upload("名单.xlsx", b'[{"task_code": "1"}]').json()["kind"] == "json"


def test_a_file_over_the_limit_is_refused_while_it_arrives(imports: FileImports) -> None:
    answer = imports.upload("a.csv", b"x" * (LARGEST_UPLOAD + 1))

    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert [path for path in imports.folder.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\win.ini", "/etc/passwd", "a/b/passwd"])
def test_a_name_cannot_leave_the_folder(name: str) -> None:
    assert safe_name(name) in ("passwd", "win.ini")


@pytest.mark.parametrize("name", ["", "..", "/", "\u202e", "x" * 200])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        safe_name(name)


def test_a_mapping_cannot_read_a_file_that_was_not_uploaded_beside_the_list(
    imports: FileImports, tmp_path: Path
) -> None:
    upload = imports.uploaded(xlsx(tmp_path / "a.xlsx", ("表", [HEADER, line(1)])))
    for outside in ("../../importing.db", "/etc/passwd", "收费.xlsx"):
        child = {"file": outside, "code": "编码", "columns": {"fee_name": "名称"}}
        job = imports.preview(upload, mapping={"columns": COLUMNS, "children": {"fees": child}})
        assert job["state"] == "stopped"
        assert "没有上传" in job["problem"]
    answer = imports.http.post(f"/v1/imports/{upload}/previews", json={**UP_TASK, "codes": "../a.xlsx"})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


def test_a_child_table_beside_the_list_is_read(imports: FileImports, tmp_path: Path) -> None:
    upload = imports.uploaded(xlsx(tmp_path / "a.xlsx", ("表", [HEADER, line(1)])))
    fees = [["编码", "名称", "标准"], [line(1)[0], "工本费", "每证10元"]]
    beside = imports.upload("收费.xlsx", xlsx(tmp_path / "收费.xlsx", ("表", fees)).read_bytes(), beside=upload)
    assert [one["name"] for one in beside.json()["beside"]] == ["收费.xlsx"]

    child = {"file": "收费.xlsx", "code": "编码", "columns": {"fee_name": "名称", "fee_stand": "标准"}}
    mapping = {"columns": COLUMNS, "constants": {"region": "440232"}, "children": {"fees": child}}
    job = imports.preview(upload, mapping=mapping, regions=["440232"])
    assert job["outcome"]["figures"]["new"] == 1, job


@pytest.mark.parametrize(
    "pattern", [r"(a+)+b", r"(a|a)*b", ".*.*.*b", "a?a?a?a?a?a?b", "a{0,9}b{0,9}c{0,9}", "x" * 201]
)
def test_a_pattern_that_could_hold_the_service_is_refused(pattern: str) -> None:
    assert slow(pattern) is not None


@pytest.mark.parametrize("pattern", [r"法定(\d+)个工作日", r"承诺\s*(\d+)(?P<unit>天|日)", r"[(*+?]{1}(\d+)\)"])
def test_a_usual_pattern_is_taken(pattern: str) -> None:
    assert slow(pattern) is None


def test_jobs_are_done_one_at_a_time_in_order_and_a_waiting_one_can_be_cancelled(
    imports: FileImports, tmp_path: Path
) -> None:
    first = imports.uploaded(rows(tmp_path, exchange_row(1)))
    second = imports.uploaded(rows(tmp_path, exchange_row(2), name="b.jsonl"))
    jobs = [imports.http.post(f"/v1/imports/{one}/previews", json=UP_TASK).json() for one in (first, second)]

    assert [job["ahead"] for job in jobs] == [0, 1]
    begun = imports.store.begin_next()
    assert begun is not None
    assert begun.id == jobs[0]["id"]
    assert imports.store.begin_next() is None, "one runs"
    assert imports.http.delete(f"/v1/jobs/{jobs[0]['id']}").status_code == httpx.codes.CONFLICT
    assert imports.http.delete(f"/v1/jobs/{jobs[1]['id']}").json()["state"] == "stopped"


def test_what_no_import_could_mean_is_refused_at_the_field(imports: FileImports, tmp_path: Path) -> None:
    upload = imports.uploaded(rows(tmp_path, exchange_row(1)))

    def fields(**content: Any) -> list[str]:
        answer = imports.http.post(f"/v1/imports/{upload}/previews", json=content)
        assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        return [one["field"] for one in answer.json()["errors"]]

    assert fields(format="word") == ["format"]
    assert fields(format="table") == ["mapping"]
    assert fields(**UP_TASK, mapping={}) == ["mapping"]
    assert fields(**UP_TASK, withdraw_missing=True) == ["withdraw_missing"]
    assert fields(**UP_TASK | {"source": "a b"}) == ["source"]
    assert fields(**UP_TASK, unheard_of=1) == ["unheard_of"]


def test_without_a_token_nothing_is_answered(imports: FileImports) -> None:
    stranger = imports.http
    for path in ("/v1/imports", f"/v1/imports/{'0' * 32}", "/v1/jobs/1", "/v1/jobs/1/files/report.jsonl"):
        assert stranger.get(path, headers={"authorization": ""}).status_code == httpx.codes.UNAUTHORIZED
    assert IMPORTING == "importing"
