"""Generates docs/operating/settings.md from the settings and the manifests: `python -m
services.deployment.settings_table` writes it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from services.runtime import manifests
from services.runtime.settings import CountySettings
from shared.manifest.model import CALLER_KEY, Dependency, Key, Outsider, Process, Role
from shared.security.oidc_settings import OidcSettings
from shared.tokens.rights import EVERY

PAGE = Path(__file__).parents[2] / "docs" / "operating" / "settings.md"
HEADING = """# Settings

<!-- Made by `python -m services.deployment.settings_table` of shared/config.py and services/*/manifest.py: change it
there. -->

Every setting is an environment variable. A wrong value stops the start, with the variable's name and the reason.
An unknown name that begins with `TONGYUAN_` is ignored. `tongyuan up` is one process that reads all of them; of the
processes of the production shape each reads what its manifest names.

| Variable | Default | Must be | Read by | What it is |
|---|---|---|---|---|
"""
GROUPS: tuple[tuple[str, Callable[[Process], bool]], ...] = (
    ("every process", lambda _one: True),
    ("HTTP of every service", lambda one: not one.is_worker),
    ("every worker", lambda one: one.is_worker),
    ("every channel", lambda one: _role(one) == Role.CHANNEL and not one.is_worker),
    ("every channel's worker", lambda one: _role(one) == Role.CHANNEL and one.is_worker),
    ("every source", lambda one: _role(one) == Role.SOURCE and not one.is_worker),
    ("every source's worker", lambda one: _role(one) == Role.SOURCE and one.is_worker),
)
"""Groups of processes by the name that the page has for them, the largest first."""
NO_PROCESS = "the command line"
PROCESSES = """
## Processes of the production shape

What each may hold, reach and do, as its service's manifest says (`services/<name>/manifest.py`). Compose file, accounts
and the files for systemd are made of the same (`python -m services.deployment`). A process that is given a secret of
another ends at its start, and names it. Each has its service's account at the database. At another service it has the
rights in brackets, and reads what is public. A key "if named" is one that an operator may give it.

| Process | Broker: writes to | Broker: reads from | Calls | Keys and secrets |
|---|---|---|---|---|
"""
CALLERS = """
Callers that are no process, each with a key of its own:

| Caller | Calls | A token lasts at most |
|---|---|---|
"""
BOUNDS = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most", "exclusiveMaximum": "less than"}
KINDS = {
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "password": "secret",
    "path": "path",
}


def page() -> str:
    """Return the page as Markdown."""
    schema = CountySettings.model_json_schema()
    choices = {f"#/$defs/{name}": shape["enum"] for name, shape in schema.get("$defs", {}).items()}
    # A closed list of values stands apart in the schema; its row names the values.
    shapes = {name: {**shape, "enum": choices.get(shape.get("$ref"))} for name, shape in schema["properties"].items()}
    # Inherited settings come first in the schema; the desk's own are for few readers.
    names = sorted(shapes, key=lambda name: name in OidcSettings.model_fields)
    settings = "".join(_row(name, shapes[name]) for name in names)
    processes = "".join(map(_process, manifests.processes()))
    outsiders = "".join(map(_outsider, manifests.outsiders()))
    return f"{HEADING}{settings}{PROCESSES}{processes}{CALLERS}{outsiders}"


def _process(process: Process) -> str:
    account = manifests.manifests()[process.service].account if process.broker else None
    # An HTTP process only relays and reads no queue; a worker writes nothing, though their common account may do both.
    writes = account.writes if account and not process.is_worker else ()
    reads = account.reads if account and process.is_worker else ()
    held = "; ".join([*map(_key, process.held_keys), *(f"`{secret}`" for secret in process.secrets)])
    return _cells(f"`{process.name}`", _names(writes), _names(reads), _calls(process.calls), held)


def _key(key: Key) -> str:
    if key.volume:
        return f"`{key.setting}` in `{key.volume.name}` ({key.use})"
    return f"`{key.setting}` ({key.use}{'' if key == CALLER_KEY else ', if named'})"


def readers(setting: str) -> str:
    """Return in words which processes read a setting."""
    left = [one for one in manifests.processes() if setting in one.reads]
    said = []
    for name, belongs in GROUPS:
        group = [one for one in manifests.processes() if belongs(one)]
        if group and all(one in left for one in group):
            said.append(name)
            left = [one for one in left if one not in group]
    return ", ".join([*said, *(f"`{one.name}`" for one in left)]) or NO_PROCESS


def _role(process: Process) -> Role:
    return manifests.manifests()[process.service].role


def _outsider(outsider: Outsider) -> str:
    return _cells(f"`{outsider.name}`", _calls(outsider.calls), f"{outsider.seconds // 60} min")


def _calls(calls: Sequence[Dependency]) -> str:
    if all(call.rights == EVERY for call in calls) and len(calls) == len(manifests.SERVICES):
        return "every service (everything)"
    said = (f"{call.callee} ({', '.join(sorted(call.rights))})" if call.rights else call.callee for call in calls)
    return "; ".join(said)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _row(name: str, shape: dict[str, Any]) -> str:
    default = shape.get("default")
    shown = "" if default in (None, "") else f"`{default}`"
    cells = (f"`TONGYUAN_{name.upper()}`", shown, ", ".join(_rules(shape)), readers(name), shape["description"])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _rules(shape: dict[str, Any]) -> Iterator[str]:
    """Yield in words what a value must be. An optional setting is described by its type when present."""
    if shape["enum"]:
        yield " or ".join(f"`{value}`" for value in shape["enum"])
        return
    present = next((choice for choice in shape.get("anyOf", []) if choice.get("type") != "null"), shape)
    yield KINDS[present.get("format", present["type"])]
    yield from (f"{words} {present[bound]}" for bound, words in BOUNDS.items() if bound in present)
    if present.get("minLength"):
        yield "not empty"
    if "pattern" in present:
        yield f"matching `{present['pattern']}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
