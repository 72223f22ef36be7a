"""Converts JSON from outside to a contract, or reports what is wrong with it."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from contracts.base import ANNOUNCEMENTS, SALT, Json
from contracts.codes.addresses import RULE as ADDRESS_RULE
from contracts.codes.addresses import wrong_addresses
from contracts.codes.coded_fields import RULE, unknown_codes
from shared.errors import Invalid, Violation
from shared.text.invisible_characters import invisible

M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], content: Any) -> M:
    """Return the content as `model`. Raises `Invalid` naming every field and rule, with the value where it is short.

    A code that is not in its table is refused here (`contracts.codes.coded_fields`): nothing later reads the table.
    """
    try:
        made = model.model_validate(content)
    except ValidationError as error:
        raise Invalid(*violations(error)) from None
    require_known_codes(made)
    return made


def require_known_codes(content: BaseModel) -> None:
    """Raises `Invalid` naming each code of a contract that is not in its table, and what to write instead."""
    if found := list(unknown_codes(content)):
        raise Invalid(*(Violation(one.field, RULE, one.message, one.value) for one in found))


def parse_draft(model: type[M], content: Any) -> M:
    """Like `parse`, for content to be published: raises `Invalid` also for invisible characters and wrong addresses."""
    draft = parse(model, content)
    _require_publishable(draft, body_of(draft))
    return draft


def draft_body(model: type[BaseModel], content: Any) -> Json:
    """Return the body of `parse_draft`, dumped only once: imports make very many."""
    draft = parse(model, content)
    body = body_of(draft)
    _require_publishable(draft, body)
    return body


def _require_publishable(draft: BaseModel, body: Json) -> None:
    """Raises `Invalid` for invisible characters, for an address that cannot be used (`contracts.codes.addresses`), and
    for what only the source writes: a salt, and announcements of scheduled versions.
    """
    if SALT in body:
        raise Invalid(Violation(SALT, "made_by_the_source", "leave it out: it is created when a version is scheduled"))
    if ANNOUNCEMENTS in body:
        remedy = "leave it out: an announcement is written when a version is scheduled, see `announcement` of a release"
        raise Invalid(Violation(ANNOUNCEMENTS, "made_by_the_source", remedy))
    found = list(invisible(body))
    # What holds an invisible character is named once.
    unseen = {violation.field for violation in found}
    wrong = (one for one in wrong_addresses(draft) if one.field not in unseen)
    found += [Violation(one.field, ADDRESS_RULE, one.message, one.value) for one in wrong]
    if found:
        raise Invalid(*found)


def violations(error: ValidationError) -> list[Violation]:
    """Return each of pydantic's errors as field, rule, message and a shortened value."""
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
    """Return a contract as a release's body: absent rather than null, so that a new optional field changes no digest.

    Only the unknown facts listed in `WRITTEN_UNKNOWN` are null: an older reader would take their absence for a
    statement. It refuses the null instead, and keeps showing its previous version.
    """
    body = content.model_dump(mode="json", exclude_none=True)
    _write_unknown(content, body)
    return body


def _write_unknown(content: BaseModel, body: Json) -> None:
    for name in getattr(content, "WRITTEN_UNKNOWN", ()):
        body.setdefault(name, None)
    for name in type(content).model_fields:
        value = getattr(content, name)
        parts = value if isinstance(value, list) else [value]
        dumped = body.get(name) if isinstance(value, list) else [body.get(name)]
        for part, written in zip(parts, dumped or (), strict=False):
            if isinstance(part, BaseModel):
                _write_unknown(part, written)


def _short(value: Any) -> str | None:
    return str(value)[:80] if isinstance(value, str | int | float | bool) else None
