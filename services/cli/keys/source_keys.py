"""`tongyuan keys` for the sources' signing keys: rotate, revoke, sign again; and what `doctor` reports about them."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from contracts.envelope.publication import Lane, Release
from contracts.envelope.statement import SourceKey
from contracts.topology import AUDITOR, SOURCES
from services.cli import terminal
from services.cli.terminal import USAGE, DataDir, Json_, RunningCounty, fail, plain, print_json, say, words
from shared.audit.recording import AuditEntry, record
from shared.config import Settings, SettingsError
from shared.errors import TongyuanError
from shared.feeds.outbox import sign_again
from shared.signing import ring
from shared.tokens.person import COMMAND_LINE
from shared.transparency.checkpoint import NoteKey
from shared.transparency.source_signature import NEXT_POSITION, key_name, release_problem

LANE_SEQUENCE = re.compile(r"(live|backfill)=([1-9]\d{0,15})")
MOST_SHOWN = 50
HELP = "(docs/operating/keys.md)"


def rotate(config: Settings, source: str, overlap: float, *, as_json: bool) -> None:
    """Put a new key of a source in use, on the machine where it is kept."""
    name, now = key_name(config.log_origin, _require_source(source)), datetime.now(UTC)
    try:
        keys = ring.rotate(config.source_keys_of(source), timedelta(days=overlap), now)
    except (TongyuanError, OSError) as error:
        fail(words(error))
    old, new = (NoteKey(name, key) for key in keys)
    until = now + timedelta(days=overlap)
    if as_json:
        print_json({"source": source, "old": old.vkey, "new": new.vkey, "old_signs_until": until.isoformat()})
        return
    say(f"[green]✓[/] {plain(new.vkey)} signs the releases of {source} from now on")
    say(f"  {plain(old.key_id.hex())} also signs until {until:%Y-%m-%d %H:%M} UTC; the ledger lists the new key")


def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of a source's key, as shown by `keys list`.")],
    since: Annotated[
        list[str] | None,
        typer.Option(
            "--from", help="LANE=SEQUENCE, such as live=120: the first release that may be signed by the thief."
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Revoke a stolen key of a source, on the machine where the ledger's database is reached.

    From now on, a signature by this key alone does not count, nor from the sequences on that `--from` names. Recorded
    entries remain, and `verify`, the auditor and `doctor` list them.
    """
    from services.ledger.sources import revocation  # noqa: PLC0415  # likewise
    from services.ledger.sources.keys import SourceKeys  # noqa: PLC0415  # likewise
    from services.runtime import county_birth  # noqa: PLC0415  # heavy; other commands need not wait for it
    from services.runtime.wiring import Wiring  # noqa: PLC0415  # likewise

    config = terminal.settings(data_dir=data_dir)
    sequences = _parse_starts(since or [])
    try:
        with closing(Wiring(config)) as wiring:
            county_birth.require_own_ledger(wiring)
            db = wiring.database("ledger")
            key = revocation.revoke(db, key_id, sequences)
            listed = SourceKeys(db, config.log_origin, key.source).listed()
            found = [
                {"position": entry.position, "key": entry.key, "version": entry.version, "problem": problem}
                for entry, problem in revocation.flagged(db, key.source, listed, config.log_origin)
            ]
    except SettingsError as error:
        fail(str(error), USAGE)
    except TongyuanError as error:
        fail(str(error))
    if as_json:
        print_json({**key.model_dump(mode="json"), "flagged": found})
    else:
        _print_revocation(key, found)


