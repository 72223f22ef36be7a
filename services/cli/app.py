"""The command line: the list of commands and their help.

A command's module is imported only when the command is used, so that `status` does not load everything that `up` needs.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS = {
    "up": "run.up:up",
    "import": "content.importing:import_file",
    "undo": "content.undo:undo",
    "mapping": "content.mapping:suggest_mapping",
    "verify": "inspect.verify:verify",
    "audit": "inspect.audit:audit",
    "audit-log": "inspect.audit_log:app",
    "status": "inspect.status:status",
    "trace": "inspect.status:trace",
    "facts": "inspect.facts:facts",
    "rebuild": "inspect.status:rebuild",
    "doctor": "inspect.doctor:doctor",
    "backup": "recovery.backup:backup",
    "restore": "recovery.backup:restore",
    "backup-key": "keys.backup_key:app",
    "export": "content.export:export",
    "drill": "inspect.drill:drill",
    "erase": "content.retention:erase",
    "compact": "content.retention:compact",
    "run": "run.production:run",
    "migrate": "run.production:migrate",
    "dead": "recovery.dead_letters:app",
    "feedback": "content.feedback:app",
    "plans": "content.plans:app",
    "keys": "keys.ledger_keys:app",
    "county": "run.county:app",
    "personal": "keys.personal:app",
    "kiosk": "inspect.kiosk:app",
    "topology": "run.production:topology_app",
    "token": "keys.token:token",
    "user": "people.user:app",
}
"""Command → its module below this folder, and the function, or the `Typer` of a group, in it."""


class _OnDemand(Mapping[str, Any]):
    """The commands by name, each created when it is looked up."""

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

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what an operator can put right ends it with one sentence instead of a traceback."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            from services.cli.terminal import fail  # noqa: PLC0415  # loads the client; not needed for `--help`
            from shared.failures import exit_code, sentence  # noqa: PLC0415  # likewise

            if (said := sentence(error)) is None:
                raise
            fail(said, exit_code(error))


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def tongyuan() -> None:
    """Tongyuan 同源: one source, four channels. Start a county, run one of its processes, operate it."""
