"""The contract's models for a row that states only some fields: fields required of a complete body are optional.

For example, a list of telephone numbers need not repeat each item's name. The source that owns the items merges the row
with what is released, and requires the result to be complete.
"""

from copy import copy
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import BaseModel, create_model

Model = TypeVar("Model", bound=BaseModel)
CODE = "code"
"""Always required: without it, nothing can be stated."""


@cache
def partial(model: type[Model]) -> type[Model]:
    """Return `model` with only its code required. Its rules for given values apply."""
    if CODE not in model.model_fields:
        return model
    optional: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if info.is_required() and name != CODE:
            field = copy(info)
            field.default = None
            optional[name] = (field.annotation, field)
    return cast("type[Model]", create_model(f"Partial{model.__name__}", __base__=model, **optional))
