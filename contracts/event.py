"""The envelope: CloudEvents 1.0, structured JSON, with the extensions `traceparent` and `sequence`."""

from typing import ClassVar

from pydantic import Field

from contracts.base import Json, Timestamp, TolerantContract
from contracts.publication import Kind, Op

CONTENT_TYPE = "application/cloudevents+json"
HEAD_TYPE = "tongyuan.ledger.head"

EVENT_TYPES: dict[tuple[str, str], str] = {
    (Kind.ITEM, Op.RELEASE): "tongyuan.item.released",
    (Kind.ITEM, Op.WITHDRAW): "tongyuan.item.withdrawn",
    (Kind.GUIDE, Op.RELEASE): "tongyuan.guide.released",
    (Kind.GUIDE, Op.WITHDRAW): "tongyuan.guide.withdrawn",
    (Kind.APPLICATION, Op.RELEASE): "tongyuan.application.advanced",
    (Kind.APPLICATION, Op.WITHDRAW): "tongyuan.application.withdrawn",
}


class Event(TolerantContract):
    """One message. `data` is a Release, a Publication or a Head, as `type` and the exchange say."""

    specversion: str = Field(default="1.0", pattern=r"^1\.0$")
    id: str = Field(description="`<key>/<version>`: the same fact has the same id, however often it is sent.")
    source: str = Field(examples=["/tongyuan/catalog"])
    type: str = Field(pattern=r"^tongyuan\.[a-z]+\.[a-z]+$")
    subject: str | None = None
    time: Timestamp
    datacontenttype: str = "application/json"
    traceparent: str | None = None
    sequence: str | None = Field(default=None, description="The position or sequence in the feed it belongs to.")
    data: Json

    media_type: ClassVar[str] = CONTENT_TYPE
