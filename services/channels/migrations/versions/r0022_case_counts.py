"""Indexes for the wall board's counts of cases: accepted on a day, open, finished on a day.

For PostgreSQL: SQLite refuses JSON functions in an index of a store whose schema is not trusted, so there a slow count
is made rarely instead. The expressions are those of `services.channels.api.statements.CASE_COUNTS`, letter for letter:
otherwise the database reads every case.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

CASES = "kind = 'application' AND content IS NOT NULL"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    accepted, finished, stage = (
        sa.text(f"(content::json ->> '{one}')") for one in ("accept_date", "result_date", "stage")
    )
    still_open = sa.text(f"{CASES} AND {stage} <> '3'")
    op.create_index("ix_document_cases_accepted", "document", [accepted], postgresql_where=sa.text(CASES))
    op.create_index("ix_document_cases_finished", "document", [finished], postgresql_where=sa.text(CASES))
    op.create_index("ix_document_cases_open", "document", [stage], postgresql_where=still_open)


def downgrade() -> None:
    for name in ("accepted", "finished", "open"):
        op.drop_index(f"ix_document_cases_{name}", "document", if_exists=True)
