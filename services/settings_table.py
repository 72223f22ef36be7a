"""docs/operating/settings.md, made of `shared.config.Settings`: `python -m services.settings_table` writes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.config import Settings

PAGE = Path(__file__).parent.parent / "docs" / "operating" / "settings.md"
HEADING = """# Settings

<!-- Made by `python -m services.settings_table` of shared/config.py: change it there. -->

Every setting is an environment variable. A wrong value stops the start, with the variable's name and the reason.
An unknown name that begins with `TONGYUAN_` is ignored.

| Variable | Default | Must be | What it is |
|---|---|---|---|
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
    """The whole page, as Markdown."""
    properties = Settings.model_json_schema()["properties"]
    return HEADING + "".join(_row(name, shape) for name, shape in properties.items())


def _row(name: str, shape: dict[str, Any]) -> str:
    default = shape.get("default")
    shown = "" if default in (None, "") else f"`{default}`"
    cells = (f"`TONGYUAN_{name.upper()}`", shown, ", ".join(_rules(shape)), shape["description"])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _rules(shape: dict[str, Any]) -> Iterator[str]:
    """What a value must be, in words. A setting that may be absent is described by its other choice."""
    present = next((choice for choice in shape.get("anyOf", []) if choice.get("type") != "null"), shape)
    yield KINDS[present.get("format", present["type"])]
    yield from (f"{words} {present[bound]}" for bound, words in BOUNDS.items() if bound in present)
    if present.get("minLength"):
        yield "not empty"
    if "pattern" in present:
        yield f"matching `{present['pattern']}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
