"""The command line: the list of commands and their help.

A command's module is imported only when the command is used, so that `status` does not load everything that `up` needs;
the list of commands loads none of them.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
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
    "reviews": "content.reviews:app",
    "keys": "keys.ledger_keys:app",
    "county": "run.county:app",
    "personal": "keys.personal:app",
    "kiosk": "inspect.kiosk:app",
    "topology": "run.production:topology_app",
    "token": "keys.token:token",
    "user": "people.user:app",
    "conformance": "integrators.conformance:conformance",
    "subscription": "integrators.subscription:app",
    "exchange": "exchange.command:app",
    "standards": "exchange.standards:app",
}
"""Command → its module below this folder, and the function, or the `Typer` of a group, in it."""

SUMMARIES = {
    "up": "Run the whole county in this process: SQLite, no broker, nothing to install. Ctrl-C stops it.",
    "import": "Release the content of each valid row of FILE; list row, field, rule and value for every other row.",
    "undo": "Take back the import of FILE: its items and guides become what they were before; later "
    "edits stay, listed.",
    "mapping": "Suggest which column of FILE (.xlsx, .xls or CSV) fills which field, from the header; "
    "name the columns left out.",
    "verify": "Read everything public, recompute it from the ledger, and compare. Exit 1 for a problem.",
    "audit": "Show what the auditor finds wrong now, field by field. Exit 1: something is wrong, or "
    "nothing can be released.",
    "audit-log": "Who did what at the sources and the desk (docs/operating/audit-log.md).",
    "status": "Show the progress of every part: released, recorded, shown.",
    "trace": "Follow one key: released by its source, recorded by the ledger, shown by each channel.",
    "facts": "List facts that items and guides state twice and differently: fees, days, visits, "
    "windows, telephone numbers.",
    "rebuild": "Rebuild a channel separately from the ledger, then replace the live one; list the "
    "documents that differed.",
    "doctor": "Check what this county needs: services, signer, clocks, disk, file rights, certificates. "
    "Exit 1 for a problem.",
    "backup": "Write everything needed to restore this county into one signed file; the county may keep running.",
    "restore": "Restore a backup, after all of it was checked. The county must not run. Exit 1: nothing was changed.",
    "backup-key": "Keys for backups: those that a restore trusts here, and new ones to encrypt backups for.",
    "export": "Write every page as a file with relative links, for a portal on another system.",
    "drill": "Rebuild each channel separately from the ledger and compare it with the live one.",
    "erase": "Withdraw a case permanently and erase all its bodies at the source and in the ledger.",
    "compact": "Erase the bodies of superseded versions of cases. The versions in force and the version "
    "history are kept.",
    "run": "Run one process of a production deployment (RabbitMQ, PostgreSQL) until it is stopped.",
    "migrate": "Migrate the databases to this version; run it before a new version starts.",
    "dead": "`dead`: messages that were refused, and entries that could not be shown: list, show, replay or drop them.",
    "feedback": "Readers' feedback about guides: list, answer, close.",
    "plans": "Planned versions and planned ends of items and guides: list, cancel.",
    "reviews": "The five gates, as a person of the desk: list, show, submit, sign, withdraw.",
    "keys": "Keys of ledger and sources: list, rotate, revoke, sign again; accept a restored ledger.",
    "county": "Identity of the county that the stores belong to: record a new name.",
    "personal": "Keys that seal personal data at rest: rotate, check.",
    "kiosk": "Screens of the hall: enrol, list, revoke.",
    "topology": "Exchanges, queues and rights of the broker.",
    "token": "Print a token with an operator's rights at one service, signed by TONGYUAN_OPERATOR_KEY.",
    "user": "People of the desk: add, roles, lock, reset a password.",
    "conformance": "Put every case of the conformance kit to each ADAPTER and say which level it keeps.",
    "subscription": "Integrators who are told of releases: add, keys, deliveries, redelivery, test event.",
    "exchange": "Exchange with the national tables up_task_* and up_pro_*, as CSV or in a database.",
    "standards": "Released items as HSDS 3 and CPSV-AP 3, and such documents into the import.",
}
"""Command → the first paragraph of its help, for the list of commands."""


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

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List the commands by their summaries, without importing them."""
        on_demand = self.commands
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in SUMMARIES.items()}
        try:
            super().format_help(ctx, formatter)
        finally:
            self.commands = on_demand

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
