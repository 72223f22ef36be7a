"""What a source stated before its last import, so that the import can be taken back."""

from shared.publishing.imports.migration import add_statement_before, drop_statement_before

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_statement_before()


def downgrade() -> None:
    drop_statement_before()
