"""Every exchange, queue, binding and argument of the broker; they are defined nowhere else.

The queues of channels follow from the channels' names by one rule, `Topology`. Which channels there are, their
manifests say; `services.runtime.manifests` applies the rule to them.

    sources ──tongyuan.sources──────────► ledger.sources.<source>    (live lane)
            └─tongyuan.sources.backfill─► ledger.backfill.<source>   (imports)
    ledger ───tongyuan.publications─────► <channel>.publications
                                        └► guides.items         (items only: a guide goes and comes with its item)
    halls ────tongyuan.intake───────────► applications.intake
    web ──────tongyuan.feedback─────────► guides.feedback       (what readers say of a guide)
    refused ──tongyuan.dead─────────────► dead.<queue>
    subscriptions ─tongyuan.integrators─► integrators.<subscription>  (one queue each, made by an operator)

Queues are quorum queues with an explicit delivery limit, at-least-once dead-lettering, and no age limit:
nothing is discarded. A single active consumer keeps order where order matters. No queue has two senders, so a sender
that fills its queue blocks nobody else. Therefore a source's account may write only the routing keys of its own kinds.
"""

from dataclasses import dataclass, field
from typing import Any

from contracts.envelope.publication import Lane
from contracts.kinds import KINDS, Kind, kinds_owned_by

SOURCES_EXCHANGE = "tongyuan.sources"
BACKFILL_EXCHANGE = "tongyuan.sources.backfill"
PUBLICATIONS_EXCHANGE = "tongyuan.publications"
INTAKE_EXCHANGE = "tongyuan.intake"
FEEDBACK_EXCHANGE = "tongyuan.feedback"
DEAD_EXCHANGE = "tongyuan.dead"
INTEGRATORS_EXCHANGE = "tongyuan.integrators"
"""The only direct exchange; its routing keys are the ids of subscriptions."""

INTAKE_QUEUE = "applications.intake"
GUIDES_QUEUE = "guides.items"
FEEDBACK_QUEUE = "guides.feedback"

_LANE_QUEUES = {Lane.LIVE: "ledger.sources", Lane.BACKFILL: "ledger.backfill"}
LANE_EXCHANGES = {Lane.LIVE: SOURCES_EXCHANGE, Lane.BACKFILL: BACKFILL_EXCHANGE}

FILES_SOURCE = KINDS[Kind.GUIDE].source or ""
"""The source that holds the files which guides name."""

SOURCES = tuple(dict.fromkeys(entry.source for entry in KINDS.values() if entry.source is not None))
"""The services that own kinds, as the register of kinds names them."""

AUDITOR = "auditor"
"""Reads the other services over HTTP; it has no exchange, queue or account at the broker."""

CONSOLE = "console"
"""The desk of the staff: HTTP only, as the auditor."""

IMPORTING = "importing"
"""Imports of files: likewise."""

SUBSCRIPTIONS = "subscriptions"
"""Integrators' feed, webhooks and queues: it reads the ledger over HTTP, as anybody may."""

INTEGRATOR_MESSAGES = 8_000
"""Most messages that subscriptions puts into an integrator's queue. The rest waits in its log, which loses nothing."""

INTEGRATOR_QUEUE_ARGUMENTS: dict[str, Any] = {
    "x-queue-type": "quorum",
    # A message that its reader returns stays: RabbitMQ 4 would discard it after the 20th time.
    "x-delivery-limit": 1_000_000,
    # Never reached in messages, because the feeder stops before. A queue that was over its limit takes nothing until it
    # is a fifth below.
    "x-max-length": 10_000,
    "x-max-length-bytes": 256 * 2**20,
    "x-overflow": "reject-publish",
    # Whoever comes back gets what its broken connection had before anything newer.
    "x-single-active-consumer": True,
}

DELIVERY_LIMIT = 20
MAX_LENGTH = 1_000_000


@dataclass(frozen=True)
class Queue:
    """A durable quorum queue, the exchange it is bound to, and its binding keys."""

    name: str
    exchange: str
    bindings: tuple[str, ...] = ("#",)
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


def ledger_queue(source: str, lane: Lane = Lane.LIVE) -> str:
    """Return the name of the queue from which the ledger takes what `source` releases on a lane."""
    return f"{_LANE_QUEUES[lane]}.{source}"


def publications_queue(channel: str) -> str:
    """Return the name of the queue from which `channel` takes the ledger's publications."""
    return f"{channel}.publications"


def integrator_queue(subscription: str) -> str:
    """Return the name of a subscription's queue. The subscription's id is the account that may read it."""
    return f"integrators.{subscription}"


def dead_queue(queue: str) -> str:
    """Return the name of the dead-letter queue of `queue`."""
    return f"dead.{queue}"


def routing_key(region: str, kind: str, op: str) -> str:
    """`<region>.<kind>.<op>`, e.g. `339921000000.item.release`."""
    return f"{region}.{kind}.{op}"


def release_key(source: str, region: str, kind: str, op: str) -> str:
    """Return the routing key under which a source sends a release to the ledger.

    A kind that several sources share, such as an act, is sent under one of the source's own: `339921000000.item.act`.
    So it stays in order with the releases that it is about, and only its source may write it.
    """
    own = kinds_owned_by(source)
    return routing_key(region, kind, op) if kind in own else routing_key(region, own[0], kind)


EXCHANGES = (
    SOURCES_EXCHANGE,
    BACKFILL_EXCHANGE,
    PUBLICATIONS_EXCHANGE,
    INTAKE_EXCHANGE,
    FEEDBACK_EXCHANGE,
    DEAD_EXCHANGE,
)

_SERVICE_QUEUES = (
    *(
        Queue(ledger_queue(source, lane), exchange, tuple(f"*.{kind}.*" for kind in kinds_owned_by(source)))
        for lane, exchange in LANE_EXCHANGES.items()
        for source in SOURCES
    ),
    Queue(INTAKE_QUEUE, INTAKE_EXCHANGE, ordered=False),
    Queue(GUIDES_QUEUE, PUBLICATIONS_EXCHANGE, ("*.item.*",)),
    Queue(FEEDBACK_QUEUE, FEEDBACK_EXCHANGE, ordered=False),
)


@dataclass(frozen=True)
class Topology:
    """The queues of a county with these channels.

    `feedback_channels`: those where readers can report that a guide is wrong. They may write to `FEEDBACK_EXCHANGE`.
    """

    channels: tuple[str, ...]
    feedback_channels: tuple[str, ...] = ()

    @property
    def queues(self) -> tuple[Queue, ...]:
        """Every queue, without dead-letter queues and those of earlier versions."""
        own = (Queue(publications_queue(channel), PUBLICATIONS_EXCHANGE) for channel in self.channels)
        return (*_SERVICE_QUEUES, *own)


LEDGER_QUEUES = tuple(ledger_queue(source, lane) for lane in Lane for source in SOURCES)

RETIRED_QUEUES = {"ledger.sources": SOURCES_EXCHANGE, "ledger.backfill": BACKFILL_EXCHANGE}
"""Queues of earlier versions, and the exchange to which each was bound with `#`.

The sources' feeds hold their content.
"""

# Inspecting a dead letter delivers and returns it; RabbitMQ 4 would discard it after the 20th inspection.
DEAD_QUEUE_ARGUMENTS: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
