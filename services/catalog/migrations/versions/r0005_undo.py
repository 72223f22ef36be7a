"""What a source stated before its last import, so that the import can be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null for what was imported before this version.
    op.add_column("import_statement", sa.Column("before", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("import_statement") as table:
        table.drop_column("before")
