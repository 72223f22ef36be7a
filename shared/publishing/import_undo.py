"""Take one import back as one act: what it released or withdrew becomes again what it was before.

What somebody has changed since (an editor, or another import) is a conflict: it is listed and stays. What the source
stated last becomes its statement before that import, so that the repaired file is imported as if the first had never
been.
"""

from dataclasses import dataclass, field

from pydantic import Field
from sqlmodel import Session

from contracts.base import Contract, Json
from contracts.envelope.publication import Lane
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.publishing.editions import EditionRow, ReleasingSource
from shared.publishing.editions.going_back import BackTo, changed_since, go_back, past_versions, target
from shared.publishing.imports.provenance import UNDONE, imported_versions, importer, record_undo
from shared.publishing.imports.request import MAX_WITHDRAWALS, SOURCE_PATTERN
from shared.publishing.imports.statement import StatementStore
from shared.publishing.reviews.roles import RELEASING, SUBMITTING, require_role
from shared.tokens.person import Actor


class UndoRequest(Contract):
    """Which import to take back: the file that a source has imported, by its SHA-256. `keep`: codes to leave alone."""

    source: str = Field(pattern=SOURCE_PATTERN, title="来源")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", title="文件")
    by: str | None = Field(default=None, max_length=100, title="撤销人")
    keep: list[str] = Field(default=[], max_length=MAX_WITHDRAWALS, title="保留的编码")
    dry_run: bool = False


@dataclass
class UndoOutcome:
    """What an undo did.

    `restored`   codes that show again what they showed before the import
    `withdrawn`  codes that were not shown before it
    `conflicts`  codes that were changed since, each with the version and who made it; they stay
    `already`    codes that an earlier undo of this import has taken back
    `notice`     why it does not take effect yet
    """

    restored: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    conflicts: list[Json] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    notice: Json | None = None

    @property
    def publishes(self) -> bool:
        """Whether anything was released or withdrawn."""
        return bool(self.restored or self.withdrawn)


def undo_import(db: Database, who: ReleasingSource, by: Actor, request: UndoRequest) -> UndoOutcome:
    """Take an import back in one transaction on the backfill lane. An import that is unknown changes nothing.

    Raises `NotAllowed`.
    """
    require_role(by, SUBMITTING if request.dry_run else RELEASING)
    outcome = UndoOutcome()
    # One transaction: if the process dies before its commit, the import stands as it was and the undo is repeated.
    # After it, a repetition finds the codes already taken back.
    with db.write() as session:
        targets = _judged(session, who, request, outcome)
        if request.dry_run:
            return outcome
        releases = go_back(session, who, by, targets, Lane.BACKFILL)
        record_undo(session, request.source, request.sha256, importer(request.by, by), releases)
        left = {*request.keep, *(one["code"] for one in outcome.conflicts)}
        StatementStore(session, request.source).go_back(request.sha256, left, outcome.withdrawn)
        record(session, by, _entry(request, outcome))
    return outcome


def _entry(request: UndoRequest, outcome: UndoOutcome) -> AuditEntry:
    counts = {name: len(getattr(outcome, name)) for name in ("restored", "withdrawn", "conflicts", "already")}
    return AuditEntry("undo_import", f"import:{request.sha256}", None, {"source": request.source, **counts})


def _judged(session: Session, who: ReleasingSource, request: UndoRequest, outcome: UndoOutcome) -> dict[str, BackTo]:
    targets: dict[str, BackTo] = {}
    for key, imported in sorted(imported_versions(session, request.source, request.sha256).items()):
        code = key.partition(":")[2]
        if code in request.keep:
            continue
        ours = imported.standing(request.sha256)
        if not ours:
            outcome.already.append(code)
            continue
        versions = past_versions(session, who, code)
        later = set(changed_since(session.get_one(EditionRow, code), versions, min(ours))) - ours
        if later:
            outcome.conflicts.append(_conflict(code, max(later), imported.others.get(max(later))))
            continue
        targets[code] = target(versions, min(ours))
        (outcome.restored if targets[code].shows else outcome.withdrawn).append(code)
    return targets


def _conflict(code: str, version: int, by: Json | None) -> Json:
    """Return who made the version that stays. `by`: its provenance; a version without one is an editor's."""
    if by is None:
        what = "an editor"
    elif by["source"] == UNDONE:
        what = f"an undo of an import of {by['file']}"
    else:
        what = f"import of {by['file']} ({by['source']})"
    return {"code": code, "version": version, "changed_by": what}
