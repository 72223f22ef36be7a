"""`doctor`: check what this county needs."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import typer
from prometheus_client.parser import text_string_to_metric_families

from contracts.kinds import is_public, kind_of
from contracts.topology import AUDITOR, CHANNELS, SOURCES
from services.cli.inspect import certificates, unknown_facts
from services.cli.inspect.status import OLD_HEAD_SECONDS, age, county_of, identity_of, titled
from services.cli.keys import source_keys
from services.cli.terminal import BaseUrl, DataDir, Json_, RunningCounty, county, plain, print_json, say
from services.operations.unstated_facts import StatedFacts, stated_facts
from shared.county.identity import Identity
from shared.errors import TongyuanError
from shared.publishing.recording_status import heard, unsigned
from shared.security.data_folder import REMEDY, loose
from shared.security.tls import reason

LEAST_FREE_MIB = 500
MOST_DAMAGES = 20
CLOCKS_SECONDS, UNSENT_SECONDS = 5, 60
UNSENT = "tongyuan_outbox_oldest_age_seconds"
SECRETS = ("admin-token", "service-token", "ledger-key.pem", *(f"{source}-key.pem" for source in SOURCES))


def doctor(base_url: BaseUrl = None, data_dir: DataDir = None, as_json: Json_ = False) -> None:
    """Check what this county needs: services, signer, clocks, disk, file rights, certificates. Exit 1 for a problem.

    Also lists facts that nobody has stated, and facts that an earlier import may have filled in; these are no problems.
    """
    with county(base_url, data_dir) as running:
        belongs = county_of(running)
        problems = [
            *_services_problems(running, belongs),
            *_signer_problems(running),
            *_damage_problems(running),
            *_broker_problems(running),
            *_clock_problems(running),
            *_folder_problems(running.config.data_dir),
            *certificates.problems(running),
            *source_keys.problems(running),
        ]
        stated = _stated(running)
    if as_json:
        print_json({"county": belongs and belongs.as_json(), "problems": problems, **stated.as_json()})
    else:
        say(plain(titled(belongs)))
        for problem in problems:
            say(f"[red]✗[/] {plain(problem)}")
        for note in unknown_facts.of_county(stated.unknown, stated.suspect):
            say(f"[yellow]?[/] {plain(note)}")
        if not problems:
            say("[green]✓ nothing wrong found[/]")
    raise typer.Exit(1 if problems else 0)


def _stated(running: RunningCounty) -> StatedFacts:
    """Return the stated facts; none while a source does not answer, which is reported as a problem."""
    try:
        return stated_facts(running)
    except TongyuanError:
        return StatedFacts()


def _services_problems(running: RunningCounty, belongs: Identity | None) -> Iterator[str]:
    """Yield services that do not answer, are not ready, or belong to another county than the ledger."""
    for service in (*SOURCES, "ledger", *CHANNELS, AUDITOR):
        try:
            answer = running.http(service).get(f"/{service}/readyz")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            yield f"{service} does not answer: {reason(error)}"
            continue
        if not answer.is_success:
            yield f"{service} is not ready: {answer.status_code}"
            continue
        its = identity_of(answer)
        if belongs is not None and its != belongs:
            other = f"{service} belongs to {titled(its)}, but the ledger to {belongs.title}"
            yield f"{other}: the address or the store of {service} is wrong"


def _signer_problems(running: RunningCounty) -> Iterator[str]:
    """Yield why the ledger does not sign. A head that is only old is reported with the clocks."""
    try:
        recording = heard(running.get)
    except TongyuanError as error:
        yield f"the signer cannot be reached: {error}"
        return
    found = unsigned(recording, datetime.now(UTC))
    if found is not None and (recording.refuses is not None or recording.signed_at is None):
        yield f"nothing can be released: {found} (docs/operating/keys.md)"


def _damage_problems(running: RunningCounty) -> Iterator[str]:
    """Yield unrepaired damage in the ledger's entries. A ledger of an earlier version does not report any."""
    try:
        damaged = running.get("ledger", "scrub")["damaged"]
    except TongyuanError:
        return
    for one in damaged[:MOST_DAMAGES]:
        kind = kind_of(one["key"])
        key = one["key"] if is_public(kind) else f"{kind}:…" if kind else "the tree"
        what = f"{one['part']} of entry {one['position']} ({key}): {one['detail']}"
        why = f"; {one['problem']}" if one["problem"] else ""
        yield f"the ledger is damaged: {what}{why} (docs/operating/damage.md)"
    if len(damaged) > MOST_DAMAGES:
        yield f"the ledger is damaged in {len(damaged) - MOST_DAMAGES} more places"


def _broker_problems(running: RunningCounty) -> Iterator[str]:
    """Yield services whose messages the broker does not confirm.

    `status` may be good, since receivers also reconcile.
    """
    for service in (*SOURCES, "ledger"):
        try:
            answer = running.http(service).get(f"/{service}/metrics")
        except (httpx.HTTPError, httpx.InvalidURL):
            continue
        families = text_string_to_metric_families(answer.text) if answer.is_success else ()
        samples = [sample for family in families if family.name == UNSENT for sample in family.samples]
        age = max((one.value for one in samples if one.labels["service"] == service), default=0)
        if age > UNSENT_SECONDS:
            yield f"{service}: the broker has not confirmed messages for {age:.0f} s (at-three-in-the-morning.md)"


def _clock_problems(running: RunningCounty) -> Iterator[str]:
    """Compare the head's time, which is the sequencer's clock, with this machine's clock."""
    try:
        old = age(running.get("ledger", "head"))
    except TongyuanError:
        return
    if old is not None and old < -CLOCKS_SECONDS:
        yield f"the ledger's newest head is {-old:.0f} s in the future: compare the machines' clocks"
    elif old is not None and old > OLD_HEAD_SECONDS:
        yield f"the ledger's newest head is {old:.0f} s old: check that the sequencer runs and the clocks agree"


def _folder_problems(folder: Path) -> Iterator[str]:
    if not folder.exists():
        return
    free = shutil.disk_usage(folder).free // 2**20
    if free < LEAST_FREE_MIB:
        yield f"only {free} MiB are free under {folder}"
    yield from _open_to_others(folder)


def _open_to_others(folder: Path) -> Iterator[str]:
    """Yield files that others can read: secrets by name, and the number of the rest."""
    found = list(loose(folder))
    for file in found:
        if file.name in SECRETS:
            yield f"{file} can be read by others: chmod 600"
    if rest := [path for path in found if path.name not in SECRETS]:
        yield f"{len(rest)} files or folders of {folder} can be read by others, such as {rest[0].name}: {REMEDY}"
