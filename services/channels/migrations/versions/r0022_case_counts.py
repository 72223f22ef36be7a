"""Indexes for the wall board's counts of cases: accepted on a day, open, finished on a day.

For PostgreSQL: SQLite refuses JSON functions in an index of a store whose schema is not trusted, so there a slow count
is made rarely instead. The expressions are those of `services.channels.api.statements.CASE_COUNTS`, letter for letter:
otherwise the database reads every case.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FIELDS = {"accepted": "accept_date", "finished": "result_date", "open": "stage"}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for name, field in FIELDS.items():
        value = f"(content::json ->> '{field}')"
        still_open = f" AND {value} <> '3'" if name == "open" else ""
        op.execute(
            f"CREATE INDEX ix_document_cases_{name} ON document ({value}) "
            f"WHERE kind = 'application' AND content IS NOT NULL{still_open}"
        )


def downgrade() -> None:
    for name in FIELDS:
        op.execute(f"DROP INDEX IF EXISTS ix_document_cases_{name}")
