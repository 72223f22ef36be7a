"""What the county demands before a release: written into each source's store when it is made, and compared at every
start.
"""

from datetime import UTC, datetime

from sqlalchemy import inspect

from contracts.base import format_time
from contracts.content.gates import ReviewPolicy
from shared.database.engine import Database
from shared.errors import SettingsError
from shared.publishing.reviews.model import PolicyRow

ONLY = 1


def known(db: Database) -> ReviewPolicy | None:
    """Return the policy that the store names; None when it names none yet."""
    with db.read() as session:
        schema = None if db.is_sqlite else db.service
        if not inspect(session.connection()).has_table(PolicyRow.__tablename__, schema=schema):
            return None
        row = session.get(PolicyRow, ONLY)
        return None if row is None else ReviewPolicy(row.policy)


def require(db: Database, wanted: ReviewPolicy) -> None:
    """Raises `SettingsError` when the store was made under another policy. A store that names none yet passes."""
    stored = known(db)
    if stored is not None and stored != wanted:
        raise SettingsError(
            f"TONGYUAN_REVIEW: the store of {db.service} was born with the policy {stored}, not {wanted}: a county "
            f"keeps its policy; start it with TONGYUAN_REVIEW={stored}, or choose another --data-dir or database"
        )


def write(db: Database, wanted: ReviewPolicy) -> None:
    """Write the policy into a store that names none. Raises `SettingsError` when it names another."""
    require(db, wanted)
    with db.write() as session:
        if session.get(PolicyRow, ONLY) is None:
            session.add(PolicyRow(id=ONLY, policy=wanted, written_at=format_time(datetime.now(UTC))))
