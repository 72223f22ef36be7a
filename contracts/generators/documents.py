"""The documents generated from the contracts: written, compared with the stored ones, and released."""

import json
from pathlib import Path
from typing import Any

from contracts.base import Json
from contracts.envelope.messages import MESSAGES
from contracts.generators import asyncapi, events_page
from contracts.generators.compatibility import breaks_of_promises
from contracts.generators.json_schema import MODELS, message_schema, model_schema
from contracts.topology import Topology

ROOT = Path(__file__).parent.parent
SCHEMAS = "schemas"
RELEASED = f"{SCHEMAS}/released"
OPEN_MODELS = ("event", "release", "publication", "head", "head-statement", "source-mark")
"""Models that others read by themselves, over HTTP. Bodies are read inside messages, the others only by us."""


class BrokenPromise(Exception):
    """A released schema would break its readers; `changes` says where."""

    def __init__(self, changes: list[str]) -> None:
        super().__init__("\n".join(changes))
        self.changes = changes


def documents() -> dict[str, str]:
    """Map path below contracts/ → content, for the documents that follow from the contracts alone."""
    return {f"{SCHEMAS}/{name}.json": text(schema) for name, schema in schemas().items()}


def broker_documents(topology: Topology, root: Path = ROOT) -> dict[str, str]:
    """Map path below contracts/ → content, for the documents that list queues. Examples are read, not generated."""
    examples = {message.name: _read(root / "examples" / f"{message.name}.json") for message in MESSAGES}
    return {"asyncapi.json": text(asyncapi.document(topology, examples)), "EVENTS.md": events_page.page(topology)}


def schemas() -> dict[str, Json]:
    """Return every schema by name: models (`item`) and messages (`publications/tongyuan.item.released`)."""
    return {
        **{name: model_schema(model) for name, model in MODELS.items()},
        **{message.name: message_schema(message) for message in MESSAGES},
    }


def promises() -> dict[str, Json]:
    """Return the schemas that others read by: these must never break."""
    return {name: schema for name, schema in schemas().items() if name in OPEN_MODELS or "/" in name}


def released(root: Path = ROOT) -> dict[str, Json]:
    """Return the promises as last released, by name."""
    folder = root / RELEASED
    return {path.relative_to(folder).with_suffix("").as_posix(): _read(path) for path in sorted(folder.rglob("*.json"))}


def stale(root: Path = ROOT) -> list[str]:
    """Return the paths of stored documents that differ from the contracts: changed, missing, or left over."""
    wanted = documents()
    return sorted([*differing(wanted, root), *_left_over(root, wanted)])


def differing(wanted: dict[str, str], root: Path = ROOT) -> list[str]:
    """Return the paths of documents that are not stored with this content."""
    return sorted(path for path, content in wanted.items() if not _is(root / path, content))


def write(root: Path = ROOT) -> list[str]:
    """Update the stored documents. Return the paths of those that were stale."""
    changed, wanted = stale(root), documents()
    for path in changed:
        if path in wanted:
            store(wanted[path], root / path)
        else:
            (root / path).unlink()
    return changed


def release(root: Path = ROOT) -> list[str]:
    """Release the current promises. Return the names of new or changed ones. Raises `BrokenPromise`."""
    current, before = promises(), released(root)
    changes = breaks_of_promises(before, current)
    if changes:
        raise BrokenPromise(changes)
    news = [name for name, schema in current.items() if before.get(name) != schema]
    for name in news:
        store(text(current[name]), root / RELEASED / f"{name}.json")
    return news


def text(content: Json) -> str:
    """Return a JSON document as it is stored: indented, Chinese unescaped, one newline at the end."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _left_over(root: Path, wanted: dict[str, str]) -> list[str]:
    stored = [path.relative_to(root).as_posix() for path in (root / SCHEMAS).rglob("*.json")]
    return [path for path in stored if path not in wanted and not path.startswith(f"{RELEASED}/")]


def _is(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def store(content: str, path: Path) -> None:
    """Write a document, in a new folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
