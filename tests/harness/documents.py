"""Reads and traverses the generated documents of contracts/."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from contracts.envelope.messages import MessageType

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"


def stored(path: str) -> str:
    """Return the text of a document below contracts/."""
    return (CONTRACTS / path).read_text(encoding="utf-8")


def load(path: str) -> Any:
    """Return a JSON document below contracts/."""
    return json.loads(stored(path))


@cache
def apis() -> dict[str, Any]:
    """Return each service's OpenAPI document as stored; another test compares them with what the apps declare."""
    return {file.stem: load(f"openapi/{file.name}") for file in sorted((CONTRACTS / "openapi").glob("*.json"))}


def example(message: MessageType) -> Any:
    """Return the message's example."""
    return load(f"examples/{message.name}.json")


def validator(message: MessageType) -> jsonschema.Draft202012Validator:
    """Return a validator for the message's schema, with formats."""
    return jsonschema.Draft202012Validator(
        load(f"schemas/{message.name}.json"), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON value, the value itself first."""
    if isinstance(value, dict):
        inner = list(value.values())
        yield value
    else:
        inner = value if isinstance(value, list) else []
    for part in inner:
        yield from objects(part)


def references(document: Any) -> list[str]:
    """Return every `$ref` of a document."""
    return [part["$ref"] for part in objects(document) if isinstance(part.get("$ref"), str)]


def resolve(document: Any, reference: str) -> Any:
    """Return what a reference within the document points at; None if nothing is there."""
    for step in reference.removeprefix("#/").split("/"):
        if not isinstance(document, dict) or step not in document:
            return None
        document = document[step]
    return document
