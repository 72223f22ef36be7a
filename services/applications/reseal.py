"""Keys change: every value is sealed anew under the newest, while the service goes on; then old keys leave the file.

Interrupted anywhere, the same command goes on: a file with more than one key says that a change is under way, and the
mark in the store that the files still hold what was there before.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, true
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from services.applications import docket, sealing
from services.applications.model import ONLY, CaseRow, FactRow, RequestRow, SealingMark
from services.applications.private import reading, writing
from shared import erasing
from shared.database import Database
from shared.errors import Broken, Conflict, NotFound, Unavailable
from shared.vault import (
    FORMAT,
    PREFIX_CHARACTERS,
    Place,
    Tampered,
    UnknownKey,
    Vault,
    VaultKey,
    add_key,
    is_sealed,
    make_keys,
    retire_keys,
)

BATCH = 100
COLUMNS = (("application", "personal"), ("fact", "document"), ("request", "content"))
Tell = Callable[[int], None]
MOMENTS, BETWEEN_SECONDS = 200, 0.05
"""How often, and how far apart, a moment without writers is looked for."""


@dataclass
class Findings:
    """What a check found: values by key id, and every value that does not open."""

    values: dict[str, int] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)


def key_ids(ask: Callable[[str], object]) -> set[str]:
    """The ids of the keys that seal anything in a store; `ask` runs one SELECT on it. Empty before the migration."""
    found: set[str] = set()
    for table, column in COLUMNS:
        prefixes = ask(f"SELECT DISTINCT substr({column}, 1, {PREFIX_CHARACTERS}) FROM {table}")  # noqa: S608  # our own names
        found |= {row[0][len(FORMAT) : -1] for row in prefixes if is_sealed(row[0])}  # type: ignore[attr-defined]  # rows
    return found


def prepare(db: Database) -> None:
    """Before the store is migrated: make its keys, unless there are some or the store is sealed with lost ones.

    Raises `Broken` naming the keys that are missing.
    """
    vault = _vault(db)
    with db.engine.connect() as connection:
        used = key_ids(connection.exec_driver_sql) if _has_tables(connection) else set()
    if not used:
        make_keys(vault.path)
    missing = used - {key.key_id for key in vault.ring()} if vault.path.exists() else used
    if missing:
        raise Broken(
            f"personal data are sealed with key {', '.join(sorted(missing))}, and {vault.path} does not hold it: "
            "put the file back from where you keep it"
        )


def change_key(db: Database, tell: Tell) -> tuple[str, list[str]]:
    """A new key for every value; `tell` hears how many cases are through. The new key's id, and those of the old.

    Raises `NotFound` without a key file, `Unavailable` when it could not be finished now: the same again goes on.
    """
    path = _vault(db).path
    if not path.exists():
        raise NotFound(f"there is no {path}: change keys where the service keeps them")
    newest, *older = _vault(db).ring()
    if not older:
        newest = add_key(path)
    _mark(db, unclean=True)
    for count in _passes(db):
        tell(count)
    clean(db)
    return newest.key_id, [key.key_id for key in _retire(db, path)]


def clean(db: Database) -> None:
    """Rewrite the files, so that nothing stays in them of what was there before. Does nothing where that is done.

    Raises `Unavailable` while somebody else needs the tables.
    """
    with reading(db) as session:
        if not session.get_one(SealingMark, ONLY).unclean:
            return
    try:
        _rewrite(db)
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        raise Unavailable(f"applications: the tables cannot be rewritten now: {type(error).__name__}") from None
    erasing.empty_journal(db)
    _mark(db, unclean=False)


def check(db: Database) -> Findings:
    """Open every value of the store."""
    found = Findings()
    vault = _vault(db)
    with reading(db) as session:
        for place, value, case in values(session):
            key_id = value[len(FORMAT) : PREFIX_CHARACTERS - 1] if is_sealed(value[:PREFIX_CHARACTERS]) else "none"
            found.values[key_id] = found.values.get(key_id, 0) + 1
            try:
                vault.open(value, place)
            except (Tampered, UnknownKey) as error:
                found.bad.append(f"{error} (case {case})")
    return found


def values(session: Session) -> Iterator[tuple[Place, str, str]]:
    """Every sealed value, with its place and whose it is."""
    for case in session.exec(select(CaseRow).execution_options(yield_per=BATCH)):
        yield sealing.personal_place(case.project_no), case.personal, case.project_no
    for fact in session.exec(select(FactRow).execution_options(yield_per=BATCH)):
        yield sealing.fact_place(fact.project_no, fact.fact_id), fact.document, f"{fact.project_no}, {fact.fact_id}"
    for request in session.exec(select(RequestRow).execution_options(yield_per=BATCH)):
        yield sealing.request_place(request.request), request.content, request.project_no


def _passes(db: Database) -> Iterator[int]:
    """Through all cases, a batch a transaction, in the order of their numbers; how many are done after each."""
    count, after = 0, ""
    while True:
        with writing(db) as session:
            rows = docket.locked_where(session, [col(CaseRow.project_no) > after], BATCH)
            for row in rows:
                _reseal(session, row)
        if not rows:
            return
        count, after = count + len(rows), rows[-1].project_no
        yield count


def _reseal(session: Session, row: CaseRow) -> None:
    vault = sealing.vault_of(session)
    if not vault.is_current(row.personal):
        sealing.set_personal(session, row, sealing.personal_of(session, row))
        session.add(row)
    for fact in session.exec(select(FactRow).where(FactRow.project_no == row.project_no)):
        if not vault.is_current(fact.document):
            sealing.set_fact(session, fact, sealing.fact_of(session, fact))
            session.add(fact)
    _rename(session, col(RequestRow.project_no) == row.project_no)


def _rename(session: Session, condition: Any) -> None:
    """Requests that an older key names get their newest name; those that have one under both keep that."""
    newest = sealing.vault_of(session).ring()[0].key_id
    for request in session.exec(select(RequestRow).where(condition, ~col(RequestRow.request).startswith(newest))):
        newer = sealing.renamed(session, request)
        session.delete(request)
        session.flush()
        session.merge(newer)


def _retire(db: Database, path: Path) -> list[VaultKey]:
    """Old keys leave the file in a moment in which nobody writes, and only when nothing needs them.

    Raises `Unavailable` when there is no such moment.
    """
    for _ in range(MOMENTS):
        with suppress(Unavailable):
            return _retired_now(db, path)
        time.sleep(BETWEEN_SECONDS)
    return _retired_now(db, path)


def _retired_now(db: Database, path: Path) -> list[VaultKey]:
    with writing(db) as session:
        connection = session.connection()
        if not db.is_sqlite:
            # Who waits for writers while he holds up others stands in their way, and they in his.
            connection.exec_driver_sql("LOCK TABLE application, fact, request IN SHARE MODE NOWAIT")
        _rename(session, true())
        session.flush()
        older = _vault(db).ring()[1:]
        if key_ids(connection.exec_driver_sql) & {key.key_id for key in older}:
            raise Conflict("a value was sealed with an old key meanwhile: run it again")
        return list(retire_keys(path)) if older else []


def _rewrite(db: Database) -> None:
    """Outside of any transaction, as both databases want it."""
    connection = db.engine.raw_connection()
    try:
        if db.is_sqlite:
            connection.cursor().execute("VACUUM")
            return
        connection.driver_connection.autocommit = True  # type: ignore[union-attr]  # psycopg's
        connection.cursor().execute("SET statement_timeout = 0")
        for table, _ in COLUMNS:
            connection.cursor().execute(f"VACUUM FULL {table}")
    finally:
        # Neither its settings nor its mode are the pool's.
        connection.invalidate()
        connection.close()


def _mark(db: Database, *, unclean: bool) -> None:
    with writing(db) as session:
        mark = session.get_one(SealingMark, ONLY)
        mark.unclean = unclean
        session.add(mark)


def _has_tables(connection: Connection) -> bool:
    return connection.dialect.has_table(connection, "application")


def _vault(db: Database) -> Vault:
    assert db.vault is not None, "the store of applications needs its keys"
    return db.vault
