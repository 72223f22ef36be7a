"""Reviews: the five gates before a release."""

from shared.publishing.reviews.migration import make_review_tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_review_tables()


def downgrade() -> None:
    raise RuntimeError("sign-offs are never deleted; restore a backup instead")
