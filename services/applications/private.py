"""Where personal data could slip into errors: shapes are checked and statements run without repeating a value."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlmodel import Session

from shared.database import Database
from shared.errors import Broken, Invalid, Unavailable, Violation

M = TypeVar("M")

# A key of an object is sent too, and might be a name or a number: only what looks like a field's name is repeated.
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_INDEX = re.compile(r"[0-9]{1,3}")


def parse(shape: type[M] | TypeAdapter[M], content: Any) -> M:
    """The content in its shape. Raises `Invalid` naming fields and rules, never a value."""
    try:
        if isinstance(shape, TypeAdapter):
            return shape.validate_python(content)
        assert issubclass(shape, BaseModel)
        return shape.model_validate(content)
    except ValidationError as error:
        raise Invalid(*(_violation(problem) for problem in error.errors(include_input=False))) from None
    except OverflowError:
        raise Invalid(Violation("body", "moment", "holds a time outside of the calendar")) from None


def without_values(violations: Iterable[Violation]) -> list[Violation]:
    """The same violations without what was sent."""
    return [Violation(_name(v.field.split(".")), v.rule, v.message) for v in violations]


@contextmanager
def writing(db: Database) -> Iterator[Session]:
    """`db.write()`; what the database says about a failure is cut down to its kind (see `_quiet`)."""
    with _quiet(), db.write() as session:
        yield session


@contextmanager
def reading(db: Database) -> Iterator[Session]:
    """`db.read()`, likewise."""
    with _quiet(), db.read() as session:
        yield session


@contextmanager
def _quiet() -> Iterator[None]:
    """Drivers quote parameters and rows, and a traceback prints the errors behind an error: cut both off."""
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
