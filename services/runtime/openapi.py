"""The OpenAPI documents of the services, completed from what each HTTP app declares.

`python -m services.runtime.openapi` writes them, `--check` compares them. The apps serve the same documents at
`/openapi.json`. FastAPI knows paths and parameters. This module adds, from the routes: the token that an operation
needs, the common shape of errors, the shape of a draft, and the stream, which is mounted beside the routes.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.generators.json_schema import GENERATED
from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SOURCES
from services.channels.kiosk.screens_api import TOKEN, require_screen
from services.console.accounts.rights import May, MayOrMachine
from services.runtime.assembly.importing import embedded_importing
from services.runtime.auditor import auditor_api
from services.runtime.console import embedded_api
from services.runtime.local_readers import LocalLedger
from services.runtime.manifests import CHANNELS
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.tokens.access import Needs
from shared.tokens.rights import READING
from shared.web.edge import PROBLEM_TYPE

FOLDER = Path(__file__).parents[2] / "contracts" / "openapi"
DRAFTS: dict[str, type[BaseModel]] = {"/v1/items/{code}": Item, "/v1/guides/{code}": Guide}
"""Path → model of the body of a PUT to it. The routes read any JSON, in order to report every mistake at once."""

PROBLEM_REF = {"$ref": "#/components/responses/Problem"}
TEXT = {"type": "string"}
PROBLEM = {
    "title": "Problem",
    "description": "Problem document of RFC 9457; `errors` lists every field that breaks a rule.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {**TEXT, "format": "uri-reference"},
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "rule", "message"],
                "properties": {"field": TEXT, "rule": TEXT, "message": TEXT, "value": TEXT},
            },
        },
    },
}
SECURITY_SCHEMES = {
    "admin": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "The admin token at the sources and in `tongyuan up`. In production, a token of a caller with the right "
            "stated here (`tongyuan token SERVICE`)."
        ),
    },
    "service": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of a caller with the right stated here, or an admin token that grants it.",
    },
    "person": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "An API token of a person of the desk who has one of the roles stated here (none: any person). A browser's "
            "session counts as well, for a write only with its header X-CSRF-Token; giving out credentials takes no "
            "API token. People are administered with an operator's token, too (`tongyuan token console`)."
        ),
    },
    "screen": {
        "type": "apiKey",
        "in": "cookie",
        "name": TOKEN,
        "description": "Token of an enrolled screen of the hall.",
    },
}
STREAM = {
    "get": {
        "tags": ["sync"],
        "summary": "Stream changes and heads as server-sent events",
        "description": (
            "Begins with `sync` (up to date), the missed `change`s and then `sync`, or `reset` (start over from "
            "`/v1/changes`); then follow each `change` and each signed `head`. A comment every few seconds keeps the "
            "connection open."
        ),
        "operationId": "stream_v1_stream_get",
        "parameters": [
            {"name": "Last-Event-ID", "in": "header", "required": False, "schema": TEXT},
            {"name": "last_event_id", "in": "query", "required": False, "schema": TEXT},
        ],
        "responses": {
            "200": {"description": "The event stream", "content": {"text/event-stream": {"schema": TEXT}}},
            "default": PROBLEM_REF,
        },
    }
}


def documents() -> dict[str, Json]:
    """Return each service's document. The apps are built as for `tongyuan up`, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        wiring = Wiring(Settings.model_construct(data_dir=Path(folder)))
        try:
            return {service: document(service, api) for service, api in apis(wiring)}
        finally:
            wiring.close()


