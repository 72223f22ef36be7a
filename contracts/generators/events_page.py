"""EVENTS.md: every event on one screen."""

from contracts.envelope.messages import MESSAGES, MessageType
from contracts.generators.json_schema import GENERATED
from contracts.topology import Topology

_HEAD = f"""\
<!-- {GENERATED} -->
# Events

Every message is a CloudEvents 1.0 envelope in JSON; a version is released by a source, takes its position in the
ledger, and goes to every channel. The same type therefore travels twice: from the source (`data` is a
[Release](schemas/release.json)) and from the ledger (`data` is a [Publication](schemas/publication.json), which is a
Release with its position). Exchanges, queues and accounts: [asyncapi.json](asyncapi.json). The pledge to readers:
within one type only optional fields are added; `python -m contracts --release` refuses anything else. What halls
report is no event of ours: plain JSON without an envelope, told apart by its field `source`.

| Type | When | Producer | Consumers | Routing key | Schema | Example |
|---|---|---|---|---|---|---|
"""


def page(topology: Topology) -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(_row(message, topology) for message in MESSAGES)


def _row(message: MessageType, topology: Topology) -> str:
    cells = (
        f"`{message.type}`<br>{message.title}",
        message.when,
        ", ".join(message.senders(topology)),
        ", ".join(message.consumers(topology)),
        ", ".join(f"`{key}`" for key in message.routing_keys),
        f"[schema](schemas/{message.name}.json)",
        f"[example](examples/{message.name}.json)",
    )
    return f"| {' | '.join(cells)} |\n"
