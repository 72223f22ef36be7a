"""What each source of imports said last, and where each release came from."""

from shared.publishing.imports.migration import make_import_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_import_tables()


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
