"""Save a draft: no channel shows it before it is released."""

from sqlmodel import Session

from contracts.base import Json
from contracts.content.gates import ReviewPolicy
from shared.audit.recording import record
from shared.errors import PreconditionFailed, PreconditionMissing
from shared.publishing.editions.audit import saved, standing
from shared.publishing.editions.model import EditionRow, ReleasingSource, as_text, require_revision
from shared.publishing.reviews import authors
from shared.publishing.reviews.roles import SAVING, require_role
from shared.tokens.person import Actor


def save(session: Session, who: ReleasingSource, by: Actor, code: str, draft: Json, revision: int | None) -> EditionRow:
    """Store a draft.

    Raises `PreconditionMissing` without a revision, `PreconditionFailed` for one that is not the newest, `NotAllowed`
    for a person who may not write it.
    """
    require_role(by, SAVING, [code])
    row = session.get(EditionRow, code, with_for_update=True)
    before, old_draft = (standing(row), row.draft) if row else (None, None)
    if row is None:
        if revision is not None:
            raise PreconditionFailed(f"{code} does not exist, so it has no revision {revision}")
        row = EditionRow(code=code, draft=as_text(draft))
    else:
        if revision is None:
            raise PreconditionMissing(f"{code} already exists: send If-Match with the ETag that you read")
        require_revision(row, revision)
        row.draft = as_text(draft)
        row.revision += 1
    # An editor who names the newest revision has read what is released now.
    row.starts_from = row.content_version
    session.add(row)
    session.flush()
    if who.review == ReviewPolicy.FIVE and row.draft != old_draft:
        authors.note_change(session, by, who.key(code))
    record(session, by, saved(who, row, before, old_draft))
    return row
