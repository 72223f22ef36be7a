"""The ground every contract stands on: strict models, UTC timestamps, plain JSON."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer

Json = dict[str, Any]
"""A JSON object. House rule: no floats (money in 分, durations in whole days), so that its bytes are canonical."""


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds and `Z`, e.g. `2026-03-01T01:00:00.000000Z`: one moment, one spelling."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("time needs an offset, e.g. 2026-03-01T09:00:00+08:00")
    # Years of four digits in every zone: else one moment has no UTC, and its text does not sort.
    if not 1900 <= moment.year <= 9998:
        raise ValueError("year must be 1900 to 9998")
    return moment.astimezone(UTC)


Timestamp = Annotated[
    datetime, AfterValidator(_aware), PlainSerializer(format_time, return_type=str, when_used="unless-none")
]


class Contract(BaseModel):
    """A closed shape for what we write: an unknown field is a mistake of the sender and is named in the error."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, use_enum_values=True)


class TolerantContract(BaseModel):
    """A shape for what we read from a newer peer: unknown fields are ignored, known ones are checked."""

    model_config = ConfigDict(extra="ignore", frozen=True)
