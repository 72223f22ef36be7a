"""The AsyncAPI document says what the topology and the messages say."""

import jsonschema

from contracts import topology
from contracts.envelope.messages import MESSAGES
from services.runtime import manifests
from tests.harness.documents import load, references, resolve

TOPOLOGY = manifests.topology()


def test_every_reference_of_the_asyncapi_document_resolves() -> None:
    document = load("asyncapi.json")

    assert [reference for reference in references(document) if resolve(document, reference) is None] == []


def test_the_channels_are_the_exchanges_and_queues_of_the_topology() -> None:
    queues = [queue.name for queue in TOPOLOGY.queues]
    expected = [*topology.EXCHANGES, *queues, *map(topology.dead_queue, queues)]
    channels = load("asyncapi.json")["channels"]

    assert sorted(channel["address"] for channel in channels.values()) == sorted(expected)
    for queue in TOPOLOGY.queues:
        assert channels[queue.name]["x-arguments"] == queue.arguments
        assert channels[queue.name]["x-binding"] == {"exchange": queue.exchange, "routingKeys": list(queue.bindings)}


def test_every_message_of_the_asyncapi_document_has_an_example_that_fits() -> None:
    document = load("asyncapi.json")
    messages = document["components"]["messages"]

    assert len(messages) == len(MESSAGES)
    for message in messages.values():
        payload = {**message["payload"], "components": document["components"]}
        assert message["examples"]
        for shown in message["examples"]:
            jsonschema.Draft202012Validator(payload).validate(shown["payload"])


def test_an_operation_sends_and_receives_only_what_its_channel_carries() -> None:
    document = load("asyncapi.json")
    for operation in document["operations"].values():
        channel = resolve(document, operation["channel"]["$ref"])
        carried = [f"{operation['channel']['$ref']}/messages/{name}" for name in channel["messages"]]
        assert {message["$ref"] for message in operation.get("messages", [])} <= set(carried)


def test_every_queue_is_read_by_one_service_and_every_message_is_sent_and_taken() -> None:
    operations = load("asyncapi.json")["operations"].values()
    read = [operation["channel"]["$ref"] for operation in operations if operation["action"] == "receive"]

    assert sorted(read) == sorted(f"#/channels/{queue.name}" for queue in TOPOLOGY.queues)
    assert [message.name for message in MESSAGES if not message.consumers(TOPOLOGY)] == []
    for message in MESSAGES:
        for exchange in message.exchanges:
            for producer in message.senders(TOPOLOGY):
                assert f"{producer}.send.{exchange}" in load("asyncapi.json")["operations"]


def test_the_guides_take_only_items_from_the_ledger() -> None:
    taken = load("asyncapi.json")["channels"][topology.GUIDES_QUEUE]["messages"]

    assert sorted(taken) == ["tongyuan.item.released", "tongyuan.item.withdrawn"]
