"""First schema: documents, schedule, parked entries and the search index."""

import secrets

import sqlalchemy as sa
from alembic import op

from services.channels.search.index import create_statements
from shared.database.migration_env import compress_quickly

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _aside()
    _document()
    _indexed()
    _parked()
    _scheduled()
    _seen_head()
    _state()
    for statement in create_statements(op.get_context().dialect.name):
        op.execute(statement)
    state = sa.table("state", *(sa.column(name) for name in ("id", "position", "change", "epoch")))
    op.bulk_insert(state, [{"id": 1, "position": 0, "change": 0, "epoch": secrets.token_hex(4)}])
    compress_quickly("document", "content")
    compress_quickly("aside", "content")


def downgrade() -> None:
    raise RuntimeError("releases are never deleted; restore a backup instead")


def _aside() -> None:
    op.create_table(
        "aside",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=True),
        sa.Column("effective_at", sa.String(length=27), nullable=True),
        sa.Column("expires_at", sa.String(length=27), nullable=True),
        sa.Column("released_at", sa.String(length=27), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )


def _document() -> None:
    op.create_table(
        "document",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=True),
        sa.Column("effective_at", sa.String(length=27), nullable=True),
        sa.Column("expires_at", sa.String(length=27), nullable=True),
        sa.Column("released_at", sa.String(length=27), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(op.f("ix_document_change"), "document", ["change"], unique=False)
    op.create_index(op.f("ix_document_expires_at"), "document", ["expires_at"], unique=False)


def _indexed() -> None:
    op.create_table(
        "indexed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _parked() -> None:
    op.create_table(
        "parked",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("parked_at", sa.String(length=27), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index(op.f("ix_parked_key"), "parked", ["key"], unique=False)


def _scheduled() -> None:
    op.create_table(
        "scheduled",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=True),
        sa.Column("effective_at", sa.String(length=27), nullable=True),
        sa.Column("expires_at", sa.String(length=27), nullable=True),
        sa.Column("released_at", sa.String(length=27), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", "version"),
    )


def _seen_head() -> None:
    op.create_table(
        "seen_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("time", sa.String(length=27), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _state() -> None:
    op.create_table(
        "state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
