"""Pages of tables: export, and import with a preview."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.datastructures import UploadFile

from services.console.accounts.rights import form_of, may
from services.console.pages.frame import page
from services.console.tables.files import CSV_TYPE, LARGEST_FILE, XLSX_TYPE, as_csv, as_xlsx, read_table
from services.console.tables.tables import Tables
from shared.errors import Invalid, TooLarge
from shared.tokens.person import Person, StaffRole

Staff = Annotated[Person, Depends(may())]
Editor = Annotated[Person, Depends(may(StaffRole.EDITOR))]
Q = Annotated[str, Query(max_length=200)]
Department = Annotated[str, Query(pattern=r"^[0-9A-Z]{0,18}$")]
ERRORS = {
    "columns": "第一行里没有“实施编码”或者“指纹（请勿改动）”这一列：请用导出的表格修改",
    "fingerprint": "“指纹（请勿改动）”这一列被改过：请重新导出再修改",
    "repeated": "有的实施编码出现了两次：每个事项只留一行",
    "repeated_field": "有两列的标题一样：只留一列",
    "too_long": "行数太多：请分成几个文件，每个最多5000行",
    "encoding": "文字编码认不出来：请另存为 .xlsx 或者 UTF-8 的 CSV",
    "readable": "不是表格文件：请上传 .xlsx 或者 CSV",
}
TOO_LARGE = "文件太大：最多10MB"
NO_FILE = "请选择一个文件"


def table_response(tables: Tables, person: Person, form: str, q: str, department: str) -> Response:
    """Return the items as a file: `xlsx`, or else CSV."""
    rows = tables.rows(person, q=q, department=department)
    xlsx = form == "xlsx"
    content = as_xlsx(rows, "事项") if xlsx else as_csv(rows)
    name = f"items.{'xlsx' if xlsx else 'csv'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=XLSX_TYPE if xlsx else CSV_TYPE, headers=headers)


def routes_of(tables: Tables) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)

    def shown(request: Request, person: Person, status: int = 200, **given: Any) -> Response:
        values: dict[str, Any] = {"outcomes": None, "saved": False, "errors": {}, "content": "", **given}
        departments = tables.editions.departments(person)
        return page(request, "tables.html", person=person, status=status, departments=departments, **values)

    @routes.get("/tables")
    def start(request: Request, person: Staff) -> Response:
        return shown(request, person)

    @routes.get("/tables/items")
    def export(person: Staff, form: str = "xlsx", q: Q = "", department: Department = "") -> Response:
        return table_response(tables, person, form, q, department)

    @routes.post("/tables")
    def bring(request: Request, person: Editor, sent: Sent) -> Response:
        """`act`: preview of the uploaded file, then save of exactly that file, which the page sends back."""
        saves = sent.get("act") == "save"
        try:
            content = _content(sent, kept=saves)
            rows = read_table(content)
            outcomes = tables.save(person, rows) if saves else tables.preview(person, rows)
        except Invalid as error:
            errors = {"file": ERRORS.get(error.violations[0].rule, error.violations[0].message)}
            return shown(request, person, 422, errors=errors)
        except TooLarge:
            return shown(request, person, 413, errors={"file": TOO_LARGE})
        if not content:
            return shown(request, person, 422, errors={"file": NO_FILE})
        kept = "" if saves else base64.b64encode(content).decode()
        return shown(request, person, outcomes=outcomes, saved=saves, content=kept)

    return routes


Sent = Annotated[Any, Depends(form_of)]


def _content(sent: Any, *, kept: bool) -> bytes:
    if kept:
        try:
            return base64.b64decode(str(sent.get("content", "")), validate=True)
        except binascii.Error:
            return b""
    file = sent.get("file")
    return file.file.read(LARGEST_FILE + 1) if isinstance(file, UploadFile) else b""
