"""The documents that follow from the contracts: written, compared with what is stored, and released."""

import json
from pathlib import Path
from typing import Any

from contracts import asyncapi, events_page
from contracts.base import Json
from contracts.compatibility import breaks_of_promises
from contracts.json_schema import MODELS, message_schema, model_schema
from contracts.messages import MESSAGES

ROOT = Path(__file__).parent
SCHEMAS = "schemas"
RELEASED = f"{SCHEMAS}/released"
OPEN_MODELS = ("event", "release", "publication", "head", "source-mark")
"""Models that others read on their own, over HTTP. Bodies are read inside messages, the rest only we read."""


class BrokenPromise(Exception):
    """A released schema would break its readers; `changes` says where."""

    def __init__(self, changes: list[str]) -> None:
        super().__init__("\n".join(changes))
        self.changes = changes


def documents(root: Path = ROOT) -> dict[str, str]:
    """Path below contracts/ → content, of everything that is generated. Examples are read, not made."""
    examples = {message.name: _read(root / "examples" / f"{message.name}.json") for message in MESSAGES}
    return {
        **{f"{SCHEMAS}/{name}.json": text(schema) for name, schema in schemas().items()},
        "asyncapi.json": text(asyncapi.document(examples)),
        "EVENTS.md": events_page.page(),
    }


def schemas() -> dict[str, Json]:
    """Every schema by name: models (`item`) and messages (`publications/tongyuan.item.released`)."""
    return {
        **{name: model_schema(model) for name, model in MODELS.items()},
        **{message.name: message_schema(message) for message in MESSAGES},
    }


def promises() -> dict[str, Json]:
    """The schemas by which others read: these must never break."""
    return {name: schema for name, schema in schemas().items() if name in OPEN_MODELS or "/" in name}


def released(root: Path = ROOT) -> dict[str, Json]:
    """The promises as they were when they were released last, by name."""
    folder = root / RELEASED
    return {path.relative_to(folder).with_suffix("").as_posix(): _read(path) for path in sorted(folder.rglob("*.json"))}


def stale(root: Path = ROOT) -> list[str]:
    """Stored documents that are not what the contracts say now: changed, missing, or left over."""
    wanted = documents(root)
    differing = [path for path, content in wanted.items() if not _is(root / path, content)]
    return sorted([*differing, *_left_over(root, wanted)])


def write(root: Path = ROOT) -> list[str]:
    """Bring the stored documents up to date; which ones were not."""
    changed = stale(root)
    wanted = documents(root)
    for path in changed:
        if path in wanted:
            _write(root / path, wanted[path])
        else:
            (root / path).unlink()
    return changed


def release(root: Path = ROOT) -> list[str]:
    """Make the promises of today the ones to keep; which ones are new or changed. Raises `BrokenPromise`."""
    current, before = promises(), released(root)
    changes = breaks_of_promises(before, current)
    if changes:
        raise BrokenPromise(changes)
    news = [name for name, schema in current.items() if before.get(name) != schema]
    for name in news:
        _write(root / RELEASED / f"{name}.json", text(current[name]))
    return news


def text(content: Json) -> str:
    """A JSON document as it is stored: indented, Chinese as Chinese, one newline at the end."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _left_over(root: Path, wanted: dict[str, str]) -> list[str]:
    stored = [path.relative_to(root).as_posix() for path in (root / SCHEMAS).rglob("*.json")]
    return [path for path in stored if path not in wanted and not path.startswith(f"{RELEASED}/")]


def _is(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
