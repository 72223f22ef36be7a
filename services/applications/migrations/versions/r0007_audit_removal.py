"""Rows of the audit log that are older than ten years may be removed."""

from shared.audit.migration import allow_removal

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    allow_removal()


def downgrade() -> None:
    raise RuntimeError("an audit log is never deleted; restore a backup instead")
