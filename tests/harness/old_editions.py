"""A source's store from before drafts and released bodies were kept apart."""

from typing import Any

import orjson
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlmodel import Session

from contracts.envelope.publication import Lane, Op
from shared.database.engine import ROOT, Database
from shared.feeds.outbox import Draft, emit
from shared.publishing.editions import EditionRow, find

BEFORE = {"catalog": "0001", "guides": "0002"}
KIND = {"catalog": "item", "guides": "guide"}
EDITION = text(
    "INSERT INTO edition (code, revision, state, version, draft, released_digest) "
    "VALUES (:code, 7, :state, :version, :draft, :digest)"
)

Version = tuple[dict[str, Any] | None, dict[str, Any]]
"""The body (None: a withdrawal) and the period of one version."""


def upgraded(db: Database, editions: dict[str, tuple[str, dict[str, Any], list[Version]]]) -> dict[str, EditionRow]:
    """Return the editions of such a store after today's migrations. `editions`: code → (state, draft, versions)."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / db.service / "migrations"))
    with db.engine.connect() as connection:
        if not db.is_sqlite:
            connection.execute(text(f'CREATE SCHEMA "{db.service}"'))
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE[db.service])
        connection.commit()
    with db.write() as session:
        for code, (state, draft, versions) in editions.items():
            _fill(session, db.service, code, state, draft, versions)
    db.migrate(db.service)
    with db.read() as session:
        return {code: find(session, code) for code in editions}


def _fill(session: Session, source: str, code: str, state: str, draft: dict[str, Any], versions: list[Version]) -> None:
    drafts = [
        Draft(f"{KIND[source]}:{code}", n, Op.RELEASE if body else Op.WITHDRAW, "339921000000", body, **period)
        for n, (body, period) in enumerate(versions, 1)
    ]
    emit(session, source, drafts, Lane.LIVE)
    values = {"code": code, "state": state, "version": len(versions), "draft": orjson.dumps(draft).decode()}
    session.connection().execute(EDITION, {**values, "digest": None})
