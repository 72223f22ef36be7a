"""Exchange tables in a database of the exchange: PostgreSQL, or a SQLite file. The only module that connects to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from services.exchange.refusals import Refusal
from services.exchange.tables.definitions import TABLES, Row, Tables
from shared.errors import Invalid, Unavailable, Violation

KEY = "row_guid"
VERSION = "task_version"
URL_REMEDY = "write postgresql://user:password@host:5432/name or sqlite:///path"
_SENT = ("cd_operation", "cd_time", "cd_batch")
"""Columns that say how and when a row was sent, not what it states. I and U of the same content are the same."""


@dataclass
class Written:
    """What became of the rows, by number; `absent`: columns with a value that the target table does not have."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    older: int = 0
    absent: dict[str, list[str]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)


class TableDatabase:
    """The exchange tables in one schema of a database."""

    def __init__(self, engine: sa.Engine, schema: str | None = None) -> None:
        self._engine, self._schema = engine, schema

    def read(self, names: Iterable[str]) -> Tables:
        """Read those tables that the database has. Raises `Unavailable`."""
        tables: Tables = {}
        with self._connected() as connection:
            for name in names:
                table = self._table(connection, name)
                if table is not None:
                    rows = connection.execute(sa.select(table)).mappings()
                    tables[name] = [{str(key).lower(): _text(value) for key, value in row.items()} for row in rows]
        return tables

    def create(self, names: Iterable[str]) -> list[str]:
        """Create the tables that are missing, all columns as text that may be NULL; return their names."""
        made = []
        with self._connected() as connection:
            for name in names:
                if self._table(connection, name) is None:
                    columns = [sa.Column(one, sa.Text, primary_key=one == KEY) for one in TABLES[name].columns]
                    sa.Table(name, sa.MetaData(), *columns, schema=self._schema).create(connection)
                    made.append(name)
        return made

    def write(self, records: Iterable[Tables]) -> Written:
        """Write records, each whole or not at all, in one transaction.

        A row is known by its `row_guid`: one that states the same is left as it is. A row of an older version than
        the stored one of this `row_guid` is left, too. Raises `Invalid` for a missing table, `Unavailable`.
        """
        done = Written()
        with self._connected() as connection:
            tables: dict[str, sa.Table] = {}
            for record in records:
                for name in record.keys() - tables.keys():
                    tables[name] = self._required(connection, name)
                _write_record(connection, tables, record, done)
        return done

    def _required(self, connection: sa.Connection, name: str) -> sa.Table:
        table = self._table(connection, name)
        if table is None:
            message = "is not in the database: create it, or give --create-tables"
            raise Invalid(Violation(name, "table-missing", message))
        if KEY not in table.c:
            raise Invalid(Violation(name, "column-missing", f"has no column {KEY}: rows cannot be told apart"))
        return table

    def _table(self, connection: sa.Connection, name: str) -> sa.Table | None:
        if not sa.inspect(connection).has_table(name, schema=self._schema):
            return None
        return sa.Table(name, sa.MetaData(), autoload_with=connection, schema=self._schema)

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = type(getattr(error, "orig", None) or error).__name__
            raise Unavailable(
                f"the exchange's database at {self._engine.url.render_as_string(hide_password=True)} failed ({cause}); "
                "nothing of this run was written there. Check that it runs and that the account has its rights"
            ) from error


@contextmanager
def table_database(url: str, schema: str | None = None) -> Iterator[TableDatabase]:
    """Yield the database at an address of SQLAlchemy's form. Raises `Invalid` for another kind of address."""
    if not url.startswith(("postgresql://", "postgresql+psycopg://", "sqlite:///")):
        raise Invalid(Violation("database", "url", URL_REMEDY))
    try:
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), hide_parameters=True)
    except (SQLAlchemyError, ValueError):
        raise Invalid(Violation("database", "url", URL_REMEDY)) from None
    try:
        yield TableDatabase(engine, schema)
    finally:
        engine.dispose()


def _write_record(
    connection: sa.Connection, tables: Mapping[str, sa.Table], record: Mapping[str, Sequence[Row]], done: Written
) -> None:
    outcomes: list[str] = []
    name, guid = "", None
    try:
        with connection.begin_nested():
            for name, rows in record.items():
                for row in rows:
                    guid = row[KEY]
                    outcomes.append(_write_row(connection, tables[name], row, done))
    except (IntegrityError, DataError, _Untyped) as error:
        done.refusals.append(_refusal(name, guid, error))
        return
    for outcome in outcomes:
        setattr(done, outcome, getattr(done, outcome) + 1)


def _write_row(connection: sa.Connection, table: sa.Table, row: Row, done: Written) -> str:
    columns = {column.name.lower(): column for column in table.columns}
    absent = done.absent.setdefault(table.name, [])
    absent += [name for name, value in row.items() if value and name not in columns and name not in absent]
    values = {columns[name].name: _typed(columns[name], value) for name, value in row.items() if name in columns}
    same = columns[KEY] == row[KEY]
    found = connection.execute(sa.select(table).where(same)).mappings().first()
    if found is None:
        connection.execute(sa.insert(table).values(values))
        return "inserted"
    if all(found[name] == value for name, value in values.items() if name.lower() not in _SENT):
        return "unchanged"
    if (stored := found.get(VERSION)) is not None and int(stored) > int(row.get(VERSION) or 0):
        return "older"
    connection.execute(sa.update(table).where(same).values(values))
    return "updated"


class _Untyped(Exception):
    """A value that is none of its column's type. The message names the column."""


def _typed(column: sa.Column[Any], value: str | None) -> Any:
    """Return the value as the column's type takes it. Raises `_Untyped`."""
    if value is None:
        return None
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return value  # SQLAlchemy's answer for a type, such as inet, that stands for no type of Python.
    try:
        if kind is datetime:
            return datetime.fromisoformat(value)
        if kind is date:
            return date.fromisoformat(value[:10])
        return kind(value) if kind in (int, float, Decimal) else value
    except (ValueError, ArithmeticError):
        raise _Untyped(column.name) from None


def _refusal(table: str, guid: str | None, error: DBAPIError | _Untyped) -> Refusal:
    """Name what the database refused. The driver's own message may repeat values, so only its column is taken."""
    if isinstance(error, _Untyped):
        return Refusal(table, guid, str(error), "type", "compare the column's type with the documented one")
    diagnosis = getattr(error.orig, "diag", None)
    column = getattr(diagnosis, "column_name", None) or _sqlite_column(str(error.orig))
    rule = "required" if "not null" in str(error.orig).lower() or "not-null" in str(error.orig).lower() else "database"
    remedy = "complete the item at its source, or let the column be NULL" if rule == "required" else "compare the table"
    return Refusal(table, guid, column or "", rule, remedy)


def _sqlite_column(message: str) -> str | None:
    """`NOT NULL constraint failed: table.column` → `column`."""
    return message.rpartition(".")[2] if message.startswith("NOT NULL constraint failed") else None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
