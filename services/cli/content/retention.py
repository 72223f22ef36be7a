"""`erase` and `compact`: erase bodies of cases as the law requires; everything that proofs need is kept."""

import getpass
import time
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from services.cli.terminal import USAGE, BaseUrl, DataDir, Json_, RunningCounty, county, fail, print_json, say
from shared.errors import Refused
from shared.publishing.retention import Compaction, Erasure

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5
By = Annotated[str, typer.Option("--by", help="Person who decided it; visible to services only.")]


def erase(
    key: Annotated[str, typer.Argument(help="application:<case_ref>")],
    reason: Annotated[str, typer.Option("--reason", help="Legal reason; it is public.")],
    by: By = "",
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Withdraw a case permanently and erase all its bodies at the source and in the ledger."""
    wanted = _validated(Erasure, key=key, reason=reason, by=by or getpass.getuser())
    with county(base_url, data_dir) as running:
        at_source = _erase_with_retry(running, "applications", wanted)
        in_ledger = _erase_with_retry(running, "ledger", wanted)
    if as_json:
        print_json({"source": at_source["erased"], "ledger": in_ledger["erased"], "version": at_source["version"]})
    else:
        say(f"[green]✓[/] erased: {at_source['erased']} bodies at the source, {in_ledger['erased']} in the ledger")
        say("  older backups still contain them: see docs/operating/retention.md")


def compact(
    older_than_days: Annotated[
        int, typer.Option("--older-than-days", help="Only versions released longer ago than this.")
    ],
    by: By = "",
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Erase the bodies of superseded versions of cases. The versions in force and the version history are kept."""
    wanted = _validated(Compaction, older_than_days=older_than_days, by=by or getpass.getuser())
    with county(base_url, data_dir) as running:
        erased = {name: running.post(name, "compactions", wanted)["erased"] for name in ("applications", "ledger")}
    if as_json:
        print_json({"source": erased["applications"], "ledger": erased["ledger"]})
    else:
        say(f"[green]✓[/] erased: {erased['applications']} bodies at the source, {erased['ledger']} in the ledger")


def _validated(shape: type[Erasure] | type[Compaction], **fields: Any) -> dict[str, Any]:
    try:
        return shape.model_validate(fields).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        fail(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", USAGE)


def _erase_with_retry(running: RunningCounty, service: str, wanted: dict[str, Any]) -> Any:
    """Repeat the request while the service answers 409: the ledger gets the withdrawal after the source."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return running.post(service, "erasures", wanted)
        except Refused as error:
            if "answered 409" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)
