"""Draft and released body apart: until now an edition kept one body, so that a draft could be taken for released."""

from shared.publishing.editions.migration import keep_released_apart

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    keep_released_apart("item")


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")
