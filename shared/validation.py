"""From outside JSON to a contract, or to a list of what is wrong with it."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from contracts.base import Json
from shared.errors import Invalid, Violation
from shared.invisible import invisible

M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], content: Any) -> M:
    """The content as `model`. Raises `Invalid` naming every field and rule, with the value where it is short."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise Invalid(*violations(error)) from None


def parse_draft(model: type[M], content: Any) -> M:
    """`parse`, for what is to be published: raises `Invalid` also for every field that holds what nobody can see."""
    draft = parse(model, content)
    if found := list(invisible(body_of(draft))):
        raise Invalid(*found)
    return draft


def violations(error: ValidationError) -> list[Violation]:
    """Each of pydantic's errors as field, rule, message and a shortened value."""
    return [
        Violation(
            field=".".join(str(part) for part in problem["loc"]) or "body",
            rule=problem["type"],
            message=problem["msg"],
            value=_short(problem["input"]),
        )
        for problem in error.errors()
    ]


def body_of(content: BaseModel) -> Json:
    """A contract as the body of a release: absent rather than null, so that a new optional field changes no digest."""
    return content.model_dump(mode="json", exclude_none=True)


def _short(value: Any) -> str | None:
    return str(value)[:80] if isinstance(value, str | int | float | bool) else None