def document(service: str, api: FastAPI) -> Json:
    """Return the complete OpenAPI document of a service's app."""
    found = deepcopy(FastAPI.openapi(api))
    tokens = _security(api)
    components = found.setdefault("components", {})
    components.setdefault("schemas", {})
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(operation, tokens.get((path, method)))
            if path in DRAFTS and method == "put":
                _give_body(operation, DRAFTS[path])
            _lift_definitions(found, operation)
    if service in CHANNELS:
        found["paths"]["/v1/stream"] = deepcopy(STREAM)
    components["schemas"] = _schemas(components["schemas"])
    components["responses"] = {
        "Problem": {
            "description": "The request failed; the body gives the reason",
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    components["securitySchemes"] = SECURITY_SCHEMES
    servers = [{"url": f"/{service}", "description": "Path below the county's address"}]
    return {"openapi": found.pop("openapi"), "x-generated": GENERATED, "servers": servers, **found}


def serving_document(service: str, api: FastAPI) -> FastAPI:
    """Make the app serve its complete document at `/openapi.json`; return the app."""
    api.openapi = partial(document, service, api)  # type: ignore[method-assign]  # FastAPI's documented way
    return api


def texts() -> dict[str, str]:
    """Return file name → content, as stored in contracts/openapi."""
    return {
        f"{service}.json": json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        for service, content in documents().items()
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the files that differ from what the apps declare now: changed, missing, or left over."""
    return _differing(texts(), folder)


def write(folder: Path = FOLDER) -> list[str]:
    """Update the files; return the names of those that differed."""
    wanted = texts()
    changed = _differing(wanted, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def _differing(wanted: dict[str, str], folder: Path) -> list[str]:
    stored = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | stored.keys() if wanted.get(name) != stored.get(name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Exit code: 0 done, 1 stale, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m services.runtime.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="list stale documents; exit with 1 if there are any")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.check:
        return _say((f"contracts/openapi/{name}: stale; make contracts" for name in stale(options.folder)), code=1)
    return _say((f"contracts/openapi/{name}: written" for name in write(options.folder)), code=0)


def apis(wiring: Wiring) -> Iterator[tuple[str, FastAPI]]:
    for source in SOURCES:
        yield source, wiring.source_api(source)
    yield "ledger", wiring.ledger_api()
    ledger = LocalLedger(wiring.database("ledger"))
    for channel in CHANNELS:
        yield channel, wiring.channel(channel, ledger).api(wiring.settings)
    yield AUDITOR, auditor_api(wiring)
    key = Ed25519PrivateKey.generate()
    yield CONSOLE, embedded_api(wiring, key, lambda: wiring.settings, demo=False)
    yield IMPORTING, embedded_importing(wiring, key, lambda: wiring.settings).api


def tokens_of(api: FastAPI) -> dict[tuple[str, str], str]:
    """Return, by path and method, the token that the route's dependencies require, for those that require one."""
    return {place: next(iter(asked)) for place, asked in _security(api).items()}


def _security(api: FastAPI) -> dict[tuple[str, str], Json]:
    """Return, by path and method, the token that the route's dependencies require and the right in it."""
    return {
        (str(context.path), method.lower()): asked
        for context in iter_route_contexts(api.routes)
        if isinstance(context.original_route, APIRoute)
        for call in _calls(context.dependant)
        if (asked := _asked(call))
        for method in context.methods or ()
    }


def _asked(call: object) -> Json | None:
    if isinstance(call, Needs):
        return {"service" if call.right in READING else "admin": [str(call.right)]}
    if isinstance(call, May | MayOrMachine):
        return {"person": sorted(call.roles)}
    return {"screen": []} if call is require_screen else None


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _complete(operation: Json, token: Json | None) -> None:
    """Declare a problem as the answer to every error; FastAPI's own 422 is never sent."""
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = PROBLEM_REF
    if token:
        operation["security"] = [token]


def _give_body(operation: Json, model: type[BaseModel]) -> None:
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": model.model_json_schema()}},
    }


def _lift_definitions(found: Json, operation: Json) -> None:
    """Move definitions of a body's schema to the components: OpenAPI cannot refer to them inside a body."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = json.loads(json.dumps(content["schema"]).replace('"#/$defs/', '"#/components/schemas/'))
        found["components"]["schemas"].update(schema.pop("$defs", {}))
        content["schema"] = schema


def _schemas(found: Json) -> Json:
    kept = {name: schema for name, schema in found.items() if name not in ("HTTPValidationError", "ValidationError")}
    return dict(sorted({**kept, "Problem": PROBLEM}.items()))


def _say(lines: Iterable[str], code: int) -> int:
    """Write the lines; return `code` if there were any, else 0."""
    said = [sys.stdout.write(f"{line}\n") for line in lines]
    return code if said else 0


if __name__ == "__main__":
    sys.exit(main())
