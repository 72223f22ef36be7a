"""The command line: every command, and the help that lists them.

A command is imported when somebody asks for it: who types `status` at night does not wait for all that `up` is made of.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS = {
    "up": "county_up:up",
    "import": "importing:import_file",
    "verify": "verify:verify",
    "audit": "audit:audit",
    "status": "operate:status",
    "trace": "operate:trace",
    "rebuild": "operate:rebuild",
    "doctor": "operate:doctor",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "export": "export:export",
    "drill": "drill:drill",
    "erase": "retention:erase",
    "compact": "retention:compact",
    "run": "production:run",
    "migrate": "production:migrate",
    "dead": "deadletters:app",
    "feedback": "feedback:app",
    "keys": "keys:app",
    "personal": "personal:app",
    "kiosk": "kiosk:app",
    "topology": "production:topology_app",
}
"""Command → the file of this folder, and in it a function that is a command or a `Typer` that is a group of them."""


class _OnDemand(Mapping[str, Any]):
    """The commands by name, each made when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"services.cli.{module}"), attribute)
        alone = typer.Typer(add_completion=False)
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=name)
        else:
            alone.command(name)(found)
        return get_group(alone).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _OnDemand()  # type: ignore[assignment]  # nobody adds to it


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def tongyuan() -> None:
    """Tongyuan 同源: one source, four channels. Start a county, run one process of it, and look after it."""
