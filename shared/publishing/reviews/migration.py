"""The tables of reviews. Frozen: catalog and guides made them in one migration, alike."""

import sqlalchemy as sa
from alembic import op

from shared.database.migration_env import compress_quickly

OLD_STORE = (
    "INSERT INTO review_policy (id, policy, written_at) SELECT 1, 'none', '' "
    "WHERE EXISTS (SELECT 1 FROM identity) OR EXISTS (SELECT 1 FROM edition)"
)


def make_review_tables() -> None:
    """Create the tables. A store that has a county already was born without reviews."""
    op.create_table(
        "review",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("preview", sa.String(length=64), nullable=True),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.String(length=64), nullable=False),
        sa.Column("submitted_by_title", sa.String(length=64), nullable=False),
        sa.Column("submitted_at", sa.String(length=27), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("successors", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.String(length=27), nullable=True),
        sa.Column("closed_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_review_state", "review", ["state"])
    op.create_table(
        "review_member",
        sa.Column("review", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("op", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("effective_at", sa.String(length=27), nullable=True),
        sa.Column("expires_at", sa.String(length=27), nullable=True),
        sa.Column("version_in_force", sa.Integer(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("used_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("review", "key"),
    )
    op.create_index("ix_review_member_key", "review_member", ["key"])
    op.create_index("ix_review_member_digest", "review_member", ["digest"])
    compress_quickly("review_member", "body")
    _make_small_tables()
    op.execute(OLD_STORE)


def _make_small_tables() -> None:
    op.create_table(
        "review_signature",
        sa.Column("review", sa.Integer(), nullable=False),
        sa.Column("gate", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("by_title", sa.String(length=64), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=64), nullable=True),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("overrides", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("review", "gate"),
    )
    op.create_table(
        "review_author",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("code", "name"),
    )
    op.create_table(
        "review_policy",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.String(length=8), nullable=False),
        sa.Column("written_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
