"""The AsyncAPI 3.0 document: every exchange and queue as a channel, with senders, receivers and messages."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from contracts.base import Json
from contracts.envelope.event import CONTENT_TYPE
from contracts.envelope.messages import MESSAGES, MessageType, consumer_of
from contracts.generators.json_schema import GENERATED, message_schema
from contracts.topology import (
    BACKFILL_EXCHANGE,
    DEAD_EXCHANGE,
    DEAD_QUEUE_ARGUMENTS,
    EXCHANGES,
    FEEDBACK_EXCHANGE,
    INTAKE_EXCHANGE,
    PUBLICATIONS_EXCHANGE,
    SOURCES_EXCHANGE,
    Queue,
    Topology,
    dead_queue,
)

BINDING = "0.3.0"

_EXCHANGE_NOTES = {
    SOURCES_EXCHANGE: "Live releases of the three sources.",
    BACKFILL_EXCHANGE: "Releases of imports, kept apart so that they never delay an editor's release.",
    PUBLICATIONS_EXCHANGE: "Entries of the ledger in order of position, and signed heads.",
    INTAKE_EXCHANGE: "Case reports from hall systems.",
    FEEDBACK_EXCHANGE: "Readers' feedback about guides, without data about the reader.",
    DEAD_EXCHANGE: "Messages that were refused or delivered too often; none is discarded.",
}

_SENDING = "Sent in order from the outbox, persistent and mandatory, with publisher confirms."
_REPORTING = "Persistent, with publisher confirms; in any order, possibly more than once."
_REGION_NOTE = ", where <region> is the 行政区划代码 of 12 digits"
_SEQUENCE = {
    "type": "integer",
    "minimum": 0,
    "description": "Number in the feed; 0 for messages without one, such as heads.",
}


def document(topology: Topology, examples: dict[str, Json]) -> Json:
    """Return the document. `examples`: message name → an example of it, see `contracts.envelope.messages`."""
    return {
        "asyncapi": "3.0.0",
        "x-generated": GENERATED,
        "info": {
            "title": "Tongyuan (同源)",
            "version": "1",
            "description": (
                "Service items, guides and application status of one county, from one source to every channel. "
                "The broker only speeds up delivery: lost, repeated or reordered messages are corrected over HTTP by "
                "the numbers of the feeds. Keep the highest version of each key; never order by time."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"rabbitmq": _server()},
        "channels": {**_exchanges(), **_queues(topology), **_dead_queues(topology)},
        "operations": {**_sends(topology), **_receives(topology)},
        "components": {
            "messages": {_component(message.name): _message(message, examples[message.name]) for message in MESSAGES},
            "schemas": _schemas(),
            "securitySchemes": {
                "account": {
                    "type": "userPassword",
                    "description": (
                        "One account per service. It may write to the service's own exchanges and read its own queues; "
                        "only the topology job may declare exchanges, queues and bindings."
                    ),
                }
            },
        },
    }


def _server() -> Json:
    return {
        "host": "{host}:{port}",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "RabbitMQ; TONGYUAN_AMQP_URL. `tongyuan up` delivers the same messages in process.",
        "variables": {
            "host": {"default": "localhost"},
            "port": {"default": "5672", "description": "5671 with TLS (amqps)."},
        },
        "security": [{"$ref": "#/components/securitySchemes/account"}],
    }


def _exchanges() -> Json:
    return {
        exchange: {
            "address": exchange,
            "title": f"Exchange {exchange}",
            "description": _EXCHANGE_NOTES[exchange],
            "messages": _sent_to(exchange),
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": exchange, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"},
                    "bindingVersion": BINDING,
                }
            },
        }
        for exchange in EXCHANGES
    }


def _queues(topology: Topology) -> Json:
    return {
        queue.name: _queue(queue.name, queue.exchange, queue.bindings, queue.arguments, _taken_from(queue, topology))
        for queue in topology.queues
    }


def _dead_queues(topology: Topology) -> Json:
    return {
        dead_queue(queue.name): {
            **_queue(
                dead_queue(queue.name),
                DEAD_EXCHANGE,
                (queue.name,),
                DEAD_QUEUE_ARGUMENTS,
                _taken_from(queue, topology),
            ),
            "description": f"Messages that {queue.name} rejected; an operator reads, replays or drops them.",
        }
        for queue in topology.queues
    }


def _queue(name: str, exchange: str, bindings: Sequence[str], arguments: dict[str, Any], messages: Json) -> Json:
    return {
        "address": name,
        "title": f"Queue {name}",
        "description": f"Bound to {exchange} with {', '.join(bindings)}.",
        "messages": messages,
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {"name": name, "durable": True, "exclusive": False, "autoDelete": False, "vhost": "/"},
                "bindingVersion": BINDING,
            }
        },
        "x-binding": {"exchange": exchange, "routingKeys": list(bindings)},
        "x-arguments": arguments,
    }


def _sends(topology: Topology) -> Json:
    """Return one operation for each service and exchange that it writes to."""
    pairs = sorted({pair for one in MESSAGES for pair in product(one.senders(topology), one.exchanges)})
    return {
        f"{producer}.send.{exchange}": {
            "action": "send",
            "title": f"{producer} → {exchange}",
            "channel": {"$ref": f"#/channels/{exchange}"},
            "messages": [
                {"$ref": f"#/channels/{exchange}/messages/{message.type}"}
                for message in MESSAGES
                if producer in message.senders(topology) and exchange in message.exchanges
            ],
            "description": _REPORTING if exchange == INTAKE_EXCHANGE else _SENDING,
            "bindings": {"amqp": {"deliveryMode": 2, "bindingVersion": BINDING}},
        }
        for producer, exchange in pairs
    }


def _receives(topology: Topology) -> Json:
    """Return one operation for each queue, by the service that reads it."""
    return {
        f"{consumer_of(queue.name)}.receive.{queue.name}": {
            "action": "receive",
            "title": f"{consumer_of(queue.name)} ← {queue.name}",
            "channel": {"$ref": f"#/channels/{queue.name}"},
            "description": "Acknowledged after the transaction that stores it has committed.",
            "bindings": {"amqp": {"ack": True, "bindingVersion": BINDING}},
        }
        for queue in topology.queues
    }


def _taken_from(queue: Queue, topology: Topology) -> Json:
    return _references(message for message in MESSAGES if queue.name in message.queues(topology))


def _sent_to(exchange: str) -> Json:
    return _references(message for message in MESSAGES if exchange in message.exchanges)


def _references(messages: Iterable[MessageType]) -> Json:
    return {message.type: {"$ref": f"#/components/messages/{_component(message.name)}"} for message in messages}


def _message(message: MessageType, example: Json) -> Json:
    return {
        "name": message.type,
        "title": message.title,
        "summary": message.when,
        "description": _routing(message),
        "contentType": CONTENT_TYPE if message.enveloped else "application/json",
        "payload": {"$ref": f"#/components/schemas/{_component(message.name)}"},
        **({"headers": {"type": "object", "properties": {"sequence": _SEQUENCE}}} if message.enveloped else {}),
        "examples": [{"name": message.type, "payload": example}],
    }


def _routing(message: MessageType) -> str:
    keys = ", ".join(message.routing_keys)
    return f"Routing key {keys}" + _REGION_NOTE * ("<region>" in keys)


def _schemas() -> Json:
    """Return every message's schema and, once, their shared definitions, where AsyncAPI tools look for them."""
    messages, shared = {}, {}
    for message in MESSAGES:
        schema = message_schema(message)
        shared.update(schema.pop("$defs", {}))
        messages[_component(message.name)] = {key: value for key, value in schema.items() if not key.startswith("$")}
    return {name: _moved(schema) for name, schema in {**messages, **dict(sorted(shared.items()))}.items()}


def _moved(schema: Any) -> Any:
    """Return the schema with its references pointing at this document's components."""
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(value)
            for key, value in schema.items()
        }
    return [_moved(value) for value in schema] if isinstance(schema, list) else schema


def _component(name: str) -> str:
    """Return `sources/tongyuan.item.released` as the name of a component, which must not contain a slash."""
    return name.replace("/", ".")
