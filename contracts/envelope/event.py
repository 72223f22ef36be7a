"""The envelope: CloudEvents 1.0, structured JSON, with the extensions `traceparent` and `sequence`."""

from typing import ClassVar

from pydantic import Field

from contracts.base import Json, Timestamp, TolerantContract
from contracts.kinds import KINDS

CONTENT_TYPE = "application/cloudevents+json"
HEAD_TYPE = "tongyuan.ledger.head"

EVENT_TYPES: dict[tuple[str, str], str] = {
    (entry.name, op): entry.event_type(op) for entry in KINDS.values() for op in entry.words
}
"""Kind and op → type, for every registered kind."""


class Event(TolerantContract):
    """One message. `data` is a Release, a Publication or a Head, depending on `type` and exchange."""

    specversion: str = Field(default="1.0", pattern=r"^1\.0$")
    id: str = Field(description="`<key>/<version>`: a repeated message has the same id.")
    source: str = Field(examples=["/tongyuan/catalog"])
    type: str = Field(pattern=r"^tongyuan\.[a-z]+\.[a-z]+$")
    subject: str | None = None
    time: Timestamp
    datacontenttype: str = "application/json"
    traceparent: str | None = None
    sequence: str | None = Field(default=None, description="Position or sequence number in its feed.")
    data: Json

    media_type: ClassVar[str] = CONTENT_TYPE
