"""Tables of items as JSON and files."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from contracts.base import Contract, Json
from services.console.accounts.rights import may
from services.console.tables.files import read_table
from services.console.tables.routes import Department, Q, table_response
from services.console.tables.tables import Tables
from shared.errors import Invalid, Violation
from shared.text.validation import parse
from shared.tokens.person import Person, StaffRole
from shared.web.edge import Content, takes

Staff = Annotated[Person, Depends(may())]
Editor = Annotated[Person, Depends(may(StaffRole.EDITOR))]
Form = Annotated[str, Query(pattern=r"^(csv|xlsx)$")]


class TableRequest(Contract):
    """A table as it was exported and changed. `file`: a CSV file or a workbook, in Base64. `save`: else a preview."""

    file: str = Field(max_length=14_000_000, title="文件")
    save: bool = Field(default=False, title="存为草稿")


def routes_of(tables: Tables) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1/tables", tags=["content"])

    @routes.get("/items", summary="Export items as CSV or a workbook", response_class=Response)
    def export(person: Staff, form: Form = "csv", q: Q = "", department: Department = "") -> Response:
        return table_response(tables, person, form, q, department)

    @routes.post("/items", openapi_extra=takes(TableRequest), summary="Preview or save drafts from a table of items")
    def bring(person: Editor, content: Content) -> Json:
        given = parse(TableRequest, content)
        try:
            rows = read_table(base64.b64decode(given.file, validate=True))
        except binascii.Error:
            raise Invalid(Violation("file", "base64", "must be Base64")) from None
        done = tables.save(person, rows) if given.save else tables.preview(person, rows)
        return {"rows": [one.as_json() for one in done]}

    return routes
