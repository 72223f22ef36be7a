"""Every message that crosses the broker: its type, when it is sent, by whom, to whom, and what its data are."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from contracts.applications import CaseProgress
from contracts.catalog import Item
from contracts.event import EVENT_TYPES, HEAD_TYPE
from contracts.feedback import FEEDBACK_TYPE, Feedback
from contracts.guides import Guide
from contracts.intake import ExchangeMessage, HallMessage, StateMessage
from contracts.publication import Head, Kind, Op, Publication, Release
from contracts.topology import (
    BACKFILL_EXCHANGE,
    FEEDBACK_EXCHANGE,
    INTAKE_EXCHANGE,
    PUBLICATIONS_EXCHANGE,
    QUEUES,
    SOURCES_EXCHANGE,
    routing_key,
)

Model = type[BaseModel]

PRODUCERS = {Kind.ITEM: "catalog", Kind.GUIDE: "guides", Kind.APPLICATION: "applications"}
BODIES: dict[Kind, Model] = {Kind.ITEM: Item, Kind.GUIDE: Guide, Kind.APPLICATION: CaseProgress}

_REGION = "<region>"
_SUBJECTS = {Kind.ITEM: "事项", Kind.GUIDE: "办事指南", Kind.APPLICATION: "办理状态"}
_WHEN = {
    (Kind.ITEM, Op.RELEASE): "An editor or an import released a service item, or a new version of it.",
    (Kind.ITEM, Op.WITHDRAW): "A service item was withdrawn or suspended: no channel shows it any more.",
    (Kind.GUIDE, Op.RELEASE): "An editor or an import released the guide of an item, or a new version of it.",
    (Kind.GUIDE, Op.WITHDRAW): "A guide was withdrawn or suspended: no channel shows it any more.",
    (Kind.APPLICATION, Op.RELEASE): "What the public may see of a case changed: stage, state, dates or badges.",
    (Kind.APPLICATION, Op.WITHDRAW): "A case is no longer shown to anybody, not even with its query code.",
}


@dataclass(frozen=True, slots=True)
class MessageType:
    """One kind of message in one feed. `feed` names its folder of schemas and examples.

    `kind`, `op` and `body` are None for what is no release; `body` is None for withdrawals too. `enveloped` is false
    for what hall systems send: they write `data` as it is, without an envelope.
    """

    feed: str
    type: str
    title: str
    when: str
    producer: str
    exchanges: tuple[str, ...]
    routing_key: str
    data: Model
    kind: Kind | None = None
    op: Op | None = None
    body: Model | None = None
    enveloped: bool = True

    @property
    def name(self) -> str:
        """`<feed>/<type>`: the path of its schema and of its example, without suffix."""
        return f"{self.feed}/{self.type}"

    @property
    def queues(self) -> tuple[str, ...]:
        """Queues that take it."""
        return tuple(
            queue.name
            for queue in QUEUES
            if queue.exchange in self.exchanges and _matches(queue.binding.split("."), self.routing_key.split("."))
        )

    @property
    def consumers(self) -> tuple[str, ...]:
        """Services that take it."""
        return tuple(dict.fromkeys(consumer_of(queue) for queue in self.queues))


def consumer_of(queue: str) -> str:
    """The service that reads a queue: the first word of its name."""
    return queue.partition(".")[0]


def _matches(pattern: list[str], words: list[str]) -> bool:
    """A topic exchange's rule: `*` stands for one word, `#` for any number of words."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_matches(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _matches(pattern[1:], words[1:])


def _releases() -> Iterator[MessageType]:
    for (kind_name, op_name), event_type in EVENT_TYPES.items():
        kind, op = Kind(kind_name), Op(op_name)
        verb = "发布" if op == Op.RELEASE else "撤下"
        for feed, producer, exchanges, data in (
            ("sources", PRODUCERS[kind], (SOURCES_EXCHANGE, BACKFILL_EXCHANGE), Release),
            ("publications", "ledger", (PUBLICATIONS_EXCHANGE,), Publication),
        ):
            yield MessageType(
                feed=feed,
                type=event_type,
                title=f"{_SUBJECTS[kind]}{verb}" + ("（已入账）" if data is Publication else ""),
                when=_WHEN[kind, op],
                producer=producer,
                exchanges=exchanges,
                routing_key=routing_key(_REGION, kind, op),
                data=data,
                kind=kind,
                op=op,
                body=BODIES[kind] if op == Op.RELEASE else None,
            )


HEAD = MessageType(
    feed="publications",
    type=HEAD_TYPE,
    title="账本签名头",
    when="By default every 2 s, after everything that it covers: how far the ledger is, signed.",
    producer="ledger",
    exchanges=(PUBLICATIONS_EXCHANGE,),
    routing_key=routing_key(_REGION, "ledger", "head"),
    data=Head,
)

FEEDBACK = MessageType(
    feed="feedback",
    type=FEEDBACK_TYPE,
    title="办事指南评价",
    when="A reader said that a guide is wrong. Without anything of the reader; twice is once, by its id.",
    producer="web",
    exchanges=(FEEDBACK_EXCHANGE,),
    routing_key=routing_key(_REGION, "feedback", "given"),
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
        producer="halls",
        exchanges=(INTAKE_EXCHANGE,),
        routing_key="<any>",
        data=model,
        enveloped=False,
    )
    for source, title, when, model in _HALLS
)
"""What comes from outside: told apart by its field `source`, under whatever routing key the hall system uses."""

MESSAGES: tuple[MessageType, ...] = (
    *sorted(_releases(), key=lambda message: message.feed, reverse=True),
    HEAD,
    FEEDBACK,
    *INTAKE,
)
"""Sources first, then publications, then the head, then what readers say and what halls report."""
