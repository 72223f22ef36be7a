"""First schema: uploads, jobs, and the county that the store belongs to."""

import sqlalchemy as sa
from alembic import op

from shared.county.migration import make_identity_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_identity_table()
    _make_uploads()
    _make_jobs()


def _make_uploads() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("beside", sa.String(length=32), nullable=True),
        sa.Column("uploaded_at", sa.String(length=27), nullable=False),
        sa.Column("by_name", sa.String(length=64), nullable=False),
        sa.Column("by_title", sa.String(length=64), nullable=False),
        sa.Column("by_address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["beside"], ["upload.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_upload_sha256", "upload", ["sha256"])


def _make_jobs() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upload", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("of_preview", sa.Integer(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("by_name", sa.String(length=64), nullable=False),
        sa.Column("by_title", sa.String(length=64), nullable=False),
        sa.Column("by_address", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.String(length=27), nullable=False),
        sa.Column("began_at", sa.String(length=27), nullable=True),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["upload"], ["upload.id"]),
        sa.ForeignKeyConstraint(["of_preview"], ["job.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_job_upload", "job", ["upload"])
    # Two jobs at once would each plan without what the other does.
    op.create_index(
        "one_job_at_a_time",
        "job",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )


def downgrade() -> None:
    raise RuntimeError("what was imported is never forgotten; restore a backup instead")
