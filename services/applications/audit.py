"""What the audit log says of a change of a case: its public name and its numbers, nothing personal."""

from contracts.base import Json
from services.applications.model import CaseRow
from shared.audit.recording import AuditEntry


def standing(row: CaseRow) -> Json:
    """Return what identifies the state of a case. Neither its number nor anything of its content."""
    return {
        "revision": row.revision,
        "version": row.version,
        "state": row.state,
        "withdrawn": row.withdrawn,
        "erased": row.erased,
    }


def entry(action: str, row: CaseRow, before: Json | None, **more: Json | int | list[str]) -> AuditEntry:
    """Return the entry of a change of a case. One that is not open has no public name, so its object has none."""
    return AuditEntry(action, row.key if row.is_open else "application", before, {**standing(row), **more})
