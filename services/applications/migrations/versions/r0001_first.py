"""First schema: the outbox; cases, their facts and timers; calendars; serials and requests."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _outbox()
    _cases()
    _calendars()
    _numbers()


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")


def _outbox() -> None:
    op.create_table(
        "counter",
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("lane"),
    )
    op.create_table(
        "relayed",
        sa.Column("lane", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("lane"),
    )
    op.create_table(
        "release",
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("op", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("released_at", sa.String(length=27), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lane", "sequence"),
        sa.UniqueConstraint("key", "version"),
    )
    op.execute("INSERT INTO counter (lane, value) VALUES ('live', 0), ('backfill', 0)")


def _cases() -> None:
    op.create_table(
        "application",
        sa.Column("project_no", sa.String(length=50), nullable=False),
        sa.Column("case_ref", sa.String(length=52), nullable=True),
        sa.Column("item_code", sa.String(length=33), nullable=True),
        sa.Column("task_type", sa.String(length=2), nullable=False),
        sa.Column("promise_day", sa.Integer(), nullable=True),
        sa.Column("promise_type", sa.String(length=1), nullable=False),
        sa.Column("personal", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=True),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_no"),
        sa.UniqueConstraint("case_ref"),
    )
    op.create_index("ix_application_active", "application", ["active", "generation"])
    op.create_index("ix_application_state", "application", ["state"])
    op.create_table(
        "fact",
        sa.Column("project_no", sa.String(length=50), nullable=False),
        sa.Column("fact_id", sa.String(length=120), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("occurred_at", sa.String(length=27), nullable=False),
        sa.Column("received_at", sa.String(length=27), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project_no", "fact_id"),
    )
    op.create_table(
        "timer",
        sa.Column("project_no", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("fired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("project_no", "kind"),
    )
    op.create_index("ix_timer_due", "timer", ["fired", "day"])


def _calendars() -> None:
    op.create_table(
        "calendar",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("year"),
    )
    op.create_table(
        "calendar_mark",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO calendar_mark (id, generation) VALUES (1, 0)")


def _numbers() -> None:
    op.create_table(
        "serial",
        sa.Column("code31", sa.String(length=31), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code31", "day"),
    )
    op.create_table(
        "request",
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("project_no", sa.String(length=50), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_index("ix_request_project_no", "request", ["project_no"])
