"""Append versions to an edition: the only place that makes a release of one, and only of what is cleared.

Nothing is released here: the caller emits all drafts of its transaction at once, last before the commit.
"""

import secrets
from datetime import UTC, datetime

import orjson

from contracts.base import ANNOUNCEMENTS, SALT, Json
from contracts.envelope.publication import Op
from shared.feeds.outbox import Draft
from shared.publishing.editions.announcing import announcements
from shared.publishing.editions.clearance import Cleared
from shared.publishing.editions.model import (
    EditionRow,
    EditionState,
    Period,
    ReleasingSource,
    as_text,
    fingerprint,
    moment,
)
from shared.publishing.editions.steps import NextVersion

SALT_BYTES = 16


def append(who: ReleasingSource, row: EditionRow, cleared: Cleared) -> list[Draft]:
    """Make what is cleared the next versions of a locked row. Return the drafts for the outbox, in order.

    The edition's own draft is untouched. A row that is not released afterwards has no `released_digest`.
    """
    drafts = []
    own = orjson.loads(row.returns) if row.returns and row.state != EditionState.SUSPENDED else None
    for step in cleared.steps:
        row.version += 1
        row.state = step.state
        if own is not None:
            own.append(row.version)
        if step.op == Op.RELEASE and step.body is not None:
            _remember_body(row, step.body, step.period)
        else:
            row.released_digest = row.expires_at = None
        row.planned_until = max(filter(None, (row.planned_until, moment(step.period.effective_at))), default=None)
        drafts.append(_draft_of(who, row.code, row.version, step, announcements(step, cleared.steps)))
    row.returns = None if own is None else orjson.dumps(own).decode()
    row.revision += 1
    return drafts


def append_following(who: ReleasingSource, row: EditionRow, cleared: Cleared) -> list[Draft]:
    """Do the same for what follows another edition: state, body, end and digest of the row stay the editors'."""
    drafts = []
    for step in cleared.steps:
        row.version += 1
        row.planned_until = max(filter(None, (row.planned_until, moment(step.period.effective_at))), default=None)
        drafts.append(_draft_of(who, row.code, row.version, step, announcements(step, cleared.steps)))
    return drafts


def _remember_body(row: EditionRow, body: Json, period: Period) -> None:
    """Store the newest released body; a body equal to the previous one keeps its content version."""
    text = as_text(body)
    if text != row.released:
        row.released, row.content_version = text, row.version
    row.released_digest = fingerprint(body, period)
    row.expires_at = moment(period.expires_at)


def _draft_of(who: ReleasingSource, code: str, version: int, step: NextVersion, told: list[Json]) -> Draft:
    """Return the step for the outbox. A future version gets a salt: the digest of a small change could be guessed."""
    body, period = step.body, step.period
    later = period.effective_at is not None and period.effective_at > datetime.now(UTC)
    if body is not None and told:
        body = {**body, ANNOUNCEMENTS: told}
    if body is not None and (later or period.part_of is not None):
        body = {**body, SALT: secrets.token_hex(SALT_BYTES)}
    times = (period.effective_at, period.expires_at)
    return Draft(who.key(code), version, step.op, who.region, body, *times, part_of=period.part_of)
