"""The same as JSON, for programs with an API token; and the desk's own log for `tongyuan audit-log`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from contracts.base import Json
from services.console.accounts.rights import may_or_machine
from services.console.audit.asked import Auditor, Cursor, Reader, Wanted, cursor_of, cursor_text
from services.console.audit.audit import Audit
from services.console.audit.routes import exported
from shared.audit.http import Before, Limit
from shared.audit.queries import AuditFilter, page
from shared.tokens.person import Actor, StaffRole
from shared.tokens.rights import Right

Inspector = Annotated[Actor, Depends(may_or_machine(Right.INSPECT, StaffRole.AUDITOR))]


def api_of(audit: Audit) -> APIRouter:
    """Return the JSON routes."""
    routes = APIRouter(prefix="/v1", tags=["audit"])

    @routes.get("/audit", summary="List what was done at the desk itself, newest first")
    def own(_by: Inspector, before: Before = None, limit: Limit = 100) -> Json:
        with audit.desk.db.read() as session:
            rows = page(session, AuditFilter(), before, limit, with_changes=True)
        return {"rows": rows, "next": rows[-1]["sequence"] if len(rows) == limit else None}

    @routes.get("/audit/search", summary="Search the audit logs of the desk and the sources, newest first")
    def search(
        person: Reader,
        wanted: Wanted,
        before: Cursor = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Json:
        """`problems`: logs that did not answer, of which the list has no rows."""
        found = audit.logs.find(person, wanted, cursor_of(before), limit)
        return {"rows": found.rows, "next": cursor_text(found.following), "problems": dict(found.problems)}

    @routes.get("/audit/export", summary="Take all rows as CSV or JSON lines")
    def export(person: Reader, wanted: Wanted, form: Literal["csv", "jsonl"] = "jsonl") -> Response:
        return exported(audit, person, wanted, form)

    @routes.get("/audit/chains", summary="Read the newest check of each log's chain")
    def chains(_person: Auditor) -> Json:
        """A log that was not checked since the desk's start is missing."""
        return {"chains": [state.as_json() for state in audit.verifications.states().values()]}

    @routes.post("/audit/verification", status_code=202, summary="Check every chain again; see `chains`")
    def verify(person: Auditor) -> Json:
        audit.verify(person)
        return {"chains": [state.as_json() for state in audit.verifications.states().values()]}

    return routes