def sign(
    source: Annotated[str, typer.Option("--source", help="Source of the releases: catalog, guides or applications.")],
    first: Annotated[str, typer.Option("--from", help="LANE=SEQUENCE: the first release to sign again.")],
    data_dir: DataDir = None,
) -> None:
    """Sign releases again with today's keys, where the source's key and database are.

    For releases that the ledger does not record because their key was lost or revoked. Check each release first:
    signing it again confirms it as the source's.
    """
    from services.runtime.wiring import Wiring  # noqa: PLC0415  # heavy; other commands need not wait for it

    config = terminal.settings(data_dir=data_dir)
    (place,) = _parse_starts([first]).items()
    try:
        with closing(Wiring(config)) as wiring:
            wiring.require_keys(_require_source(source))
            with wiring.database(source).write() as session:
                count = sign_again(session, Lane(place[0]), place[1])
                told = {"lane": place[0], "from": place[1], "releases": count}
                record(session, COMMAND_LINE, AuditEntry("sign_again", f"source:{source}", None, told))
    except TongyuanError as error:
        fail(str(error))
    say(
        f"[green]✓[/] {count} releases of {source}/{place[0]} are signed with current keys; the ledger records them now"
    )


def problems(running: RunningCounty) -> Iterator[str]:
    """Yield sources that do not sign, releases that wait for a signature, and entries whose key was revoked."""
    try:
        listed = [SourceKey.model_validate(key) for key in running.get("ledger", "keys").get("source_keys", [])]
        marks = {(one["source"], one["lane"]): one["sequence"] for one in running.get("ledger", "sources")["sources"]}
    except TongyuanError:
        return
    for source in SOURCES:
        if not any(key.source == source and key.revoked_from is None for key in listed):
            yield f"the ledger lists no valid key of {source}: anybody can forge its releases {HELP}"
        try:
            for lane, head in running.get(source, "releases/heads").items():
                if head > marks.get((source, lane), 0):
                    yield from _unsigned_releases(running, source, lane, marks.get((source, lane), 0), listed)
        except TongyuanError:
            continue
    yield from _flagged_entries(running)


def _unsigned_releases(
    running: RunningCounty, source: str, lane: str, after: int, listed: list[SourceKey]
) -> Iterator[str]:
    """Yield why the next release of a lane is not recorded, if its signature is the reason."""
    found = running.get(source, "releases", lane=lane, after=after, limit=1)["releases"]
    for one in map(Release.model_validate, found):
        problem = release_problem(one, NEXT_POSITION, listed, running.config.log_origin)
        if problem is not None:
            yield f"{source}: {one.key} version {one.version} ({lane}={one.sequence}) is not recorded: {problem} {HELP}"


def _flagged_entries(running: RunningCounty) -> Iterator[str]:
    """Yield the ledger's entries whose signature does not count, as the auditor has found them."""
    try:
        found: list[dict[str, Any]] = running.get(AUDITOR, "findings", open=True, limit=1000)["findings"]
    except TongyuanError:
        return
    texts = [(one["key"], str(part.get("found"))) for one in found for part in one.get("differences") or []]
    told = sorted({f"ledger: {key}: {text} {HELP}" for key, text in texts if "its source" in text})
    yield from told[:MOST_SHOWN]
    if len(told) > MOST_SHOWN:
        yield f"ledger: {len(told) - MOST_SHOWN} more entries with an invalid signature: `tongyuan audit`"


def _print_revocation(key: SourceKey, found: list[dict[str, Any]]) -> None:
    say(f"[green]✓[/] {key.key_id} of {key.source} is revoked; the next signed head states it")
    for one in found[:MOST_SHOWN]:
        say(f"  [red]✗[/] position {one['position']}  {plain(one['key'])} version {one['version']}")
    if len(found) > MOST_SHOWN:
        say(f"  … and {len(found) - MOST_SHOWN} more; --json lists them")
    if found:
        say(f"  {len(found)} entries are signed only by revoked keys: check each one and release wrong ones again")
    else:
        say("  no recorded entry is signed only by a revoked key")


def _parse_starts(places: list[str]) -> dict[str, int]:
    found = {place: LANE_SEQUENCE.fullmatch(place) for place in places}
    for place, match in found.items():
        if match is None:
            fail(f"--from {place}: must be LANE=SEQUENCE, such as live=120 or backfill=7", USAGE)
    return {match[1]: int(match[2]) for match in found.values() if match is not None}


def _require_source(source: str) -> str:
    if source not in SOURCES:
        fail(f"--source {source}: must be one of {', '.join(SOURCES)}", USAGE)
    return source
