"""What a form sent, and what is wrong with it, by field."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request

from services.console.accounts.rights import form_of
from shared.errors import Invalid, Refused

Form = Annotated[Any, Depends(form_of)]
"""The form of the request, as Starlette's `FormData`; empty when the request has none."""


async def form_with_files(request: Request) -> AsyncIterator[Any]:
    """Dependency: the form of a page with file fields. The files are closed when the request is answered."""
    form = await form_of(request)
    try:
        yield form
    finally:
        await form.close()


FormWithFiles = Annotated[Any, Depends(form_with_files)]


def text(form: Any, name: str) -> str:
    """Return the first value of a field, without spaces around it; "" for a missing one or a file."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def secret(form: Any, name: str) -> str:
    """Return a password exactly as it was typed."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def texts(form: Any, name: str) -> list[str]:
    """Return every value of a field, such as the boxes that are ticked."""
    return [value for value in form.getlist(name) if isinstance(value, str)]


def by_field(error: Refused) -> dict[str, str]:
    """Return what a form shows: field → its first message. What is about no field has the name ""."""
    if not isinstance(error, Invalid):
        return {"": str(error)}
    found: dict[str, str] = {}
    for violation in error.violations:
        found.setdefault(violation.field, violation.message)
    return found
