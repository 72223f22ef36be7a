"""Every message on the broker: its type, when it is sent, its senders and receivers, and its data."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from pydantic import BaseModel

from contracts.content.feedback import FEEDBACK_TYPE, Feedback
from contracts.content.intake import ExchangeMessage, HallMessage, StateMessage
from contracts.envelope.event import HEAD_TYPE
from contracts.envelope.publication import Head, Publication, Release
from contracts.kinds import KINDS, Op
from contracts.topology import (
    BACKFILL_EXCHANGE,
    FEEDBACK_EXCHANGE,
    INTAKE_EXCHANGE,
    PUBLICATIONS_EXCHANGE,
    SOURCES,
    SOURCES_EXCHANGE,
    Topology,
    release_key,
    routing_key,
)

Model = type[BaseModel]

BODIES: dict[str, Model] = {entry.name: entry.body for entry in KINDS.values()}

_REGION = "<region>"
_VERBS = {Op.RELEASE: "发布", Op.WITHDRAW: "撤下"}


@dataclass(frozen=True, slots=True)
class MessageType:
    """One type of message in one feed. `feed` names its folder of schemas and examples.

    `producers` is empty for feedback, which the channels with a form for it send.
    `kind`, `op` and `body` are None for what is not a release; `body` is None for withdrawals, too. `enveloped` is
    False for what hall systems send: they write `data` without an envelope.
    """

    feed: str
    type: str
    title: str
    when: str
    producers: tuple[str, ...]
    exchanges: tuple[str, ...]
    routing_keys: tuple[str, ...]
    data: Model
    kind: str | None = None
    op: str | None = None
    body: Model | None = None
    enveloped: bool = True

    @property
    def name(self) -> str:
        """`<feed>/<type>`: the path of its schema and of its example, without suffix."""
        return f"{self.feed}/{self.type}"

    def senders(self, topology: Topology) -> tuple[str, ...]:
        """Return the services that send it."""
        return self.producers or topology.feedback_channels

    def queues(self, topology: Topology) -> tuple[str, ...]:
        """Return the queues that receive it."""
        return tuple(
            queue.name
            for queue in topology.queues
            if queue.exchange in self.exchanges
            and any(_matches(*pair) for pair in product(queue.bindings, self.routing_keys))
        )

    def consumers(self, topology: Topology) -> tuple[str, ...]:
        """Return the services that receive it."""
        return tuple(dict.fromkeys(consumer_of(queue) for queue in self.queues(topology)))


def consumer_of(queue: str) -> str:
    """Return the service that reads a queue: the first word of its name."""
    return queue.partition(".")[0]


def _matches(binding: str, routing_key: str) -> bool:
    """Match like a topic exchange: `*` stands for one word, `#` alone for everything."""
    if binding == "#":
        return True
    pattern, words = binding.split("."), routing_key.split(".")
    return len(pattern) == len(words) and all(one in ("*", word) for one, word in zip(pattern, words, strict=True))


def _releases() -> Iterator[MessageType]:
    for entry in KINDS.values():
        for op in entry.words:
            sources = _releasing(entry.name)
            keys = tuple(release_key(source, _REGION, entry.name, op) for source in sources)
            for feed, producers, exchanges, routing_keys, data in (
                ("sources", sources, (SOURCES_EXCHANGE, BACKFILL_EXCHANGE), keys, Release),
                (
                    "publications",
                    ("ledger",),
                    (PUBLICATIONS_EXCHANGE,),
                    (routing_key(_REGION, entry.name, op),),
                    Publication,
                ),
            ):
                yield MessageType(
                    feed=feed,
                    type=entry.event_type(op),
                    title=f"{entry.title}{_VERBS[Op(op)]}" + ("（已入账）" if data is Publication else ""),
                    when=entry.when[op],
                    producers=producers,
                    exchanges=exchanges,
                    routing_keys=routing_keys,
                    data=data,
                    kind=entry.name,
                    op=op,
                    body=entry.body if op == Op.RELEASE else None,
                )


def _releasing(kind: str) -> tuple[str, ...]:
    """Return the sources that may release this kind."""
    owner = KINDS[kind].source
    return SOURCES if owner is None else (owner,)


HEAD = MessageType(
    feed="publications",
    type=HEAD_TYPE,
    title="账本签名头",
    when="The ledger signed a head: every 2 s by default, sent after the entries that it covers.",
    producers=("ledger",),
    exchanges=(PUBLICATIONS_EXCHANGE,),
    routing_keys=(routing_key(_REGION, "ledger", "head"),),
    data=Head,
)

FEEDBACK = MessageType(
    feed="feedback",
    type=FEEDBACK_TYPE,
    title="办事指南评价",
    when="A reader reported an error in a guide. Contains no data about the reader; the id makes it idempotent.",
    producers=(),
    exchanges=(FEEDBACK_EXCHANGE,),
    routing_keys=(routing_key(_REGION, "feedback", "given"),),
    data=Feedback,
)

_HALLS = (
    ("hall", "大厅系统报送", "A hall system carried out an operation on a case.", HallMessage),
    ("state", "办件状态报送", "A system that knows only state codes reports one.", StateMessage),
    ("exchange", "交换表报送", "A row of the exchange's `up_pro_*` tables arrived.", ExchangeMessage),
)
INTAKE = tuple(
    MessageType(
        feed="intake",
        type=source,
        title=title,
        when=when,
        producers=("halls",),
        exchanges=(INTAKE_EXCHANGE,),
        routing_keys=("<any>",),
        data=model,
        enveloped=False,
    )
    for source, title, when, model in _HALLS
)
"""Messages from outside, distinguished by their field `source`, with any routing key."""

MESSAGES: tuple[MessageType, ...] = (
    *sorted(_releases(), key=lambda message: message.feed, reverse=True),
    HEAD,
    FEEDBACK,
    *INTAKE,
)
"""Sources first, then publications, the head, readers' feedback and halls' reports."""
