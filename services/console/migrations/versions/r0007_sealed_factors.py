"""Secrets of second factors are longer when they are sealed; the desk's process seals those that are there."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("account") as table:
        table.alter_column("totp_secret", existing_type=sa.String(length=64), type_=sa.Text(), existing_nullable=True)


def downgrade() -> None:
    raise RuntimeError("sealed values stay sealed; restore a backup instead")
