"""HTTP API by which the desk hands in the newest row of its audit log. Sources are asked for theirs."""

from fastapi import APIRouter
from pydantic import Field

from contracts.base import Contract
from contracts.envelope.statement import AuditHead, Hash
from contracts.topology import CONSOLE
from services.ledger.sources.audit_head import NotedAuditHead
from shared.database.engine import Database
from shared.tokens.access import guard
from shared.tokens.rights import Right


class NewestRow(Contract):
    """The newest row of an audit log."""

    sequence: int = Field(ge=1, le=2**53)
    hash: str = Hash


def router(db: Database) -> APIRouter:
    """Return the router of `/v1/audit-heads`."""
    made = APIRouter(prefix="/v1/audit-heads", tags=["audit"])

    @made.put(
        "/console",
        status_code=204,
        dependencies=[guard(Right.AUDIT_HEAD)],
        summary="Hand in the newest row of the desk's audit log, for the next signed statement",
    )
    def hand_in(newest: NewestRow) -> None:
        head = AuditHead(source=CONSOLE, sequence=newest.sequence, hash=newest.hash)
        NotedAuditHead(db, CONSOLE).note(head)

    return made
