"""First schema: the log of events, subscriptions with their keys, deliveries, and the audit log."""

import secrets

import sqlalchemy as sa
from alembic import op

from shared.audit.migration import add_address, make_audit_tables
from shared.county.migration import make_identity_table
from shared.database.migration_env import compress_quickly

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_identity_table()
    make_audit_tables()
    add_address()
    _make_log()
    _make_planned()
    _make_subscriptions()
    _make_keys()
    _make_deliveries()


def _make_log() -> None:
    op.create_table(
        "log",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("ledger_position", sa.BigInteger(), nullable=False),
        sa.Column("ledger_mark", sa.String(length=300), nullable=False),
        sa.Column("halted", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    epoch, beginning = secrets.token_hex(8), "0" * 64
    op.execute(
        f"INSERT INTO log (id, epoch, position, chain, ledger_position, ledger_mark) "  # noqa: S608  # our own texts
        f"VALUES (1, '{epoch}', 0, '{beginning}', 0, '')"
    )
    op.create_table(
        "event",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("op", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=128), nullable=True),
        sa.Column("department", sa.String(length=50), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("only_for", sa.String(length=32), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("event_key", "event", ["key", "position"])
    compress_quickly("event", "event")


def _make_planned() -> None:
    op.create_table(
        "planned",
        sa.Column("ledger_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("own_start", sa.String(length=27), nullable=False),
        sa.Column("starts", sa.String(length=27), nullable=False),
        sa.Column("part_of", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("ledger_position"),
    )
    op.create_index("planned_starts", "planned", ["starts"])
    op.create_index("ix_planned_part_of", "planned", ["part_of"])
    op.create_table(
        "item_department",
        sa.Column("item", sa.String(length=128), nullable=False),
        sa.Column("department", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("item"),
    )


def _make_subscriptions() -> None:
    op.create_table(
        "subscription",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("delivery", sa.String(length=8), nullable=False),
        sa.Column("url", sa.String(length=300), nullable=True),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("payload_limit", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("from_position", sa.BigInteger(), nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("hold_until", sa.String(length=27), nullable=True),
        sa.Column("succeeded_at", sa.String(length=27), nullable=True),
        sa.Column("failed_at", sa.String(length=27), nullable=True),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("changed_at", sa.String(length=27), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def _make_keys() -> None:
    op.create_table(
        "access_key",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("scopes", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("expires_at", sa.String(length=27), nullable=True),
        sa.Column("revoked_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["subscription"], ["subscription.id"]),
        sa.PrimaryKeyConstraint("hash"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_access_key_subscription", "access_key", ["subscription"])
    op.create_table(
        "signing",
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("signs_until", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["subscription"], ["subscription.id"]),
        sa.PrimaryKeyConstraint("subscription", "generation"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.String(length=27), nullable=False),
        sa.Column("created_at", sa.String(length=27), nullable=False),
        sa.Column("done_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["subscription"], ["subscription.id"]),
        sa.PrimaryKeyConstraint("subscription", "position"),
    )
    op.create_index("delivery_key", "delivery", ["subscription", "state", "key", "position"])
    op.create_index("delivery_next", "delivery", ["subscription", "state", "next_at"])
    op.create_index("delivery_done", "delivery", ["done_at"])
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", sa.String(length=200), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["subscription"], ["subscription.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempt_of", "attempt", ["subscription", "position", "id"])
    op.create_index("attempt_at", "attempt", ["at"])


def downgrade() -> None:
    raise RuntimeError("who subscribes is never forgotten; restore a backup instead")
