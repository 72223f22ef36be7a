"""Finds the fields of a body that its contracts declare in a class variable, such as `CODED` or `ADDRESSES`."""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

DeclaredValue = tuple[str, str, str]
"""Path in the body such as `materials.2.form_url`, what the contract declares of the field, and the value."""


def declared_values(content: BaseModel, variable: str) -> Iterator[DeclaredValue]:
    """Yield every value, at any depth, of a field in the mapping `variable` of its contract, in order of fields."""
    declared, parts = _shape(type(content), variable)
    for name, declaration in declared:
        value = getattr(content, name)
        many = isinstance(value, list)
        for place, one in enumerate(value if many else [value]):
            if one is not None:
                yield (f"{name}.{place}" if many else name), declaration, one
    for name in parts:
        for place, part in enumerate(getattr(content, name) or ()):
            for field, declaration, one in declared_values(part, variable):
                yield f"{name}.{place}.{field}", declaration, one


@cache
def _shape(model: type[BaseModel], variable: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return its declared fields, and its list fields whose contracts declare some at any depth."""
    inner = {name: next(_contracts_in(info.annotation), None) for name, info in model.model_fields.items()}
    parts = tuple(name for name, part in inner.items() if part is not None and any(_shape(part, variable)))
    return tuple(dict(getattr(model, variable, {})).items()), parts


def _contracts_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the contract in `list[Contract] | None`."""
    if get_origin(annotation) is list:
        yield from (one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, BaseModel))
    for argument in get_args(annotation):
        yield from _contracts_in(argument)
