"""Indexes for what every channel asks again and again: what is due now, and how many documents of a kind are shown."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_scheduled_effective_at", "scheduled", ["effective_at"])
    op.create_index("ix_document_kind_digest", "document", ["kind", "content_digest"])


def downgrade() -> None:
    op.drop_index("ix_document_kind_digest", "document")
    op.drop_index("ix_scheduled_effective_at", "scheduled")
