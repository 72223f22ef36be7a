"""Everything that README and docs mention exists: every link, every command, every metric."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from services.cli.app import app

pytestmark = pytest.mark.lint
ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "README.zh.md", "CHANGELOG.md")),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "services").rglob("README.md"),
    ]
)
COMMANDS = get_command(app)
FOLDERS = ("contracts", "shared", "services", "deploy", "docs", "tests")
LINK = re.compile(r"(?:\]\(|^\[[^\]]+\]: )([^)#\n]+?)(?:#[^)]*)?(?:\)|$)", re.MULTILINE)
FILE = re.compile(r"`([\w./*-]+)`")
METRIC = re.compile(r"(?<!:)\btongyuan_(?!client\b)[a-z_]+(?![a-z_-])")
"""A volume of the compose file continues with a hyphen, `tongyuan_client` is a module of clients/python, and before the
name of a recording rule stands what it is about."""
CODE = [file for folder in ("shared", "services") for file in (ROOT / folder).rglob("*.py")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_is_named_exists(page: Path) -> None:
    """From the root; a service's own page also names files relative to its folder."""
    own = page.parent if page.is_relative_to(ROOT / "services") else None
    for path in FILE.findall(page.read_text(encoding="utf-8")):
        if path.partition("/")[0] in FOLDERS and "/" in path:
            # `services/channels/api/live_stream.Indexer` is a name in a module.
            assert any(ROOT.glob(path.rstrip("/"))) or any(ROOT.glob(path.rpartition(".")[0] + ".py")), path
        elif own is not None and path.endswith((".py", ".js")):
            assert any(own.rglob(path.rpartition("/")[2])), f"{page.parent.name}: {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_metric_that_is_named_is_measured(page: Path) -> None:
    code = "\n".join(file.read_text(encoding="utf-8") for file in CODE)
    for name in METRIC.findall(page.read_text(encoding="utf-8")):
        assert f'"{name}"' in code, f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_shown_is_one_with_these_options(page: Path) -> None:
    for line in shown(page):
        command = COMMANDS
        words = [word for word in line.split("#")[0].split() if word]
        while hasattr(command, "commands") and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert command is not COMMANDS, f"{page.name}: {line}"
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known, f"{page.name}: {line}"


def shown(page: Path) -> list[str]:
    """Return what follows `tongyuan`, or the compose file's `cli`, in the page's code blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"(?:\.venv/bin/tongyuan|run --rm cli) (.+)", "\n".join(blocks))


def test_the_pages_show_every_command_of_an_operator() -> None:
    text = " ".join(line for page in PAGES for line in shown(page))
    for name in (
        "status",
        "verify",
        "trace",
        "rebuild",
        "dead list",
        "dead show",
        "dead replay",
        "dead drop",
        "doctor",
    ):
        assert name in text
