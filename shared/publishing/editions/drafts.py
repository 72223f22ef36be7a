"""Save a draft, which no channel shows before it is released; and release it."""

from collections.abc import Callable
from dataclasses import replace

from sqlmodel import Session

from contracts.base import Json
from contracts.content.gates import ReviewPolicy
from contracts.envelope.publication import Release
from shared.audit.recording import record
from shared.database.engine import Database
from shared.errors import PreconditionFailed, PreconditionMissing
from shared.publishing.editions.audit import saved, standing
from shared.publishing.editions.commands import Terms, Then, release_row
from shared.publishing.editions.model import EditionRow, Period, ReleasingSource, as_text, locked, require_revision
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


def release_draft(
    db: Database,
    who: ReleasingSource,
    planned: Callable[[Session, str, Period], Period],
    by: Actor,
    code: str,
    terms: Terms,
    then: Then | None,
) -> tuple[EditionRow, Release | None]:
    """Release the draft as the next version; None for the release when exactly this is released already.

    `planned` returns the period in which the draft will be shown, or raises `Invalid`. `then` is called in the same
    transaction, after the release. Raises `NotFound` and what `release_row` raises.
    """

    def release(session: Session) -> tuple[EditionRow, Release | None]:
        # Locked at once, so that it is read once.
        row = locked(session, code)
        wanted = replace(terms, period=planned(session, code, terms.period))
        # If the process dies before the commit: nothing is released. After it: the release is in the outbox, which is
        # the same table, and the relay sends it to the ledger, also after a restart.
        row, made = release_row(session, who, by, row, wanted)
        if then is not None:
            then(session, made)
        return row, made

    return db.write_together(release)
