"""The generated documents of contracts/, read back and walked through."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from contracts.messages import MessageType

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"


def stored(path: str) -> str:
    """Text of a document below contracts/."""
    return (CONTRACTS / path).read_text(encoding="utf-8")


def load(path: str) -> Any:
    """A JSON document below contracts/."""
    return json.loads(stored(path))


def example(message: MessageType) -> Any:
    """The message's example."""
    return load(f"examples/{message.name}.json")


def validator(message: MessageType) -> jsonschema.Draft202012Validator:
    """Checks against the message's schema, formats included."""
    return jsonschema.Draft202012Validator(
        load(f"schemas/{message.name}.json"), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value, the value itself first."""
    if isinstance(value, dict):
        inner = list(value.values())
        yield value
    else:
        inner = value if isinstance(value, list) else []
    for part in inner:
        yield from objects(part)


def references(document: Any) -> list[str]:
    """Every `$ref` of a document."""
    return [part["$ref"] for part in objects(document) if isinstance(part.get("$ref"), str)]


def resolve(document: Any, reference: str) -> Any:
    """What a reference within the document points at; None when nothing is there."""
    for step in reference.removeprefix("#/").split("/"):
        if not isinstance(document, dict) or step not in document:
            return None
        document = document[step]
    return document
