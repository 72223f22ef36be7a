"""`conformance`: grade programs that read a county's events."""

from typing import Annotated

import typer

from contracts.conformance import __main__ as kit


def conformance(
    adapter: Annotated[
        list[str] | None, typer.Argument(help='Commands of adapters, such as "node adapter.mjs".', metavar="ADAPTER…")
    ] = None,
    case: Annotated[list[str] | None, typer.Option(help="Only this case; repeatable.")] = None,
    level: Annotated[int | None, typer.Option(help="Only cases of this level.", min=1, max=2)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the grades as JSON.")] = False,
    list_cases: Annotated[bool, typer.Option("--list", help="List the cases and end.")] = False,
) -> None:
    """Put every case of the conformance kit to each ADAPTER and say which level it keeps.

    Exit 1: an adapter does not keep the level that it claims. How to write one: contracts/conformance/README.md.
    """
    options = [f"--case={name}" for name in case or ()]
    options += [f"--level={level}"] if level else []
    options += [name for name, given in (("--json", as_json), ("--list", list_cases)) if given]
    raise typer.Exit(kit.main([*options, "--", *(adapter or [])]))
