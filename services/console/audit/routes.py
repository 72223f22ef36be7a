"""The page of the audit log: search, differences, the chains' state, export."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.console.audit.asked import Auditor, Reader, cursor_of, cursor_text, search_of
from services.console.audit.audit import Audit
from services.console.audit.export import CSV_TYPE, LINES_TYPE, csv_lines, json_lines
from services.console.audit.logs import Search
from services.console.audit.words import ACTIONS, LOG_TITLES, told
from services.console.pages.forms import by_field
from services.console.pages.frame import page, see_other
from shared.errors import Conflict, Invalid, Violation
from shared.tokens.person import Person, StaffRole

PAGE = 50
FIELDS = ("actor", "thing", "action", "address", "from", "to", "log")
LONGEST = 160
FileForm = Annotated[Literal["csv", "jsonl"], Query()]


def pages_of(audit: Audit) -> APIRouter:
    """Return the routes of pages."""
    routes = APIRouter(prefix="/audit", include_in_schema=False)

    def title_of(log: str) -> str:
        return LOG_TITLES.get(log) or f"渠道：{audit.desk.channel_titles[log]}"

    def shown(request: Request, person: Person, status: int = 200, problem: str = "") -> Response:
        typed = _typed(request)
        errors: dict[str, str] = {}
        values: dict[str, Any] = {"rows": [], "following": None, "problems": {}}
        try:
            found = audit.logs.find(person, _search(typed), cursor_of(request.query_params.get("before", "")), PAGE)
            values = {"rows": [told(row, title_of(row["log"])) for row in found.rows], "problems": found.problems}
            values["following"] = cursor_text(found.following)
        except Invalid as error:
            errors, status = by_field(error), error.status
        is_auditor = StaffRole.AUDITOR in person.roles
        return page(
            request, "audit.html", person=person, status=status, typed=typed, errors=errors, problem=problem,
            query=urlencode({name: value for name, value in typed.items() if value}), is_auditor=is_auditor,
            logs={name: title_of(name) for name in audit.logs.names} if is_auditor else {}, actions=ACTIONS,
            states=audit.verifications.states() if is_auditor else {}, **values,
        )  # fmt: skip

    @routes.get("")
    def listed(request: Request, person: Reader) -> Response:
        return shown(request, person)

    @routes.get("/export")
    def export(request: Request, person: Reader, form: FileForm = "csv") -> Response:
        return exported(audit, person, _search(_typed(request)), form)

    @routes.post("/verification")
    def verify(request: Request, person: Auditor) -> Response:
        try:
            audit.verify(person)
        except Conflict as error:
            return shown(request, person, error.status, str(error))
        return see_other("audit")

    return routes


def exported(audit: Audit, person: Person, wanted: Search, form: str) -> Response:
    """Return the rows as a file, streamed."""
    pages = audit.export(person, wanted)
    headers = {"Content-Disposition": f'attachment; filename="audit-log.{form}"', "Cache-Control": "no-store"}
    if form == "csv":
        return StreamingResponse(csv_lines(pages), media_type=CSV_TYPE, headers=headers)
    return StreamingResponse(json_lines(pages), media_type=LINES_TYPE, headers=headers)


def _typed(request: Request) -> dict[str, str]:
    return {name: request.query_params.get(name, "").strip() for name in FIELDS}


def _search(typed: dict[str, str]) -> Search:
    """Return what is searched. Raises `Invalid` for what is too long to be found: it is refused, not cut."""
    long = [name for name, value in typed.items() if len(value) > LONGEST]
    if long:
        raise Invalid(*(Violation(name, "too_long", f"最多{LONGEST}字") for name in long))
    return search_of(*(typed[name] for name in FIELDS))
