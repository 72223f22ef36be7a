"""The base of every contract: strict models, UTC timestamps, plain JSON."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

Json = dict[str, Any]
"""A JSON object. House rule: no floats (money in 分, durations in whole days), so that its bytes are canonical."""

SALT = "salt"
"""Field of a scheduled body: random, made by the source, never shown (docs/adr/0037)."""

ANNOUNCEMENTS = "announcements"
"""Field of a body: what the source tells of versions that are scheduled (docs/adr/0089)."""

MADE_BY_THE_SOURCE = (SALT, ANNOUNCEMENTS)
"""Fields of a released body that no draft has."""


def format_time(moment: datetime) -> str:
    """Format as RFC 3339 in UTC with microseconds and `Z`: `2026-03-01T01:00:00.000000Z`. One spelling per moment."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the time needs an offset, e.g. 2026-03-01T09:00:00+08:00")
    # The year has four digits in every time zone; otherwise some moments have no UTC text, or one that does not sort.
    if not 1900 <= moment.year <= 9998:
        raise ValueError("the year must be between 1900 and 9998")
    return moment.astimezone(UTC)


Timestamp = Annotated[
    datetime, AfterValidator(_aware), PlainSerializer(format_time, return_type=str, when_used="unless-none")
]


class Contract(BaseModel):
    """A closed shape for what we write: an unknown field is the sender's mistake and is named in the error."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, use_enum_values=True)


class TolerantContract(BaseModel):
    """A shape for what we read from a newer peer: unknown fields are ignored, known ones are checked."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Salt = Field(
    default=None,
    title="随机盐",
    pattern=r"^[0-9a-f]{32}$",
    description="128 random bits in a scheduled body, so that its digest reveals nothing before the body takes effect.",
)
