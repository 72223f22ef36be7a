"""What the pages show, read from contracts/: events, endpoints, and the files themselves."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.base import Json
from contracts.envelope.messages import MESSAGES, MessageType
from services.runtime import manifests
from services.runtime.contract_site.fields import Field, fields_of, sample_of

FOLDER = Path(__file__).parents[3] / "contracts"
METHODS = ("get", "put", "post", "patch", "delete")
_FILE = re.compile(r"(asyncapi|(openapi|schemas|examples)/[a-z0-9./-]+)\.json")


@dataclass(frozen=True)
class EventPage:
    """One event: who sends it when, its members, and an example."""

    message: MessageType
    fields: Sequence[Field]
    example: str
    consumers: Sequence[str]
    senders: Sequence[str]

    @property
    def address(self) -> str:
        return f"events/{self.message.name}"

    @property
    def words(self) -> str:
        """Return the text that a search looks through."""
        names = " ".join(field.name for field in self.fields)
        return f"{self.message.name} {self.message.title} {self.message.when} {names}".lower()


@dataclass(frozen=True)
class Endpoint:
    """One operation of a service. `token`: names of what opens it; empty for anybody."""

    service: str
    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    token: Sequence[str]
    deprecated: bool
    parameters: Sequence[Json]
    body: Sequence[Field]
    responses: Sequence[tuple[str, str, Sequence[Field], str]]

    @property
    def address(self) -> str:
        return f"api/{self.service}/{self.name}"

    @property
    def url(self) -> str:
        return f"/{self.service}{self.path}"

    @property
    def command(self) -> str:
        """Return a call with curl, as somebody would type it."""
        required = [one for one in self.parameters if one["required"] and one["in"] == "query"]
        query = "&".join(f"{one['name']}=…" for one in required)
        parts = ["curl", *([] if self.method == "GET" else ["-X", self.method])]
        parts += ['-H "Authorization: Bearer $TOKEN"'] if self.token else []
        parts += ["-H 'Content-Type: application/json'", "-d '{…}'"] if self.body else []
        return " ".join([*parts, f'"$COUNTY{self.url}{"?" if query else ""}{query}"'])

    @property
    def words(self) -> str:
        """Return the text that a search looks through."""
        names = " ".join(one["name"] for one in self.parameters)
        return f"{self.method} {self.url} {self.summary} {self.description} {names}".lower()


@cache
def events() -> dict[str, EventPage]:
    """Return every event by name, such as `publications/tongyuan.item.released`."""
    topology = manifests.topology()
    return {
        message.name: EventPage(
            message,
            fields_of(_load(f"schemas/{message.name}.json")),
            (FOLDER / "examples" / f"{message.name}.json").read_text(encoding="utf-8"),
            message.consumers(topology),
            message.senders(topology),
        )
        for message in MESSAGES
    }


@cache
def endpoints() -> dict[tuple[str, str], Endpoint]:
    """Return every operation by service and name, public services first."""
    services = sorted((path.stem for path in (FOLDER / "openapi").glob("*.json")), key=_rank)
    return {(one.service, one.name): one for service in services for one in _operations(service)}


def found(question: str) -> tuple[list[EventPage], list[Endpoint]]:
    """Return the events and endpoints that have every word of a question."""
    words = question.lower().split()
    return (
        [page for page in events().values() if all(word in page.words for word in words)],
        [one for one in endpoints().values() if all(word in one.words for word in words)],
    )


def file_of(path: str) -> bytes | None:
    """Return a published file of contracts/; None for any other path."""
    file = FOLDER / path
    if not _FILE.fullmatch(path) or ".." in path or not file.is_file():
        return None
    return file.read_bytes()


def _operations(service: str) -> Iterator[Endpoint]:
    document = _load(f"openapi/{service}.json")
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield _endpoint(service, document, path, method, methods[method])


def _endpoint(service: str, document: Json, path: str, method: str, said: Json) -> Endpoint:
    answers = [
        (status, answer.get("description", ""), _fields(document, answer), _example(document, answer))
        for status, answer in ((status, _resolved(document, one)) for status, one in said["responses"].items())
    ]
    return Endpoint(
        service=service,
        method=method.upper(),
        path=path,
        name=f"{method}{re.sub(r'[^A-Za-z0-9]+', '-', path)}".strip("-"),
        tag=next(iter(said.get("tags", [])), "other"),
        summary=said.get("summary", ""),
        description=said.get("description", ""),
        token=sorted({name for one in said.get("security", []) for name in one}),
        deprecated=said.get("deprecated", False),
        parameters=[_parameter(document, _resolved(document, one)) for one in said.get("parameters", [])],
        body=_fields(document, said.get("requestBody", {})),
        responses=answers,
    )


def _parameter(document: Json, one: Json) -> Json:
    field = next(iter(fields_of({"properties": {one["name"]: one.get("schema", {})}}, document)))
    return {**one, "required": one.get("required", False), "type": field.type, "default": field.default}


def _fields(document: Json, content: Json) -> list[Field]:
    for kind in content.get("content", {}).values():
        return fields_of(kind.get("schema", {}), document)
    return []


def _example(document: Json, content: Json) -> str:
    """Return what an answer may look like; empty for one without a body, or with one that is not described."""
    for kind in content.get("content", {}).values():
        sample = sample_of(kind.get("schema", {}), document)
        return json.dumps(sample, ensure_ascii=False, indent=2) if sample else ""
    return ""


def _resolved(document: Json, one: Json) -> Any:
    if "$ref" not in one:
        return one
    for step in one["$ref"].removeprefix("#/").split("/"):
        document = document[step]
    return document


def _rank(service: str) -> tuple[bool, int, str]:
    strangers = manifests.FOR_STRANGERS
    return service not in strangers, strangers.index(service) if service in strangers else 0, service


def _load(path: str) -> Any:
    return json.loads((FOLDER / path).read_text(encoding="utf-8"))
