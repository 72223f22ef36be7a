"""Keep personal data out of errors: check shapes and run statements without repeating a value."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlmodel import Session

from contracts.codes.coded_fields import RULE, unknown_codes
from shared.database.engine import Database
from shared.errors import Broken, Invalid, Unavailable, Violation

M = TypeVar("M")
T = TypeVar("T")

# Keys of an object are input too and may be a name or a number: repeat only what looks like a field name.
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_INDEX = re.compile(r"[0-9]{1,3}")


def parse(shape: type[M] | TypeAdapter[M], content: Any) -> M:
    """Parse the content, and check its codes against their tables.

    Raises `Invalid` naming fields and rules, never a value.
    """
    made = _shaped(shape, content)
    if isinstance(made, BaseModel) and (found := list(unknown_codes(made))):
        raise Invalid(*(Violation(_name(one.field.split(".")), RULE, one.message) for one in found))
    return made


def _shaped(shape: type[M] | TypeAdapter[M], content: Any) -> M:
    try:
        if isinstance(shape, TypeAdapter):
            return shape.validate_python(content)
        return cast("M", cast("type[BaseModel]", shape).model_validate(content))
    except ValidationError as error:
        raise Invalid(*(_violation(problem) for problem in error.errors(include_input=False))) from None
    except OverflowError:
        raise Invalid(Violation("body", "moment", "contains a time outside the calendar")) from None


def without_values(violations: Iterable[Violation]) -> list[Violation]:
    """Return the same violations without the input."""
    return [Violation(_name(v.field.split(".")), v.rule, v.message) for v in violations]


@contextmanager
def writing(db: Database) -> Iterator[Session]:
    """Run `db.write()`; an error of the database is reduced to its type (see `_quiet`)."""
    with _quiet(), db.write() as session:
        yield session


def writing_together(db: Database, act: Callable[[Session], T]) -> T:
    """Run `db.write_together(act)`; an error of the database is reduced to its type (see `_quiet`)."""
    with _quiet():
        return db.write_together(act)


@contextmanager
def reading(db: Database) -> Iterator[Session]:
    """Run `db.read()`; an error of the database is reduced to its type (see `_quiet`)."""
    with _quiet(), db.read() as session:
        yield session


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop messages and causes of errors: drivers quote parameters and rows, and a traceback prints the causes."""
    try:
        yield
    except Unavailable as error:
        raise Unavailable(str(error)) from None
    except (DataError, IntegrityError) as error:
        raise Broken(f"the database refused a value: {type(error).__name__}") from None
    except SQLAlchemyError as error:
        raise Unavailable(f"database: {type(error).__name__}") from None


def _violation(problem: Mapping[str, Any]) -> Violation:
    message = str(problem["msg"]).removeprefix("Value error, ")
    return Violation(_name(map(str, problem["loc"])), str(problem["type"]), message)


def _name(parts: Iterable[str]) -> str:
    return ".".join(part if _FIELD_NAME.fullmatch(part) or _INDEX.fullmatch(part) else "…" for part in parts) or "body"
