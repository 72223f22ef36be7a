"""Imports at the desk: pages and JSON before the real service, as people with different roles."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from contracts.topology import CONSOLE, IMPORTING
from services.runtime import manifests
from shared.tokens.checking import Callers
from shared.web.server.process import mount
from tests.harness.desk import TestDesk, csrf, desk, nothing_answers
from tests.harness.file_imports import FileImports, file_imports
from tests.harness.importing import exchange_row
from tests.harness.pipeline import Pipeline, pipeline
from tests.harness.releasing import AsAdmin
from tests.harness.workbooks import HEADER, line, xlsx


@pytest.fixture
def imports(tmp_path: Path) -> Iterator[FileImports]:
    for name in ("county", "importing", "desk"):
        (tmp_path / name).mkdir()
    with pipeline(tmp_path / "county") as county, file_imports(county, tmp_path / "importing") as made:
        yield made


@pytest.fixture
def place(imports: FileImports, tmp_path: Path) -> Iterator[TestDesk]:
    def connect(service: str) -> httpx.Client:
        return TestClient(mount({IMPORTING: imports.app})) if service == IMPORTING else nothing_answers(service)

    with desk(tmp_path / "desk", connect) as made:
        keys = {CONSOLE: (made.key.public_key(),)}
        imports.app.state.callers = Callers(IMPORTING, keys, manifests.permissions(IMPORTING))
        yield made


def sent(browser: TestClient, path: str, **content: str) -> httpx.Response:
    answer: httpx.Response = browser.post(path, data={"csrf": csrf(browser), **content})
    return answer


def upload(browser: TestClient, file: Path) -> httpx.Response:
    files = {"file": (file.name, file.read_bytes())}
    answer: httpx.Response = browser.post("/imports", data={"csrf": csrf(browser)}, files=files)
    return answer


def page_of(answer: httpx.Response) -> str:
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
    return answer.headers["location"].removeprefix("/console")


def a_list(tmp_path: Path) -> Path:
    return xlsx(tmp_path / "清单.xlsx", ("住建局", [HEADER, line(1), line(2)]))


def columns(found: str) -> dict[str, str]:
    """The fields of the form as a browser sends them."""
    suggested = {"code": "实施编码", "task_name": "事项名称", "task_type": "事项类型", "dept_name": "实施主体"}
    return {f"column.{name}": column for name, column in suggested.items() if column in found}


def test_a_list_goes_from_upload_to_undo(place: TestDesk, imports: FileImports, tmp_path: Path) -> None:
    browser = place.browser("fabu")
    there = page_of(upload(browser, a_list(tmp_path)))
    mapping = browser.get(there)
    assert "消防设计审查1" in mapping.text
    fields = {**columns(mapping.text), "source": "清单", "region": "440232", "regions": "440232", "format": "table"}
    page_of(sent(browser, f"{there}/preview", **fields))
    assert "前面还有 0 个任务" in browser.get(there).text

    imports.runner.do_next(threading.Event())
    previewed = browser.get(there).text
    assert "预览：还什么都没有改" in previewed
    job = imports.read(1)
    page_of(sent(browser, f"{there}/run", preview="1", digest=job["digest"]))
    imports.runner.do_next(threading.Event())
    assert "导入完成" in browser.get(there).text

    page_of(sent(browser, f"{there}/undo"))
    imports.runner.do_next(threading.Event())
    assert "撤销的预览完成" in browser.get(there).text
    page_of(sent(browser, f"{there}/undo", sure="1"))
    imports.runner.do_next(threading.Event())
    assert "撤销完成" in browser.get(there).text
    assert [person.name if person else None for person in imports.people] == ["fabu"] * 4


def test_what_was_typed_and_refused_is_still_there_with_the_reason_at_the_field(
    place: TestDesk, tmp_path: Path
) -> None:
    browser = place.browser("bianji")
    there = page_of(upload(browser, a_list(tmp_path)))
    answer = sent(
        browser, f"{there}/preview", format="table", source="坏 名称", withdraw_missing="1", text="columns: ["
    )

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert 'value="坏 名称"' in answer.text
    assert "columns: [" in answer.text
    assert 'id="source-error"' in answer.text


def test_a_clerk_corrects_a_column_and_splits_and_patterns_of_before_stay(
    place: TestDesk, imports: FileImports, tmp_path: Path
) -> None:
    browser = place.browser("bianji")
    there = page_of(upload(browser, a_list(tmp_path)))
    number = there.rpartition("/")[2]
    split = {"column": "申请材料", "split": "；"}
    mapping = {
        "columns": {"code": "实施编码", "task_name": "事项名称", "materials": split},
        "constants": {"dept_code": "x"},
    }
    imports.preview(number, mapping=mapping)
    fields = {"column.code": "实施编码", "column.task_name": "实施主体", "column.materials": "申请材料"}
    page_of(sent(browser, f"{there}/preview", format="table", region="440232", **fields))

    wanted = imports.read(2)["settings"]["mapping"]
    assert wanted["columns"] == {"code": "实施编码", "task_name": "实施主体", "materials": {**split}}
    assert wanted["constants"] == {"dept_code": "x", "region": "440232"}


def test_who_only_prepares_cannot_import_and_who_only_reads_cannot_upload(place: TestDesk, tmp_path: Path) -> None:
    editor = place.browser("bianji")
    there = page_of(upload(editor, a_list(tmp_path)))
    assert sent(editor, f"{there}/run", preview="1", digest="0" * 64).status_code == httpx.codes.FORBIDDEN
    assert sent(editor, f"{there}/undo", sure="1").status_code == httpx.codes.FORBIDDEN

    auditor = place.browser("shenji")
    assert auditor.get(there).is_success
    assert upload(auditor, a_list(tmp_path)).status_code == httpx.codes.FORBIDDEN
    assert place.browser("guanli").get(there).status_code == httpx.codes.FORBIDDEN


def test_a_foreign_file_is_told_at_the_field_in_chinese(place: TestDesk, tmp_path: Path) -> None:
    file = tmp_path / "通知.xlsx"
    file.write_bytes(b"%PDF-1.7")
    answer = upload(place.browser("bianji"), file)

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "这个文件像是PDF文档：请向对方要原来的表格" in answer.text
    assert 'id="file-error"' in answer.text


def test_json_does_the_same(place: TestDesk, imports: FileImports, tmp_path: Path) -> None:
    browser = place.browser("fabu")
    browser.headers["x-csrf-token"] = csrf(browser)
    rows = b'{"task_code": "x"}'
    made = browser.post("/v1/imports", params={"name": "rows.jsonl"}, content=rows)
    assert made.status_code == httpx.codes.CREATED, made.text
    number = made.json()["id"]
    job = browser.post(f"/v1/imports/{number}/previews", json={"format": "up-task"}).json()
    imports.runner.do_next(threading.Event())

    told = browser.get(f"/v1/imports/jobs/{job['id']}").json()
    assert told["outcome"]["figures"]["rejected"] == 1
    found = browser.get(f"/v1/imports/jobs/{job['id']}/files/findings.csv")
    assert found.headers["content-disposition"].startswith("attachment")
    assert "task_code,X,C-1" in found.text
    assert browser.get("/v1/imports").json()["imports"][0]["jobs"][0]["by"]["title"] == "郑发布"
    assert exchange_row(1)["task_code"]


def test_without_the_service_the_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    with desk(tmp_path / "alone", nothing_answers) as made:
        assert made.browser("fabu").get("/imports").status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert upload(made.browser("fabu"), a_list(tmp_path)).status_code == httpx.codes.SERVICE_UNAVAILABLE


def test_in_a_county_of_five_gates_a_preview_is_submitted_and_its_page_leads_to_the_review(tmp_path: Path) -> None:
    for name in ("county", "importing", "desk"):
        (tmp_path / name).mkdir()
    with (
        pipeline(tmp_path / "county", review="five") as county,
        file_imports(county, tmp_path / "importing") as imports,
        desk(tmp_path / "desk", lambda service: client_of(service, imports, county)) as place,
    ):
        keys = {CONSOLE: (place.key.public_key(),)}
        imports.app.state.callers = Callers(IMPORTING, keys, manifests.permissions(IMPORTING))
        browser = place.browser("fabu")
        there = page_of(upload(browser, a_list(tmp_path)))
        fields = columns(browser.get(there).text) | {"source": "清单", "region": "440232", "regions": "440232"}
        page_of(sent(browser, f"{there}/preview", **fields, format="table"))
        imports.runner.do_next(threading.Event())
        assert "把这次预览送审" in browser.get(there).text

        page_of(sent(browser, f"{there}/submit", preview="1", digest=imports.read(1)["digest"]))
        imports.runner.do_next(threading.Event())

        submitted = browser.get(there).text
        assert "/console/reviews/catalog/1" in submitted, imports.read(2)
        assert "按这次预览导入并发布" in submitted
        assert "2 项" in browser.get("/reviews/catalog/1").text


def client_of(service: str, imports: FileImports, county: Pipeline) -> httpx.Client:
    return TestClient(mount({IMPORTING: imports.app})) if service == IMPORTING else AsAdmin(county, set())
