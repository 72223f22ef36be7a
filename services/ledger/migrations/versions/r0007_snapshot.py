"""Where each key was released first: the order of keys in a snapshot."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("key", sa.Column("first_position", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE key SET first_position = (SELECT position FROM entry WHERE entry.key = key.key AND entry.version = 1)"
    )
    with op.batch_alter_table("key") as table:
        table.alter_column("first_position", nullable=False)
        table.create_unique_constraint("key_first_position", ["first_position"])


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
