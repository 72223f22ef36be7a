"""Count every open case again: its promised day may be provisional."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE calendar_mark SET generation = generation + 1 WHERE EXISTS (SELECT 1 FROM application)")


def downgrade() -> None:
    """Nothing was added."""
