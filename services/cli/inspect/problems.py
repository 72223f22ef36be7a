"""What `doctor` finds wrong with a county: its services, its signer, its ledger, its broker, its clocks, its files."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from contracts.kinds import is_public, kind_of
from contracts.topology import SOURCES
from services.cli.inspect.part_state import OLD_HEAD_SECONDS
from services.cli.inspect.status import age, identity_of, titled
from services.cli.terminal import RunningCounty
from services.operations.backups.statements import TABLES_OF_SQLITE
from services.operations.backups.store_copies import asking_sqlite
from services.runtime.manifests import SERVICES
from shared.county.identity import Identity
from shared.database.driver_errors import as_ours
from shared.errors import DamagedStore, TongyuanError, UpstreamDown
from shared.publishing.recording_status import heard, unsigned
from shared.security.data_folder import REMEDY, loose
from shared.security.tls import reason

LEAST_FREE_MIB = 500
MOST_DAMAGES = 20
CLOCKS_SECONDS, UNSENT_SECONDS = 5, 60
UNSENT = "tongyuan_outbox_oldest_age_seconds"
SECRETS = ("admin-token", "service-token", "ledger-key.pem", *(f"{source}-key.pem" for source in SOURCES))


def of_services(running: RunningCounty, belongs: Identity | None) -> Iterator[str]:
    """Yield services that do not answer, are not ready, or belong to another county than the ledger."""
    for service in SERVICES:
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


def of_token(running: RunningCounty) -> Iterator[str]:
    """Yield why the operator's token is refused: without it most of what `doctor` checks cannot be read."""
    for service in (*SOURCES, "ledger"):
        try:
            running.get(service, "sources" if service == "ledger" else "releases/heads")
        except UpstreamDown:
            continue  # `of_services` reports it
        except TongyuanError as error:
            yield f"most could not be checked: {error}"
            return


def of_signer(running: RunningCounty) -> Iterator[str]:
    """Yield why the ledger does not sign. A head that is only old is reported with the clocks."""
    try:
        recording = heard(running.get)
    except TongyuanError as error:
        yield f"the signer cannot be reached: {error}"
        return
    found = unsigned(recording, datetime.now(UTC))
    if found is not None and (recording.refuses is not None or recording.signed_at is None):
        yield f"nothing can be released: {found} (docs/operating/keys.md)"


def of_damage(running: RunningCounty) -> Iterator[str]:
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


def of_broker(running: RunningCounty) -> Iterator[str]:
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


def of_clocks(running: RunningCounty) -> Iterator[str]:
    """Compare the head's time, which is the sequencer's clock, with this machine's clock."""
    try:
        old = age(running.get("ledger", "head"))
    except TongyuanError:
        return
    if old is not None and old < -CLOCKS_SECONDS:
        yield f"the ledger's newest head is {-old:.0f} s in the future: compare the machines' clocks"
    elif old is not None and old > OLD_HEAD_SECONDS:
        yield f"the ledger's newest head is {old:.0f} s old: check that the sequencer runs and the clocks agree"


def of_folder(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the data folder: too little space, files that others can read."""
    if not folder.exists():
        return
    free = shutil.disk_usage(folder).free // 2**20
    if free < LEAST_FREE_MIB:
        yield (
            f"only {free} MiB are free under {folder}; {LEAST_FREE_MIB} are the least: free space on that disk, "
            "or move the folder to a larger one (TONGYUAN_DATA_DIR)"
        )
    yield from of_rights(folder)


def of_stores(folder: Path) -> Iterator[str]:
    """Yield SQLite files of an embedded county that cannot be read. Reads the list of tables only, not every page."""
    for service in SERVICES:
        file = folder / f"{service}.db"
        try:
            if not file.exists():
                continue
            with as_ours(f"sqlite:///{file}"), asking_sqlite(file) as ask:
                list(ask(TABLES_OF_SQLITE))
        except DamagedStore as error:
            yield str(error)
        except (TongyuanError, OSError):
            continue  # no right to read it, or busy: nothing is known about its content


def of_rights(folder: Path) -> Iterator[str]:
    """Yield files that others can read: secrets by name, and the number of the rest."""
    found = list(loose(folder))
    for file in found:
        if file.name in SECRETS:
            yield f"{file} can be read by others: chmod 600"
    if rest := [path for path in found if path.name not in SECRETS]:
        yield f"{len(rest)} files or folders of {folder} can be read by others, such as {rest[0].name}: {REMEDY}"
