"""Key rotation: reseal every value under a new key while the service runs, then remove the old keys from the file.

If it is interrupted, the same command continues: a file with more than one key means that a rotation is in progress,
and the mark in the store means that the database's files may still contain earlier values.
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

from services.applications.case_repository import CaseRepository
from services.applications.model import ONLY, CaseRow, FactRow, RequestRow, SealingMark
from services.applications.privacy import sealing
from services.applications.privacy.error_guard import reading, writing
from services.applications.statements import KEY_PREFIXES, LOCK_SEALED, NEXT_TRANSACTION, OLDER_READERS, REWRITE
from shared.database import erasure
from shared.database.engine import Database
from shared.errors import Broken, Conflict, NotFound, SettingsError, Unavailable
from shared.security.vault import (
    FORMAT,
    PREFIX_CHARACTERS,
    SealedField,
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
Tell = Callable[[int], None]
MOMENTS, BETWEEN_SECONDS = 200, 0.05
"""How often, and how many seconds apart, to try for a moment without writers."""


@dataclass
class Findings:
    """The result of a check: the number of values by key id, and every value that cannot be opened."""

    values: dict[str, int] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)


def key_ids(ask: Callable[[str], object]) -> set[str]:
    """Return the ids of the keys that seal anything in a store; `ask` runs one SELECT. Empty before the migration."""
    found: set[str] = set()
    for query in KEY_PREFIXES:
        found |= {row[0][len(FORMAT) : -1] for row in ask(query) if is_sealed(row[0])}  # type: ignore[attr-defined]  # rows
    return found


def prepare(db: Database) -> None:
    """Create the store's keys before it is migrated, unless there are some or the store is sealed with lost ones.

    Raises `Broken` naming the missing keys.
    """
    vault = _vault(db)
    with db.engine.connect() as connection:
        used = key_ids(connection.exec_driver_sql) if _has_tables(connection) else set()
    if not used:
        make_keys(vault.path)
    missing = used - {key.key_id for key in vault.ring()} if vault.path.exists() else used
    if missing:
        raise Broken(
            f"personal data are sealed with key {', '.join(sorted(missing))}, and {vault.path} does not contain it: "
            "restore the file from your copy"
        )


def change_key(db: Database, tell: Tell) -> tuple[str, list[str]]:
    """Reseal every value under a new key; return its id and the old ids. `tell` receives the number of finished cases.

    Raises `NotFound` without a key file, `Unavailable` when it cannot be finished now: calling it again continues.
    """
    path = _vault(db).path
    if not path.exists():
        raise NotFound(f"{path} does not exist: rotate on the machine that holds the keys")
    newest, *older = _vault(db).ring()
    if not older:
        newest = add_key(path)
    # If the process dies before the old keys are removed: the file has all keys, every value can be opened, and the
    # next call continues with the same new key.
    _mark(db, unclean=True)
    for count in _passes(db):
        tell(count)
    clean(db)
    return newest.key_id, [key.key_id for key in _retire(db, path)]


def clean(db: Database) -> None:
    """Rewrite the database's files, so that they contain no earlier values. Does nothing if that is done.

    Raises `Unavailable` while others use the tables.
    """
    with reading(db) as session:
        if not session.get_one(SealingMark, ONLY).unclean:
            return
    try:
        _rewrite(db)
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        raise Unavailable(
            f"applications: the tables cannot be rewritten at the moment: {type(error).__name__}"
        ) from None
    erasure.empty_journal(db)
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


def values(session: Session) -> Iterator[tuple[SealedField, str, str]]:
    """Yield every sealed value with its place and its case."""
    for case in session.exec(select(CaseRow).execution_options(yield_per=BATCH)):
        yield sealing.personal_place(case.project_no), case.personal, case.project_no
    for fact in session.exec(select(FactRow).execution_options(yield_per=BATCH)):
        yield sealing.fact_place(fact.project_no, fact.fact_id), fact.document, f"{fact.project_no}, {fact.fact_id}"
    for request in session.exec(select(RequestRow).execution_options(yield_per=BATCH)):
        yield sealing.request_place(request.request), request.content, request.project_no


def _passes(db: Database) -> Iterator[int]:
    """Reseal all cases in the order of their numbers, one batch per transaction; yield the number done after each."""
    count, after = 0, ""
    while True:
        with writing(db) as session:
            rows = CaseRepository(session).locked_where([col(CaseRow.project_no) > after], BATCH)
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
    """Rename requests that are named by an older key; those with a name under both keys keep the newest."""
    newest = sealing.vault_of(session).ring()[0].key_id
    for request in session.exec(select(RequestRow).where(condition, ~col(RequestRow.request).startswith(newest))):
        newer = sealing.renamed(session, request)
        session.delete(request)
        session.flush()
        session.merge(newer)


def _retire(db: Database, path: Path) -> list[VaultKey]:
    """Remove old keys from the file at a moment without writers, if no value needs them; return them.

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
            connection.exec_driver_sql(LOCK_SEALED)
        _rename(session, true())
        session.flush()
        older = _vault(db).ring()[1:]
        if key_ids(connection.exec_driver_sql) & {key.key_id for key in older}:
            raise Conflict("a value was sealed with an old key in the meantime: run it again")
        return list(retire_keys(path)) if older else []


def _rewrite(db: Database) -> None:
    """Run VACUUM outside of any transaction, as both databases require."""
    connection = db.engine.raw_connection()
    try:
        if db.is_sqlite:
            connection.cursor().execute("VACUUM")
            return
        connection.driver_connection.autocommit = True  # type: ignore[union-attr]  # psycopg's
        connection.cursor().execute("SET statement_timeout = 0")
        _await_older_readers(connection.cursor())
        for statement in REWRITE:
            connection.cursor().execute(statement)
    finally:
        # Do not return this connection, with its settings and mode, to the pool.
        connection.invalidate()
        connection.close()


def _await_older_readers(cursor: Any) -> None:
    """Wait for transactions that began before: VACUUM FULL copies the earlier values that they may still see.

    Raises `Unavailable` if one stays open.
    """
    now = cursor.execute(NEXT_TRANSACTION).fetchone()[0]
    for _ in range(MOMENTS):
        if cursor.execute(OLDER_READERS, (now,)).fetchone()[0] == 0:
            return
        time.sleep(BETWEEN_SECONDS)
    raise Unavailable("a transaction stays open, so earlier values cannot be removed: end it, and run this again")


def _mark(db: Database, *, unclean: bool) -> None:
    with writing(db) as session:
        mark = session.get_one(SealingMark, ONLY)
        mark.unclean = unclean
        session.add(mark)


def _has_tables(connection: Connection) -> bool:
    return connection.dialect.has_table(connection, "application")


def _vault(db: Database) -> Vault:
    if db.vault is None:
        raise SettingsError(sealing.NO_KEYS)
    return db.vault
