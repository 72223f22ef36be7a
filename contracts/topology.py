"""Every exchange, queue, binding and argument of the broker: the only place where they are spelled.

    sources ──tongyuan.sources──────────► ledger.sources        (live lane)
            └─tongyuan.sources.backfill─► ledger.backfill       (imports)
    ledger ───tongyuan.publications─────► <channel>.publications
                                        └► guides.items         (items only: a guide goes and comes with its item)
    halls ────tongyuan.intake───────────► applications.intake
    web ──────tongyuan.feedback─────────► guides.feedback       (what readers say of a guide)
    refused ──tongyuan.dead─────────────► dead.<queue>

Queues are quorum queues with an explicit delivery limit, at-least-once dead-lettering, and no age limit:
nothing is discarded. A single active consumer keeps order where order matters.
"""

from dataclasses import dataclass, field
from typing import Any

from contracts.publication import Lane

SOURCES_EXCHANGE = "tongyuan.sources"
BACKFILL_EXCHANGE = "tongyuan.sources.backfill"
PUBLICATIONS_EXCHANGE = "tongyuan.publications"
INTAKE_EXCHANGE = "tongyuan.intake"
FEEDBACK_EXCHANGE = "tongyuan.feedback"
DEAD_EXCHANGE = "tongyuan.dead"

LEDGER_QUEUE = "ledger.sources"
BACKFILL_QUEUE = "ledger.backfill"
INTAKE_QUEUE = "applications.intake"
GUIDES_QUEUE = "guides.items"
FEEDBACK_QUEUE = "guides.feedback"

LANE_EXCHANGES = {Lane.LIVE: SOURCES_EXCHANGE, Lane.BACKFILL: BACKFILL_EXCHANGE}

CHANNELS = ("web", "mobile", "kiosk", "portal")
SOURCES = ("catalog", "guides", "applications")
FEEDBACK_CHANNELS = ("web",)
"""Channels where readers can say that a guide is wrong; these may write to `FEEDBACK_EXCHANGE`."""

AUDITOR = "auditor"
"""Reads the others over HTTP; no exchange, no queue, no account at the broker."""

DELIVERY_LIMIT = 20
MAX_LENGTH = 1_000_000


@dataclass(frozen=True)
class Queue:
    """A durable quorum queue, the exchange it listens to, and the keys it takes."""

    name: str
    exchange: str
    binding: str = "#"
    ordered: bool = True
    arguments: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        arguments: dict[str, Any] = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_EXCHANGE,
            "x-dead-letter-routing-key": self.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-max-length": MAX_LENGTH,
        }
        if self.ordered:
            arguments["x-single-active-consumer"] = True
        object.__setattr__(self, "arguments", arguments)


def publications_queue(channel: str) -> str:
    """Name of the queue from which `channel` takes the ledger's publications."""
    return f"{channel}.publications"


def dead_queue(queue: str) -> str:
    """Name of the dead-letter queue of `queue`."""
    return f"dead.{queue}"


def routing_key(region: str, kind: str, op: str) -> str:
    """`<region>.<kind>.<op>`, e.g. `339921000000.item.release`."""
    return f"{region}.{kind}.{op}"


EXCHANGES = (
    SOURCES_EXCHANGE,
    BACKFILL_EXCHANGE,
    PUBLICATIONS_EXCHANGE,
    INTAKE_EXCHANGE,
    FEEDBACK_EXCHANGE,
    DEAD_EXCHANGE,
)

QUEUES = (
    Queue(LEDGER_QUEUE, SOURCES_EXCHANGE),
    Queue(BACKFILL_QUEUE, BACKFILL_EXCHANGE),
    Queue(INTAKE_QUEUE, INTAKE_EXCHANGE, ordered=False),
    Queue(GUIDES_QUEUE, PUBLICATIONS_EXCHANGE, "*.item.*"),
    Queue(FEEDBACK_QUEUE, FEEDBACK_EXCHANGE, ordered=False),
    *(Queue(publications_queue(channel), PUBLICATIONS_EXCHANGE) for channel in CHANNELS),
)

# Looking at a dead letter delivers and returns it; RabbitMQ 4 would throw it away after the 20th look.
DEAD_QUEUE_ARGUMENTS: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
