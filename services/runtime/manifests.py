"""The manifests of all services: which process may call which service, and with which accounts. The only such list.

A service is a folder with a `manifest.py`: in services/, or for a channel in services/channels/. Nothing else names it.
Processes take their permissions from here; `services.deployment` makes compose file, accounts and environments from it;
tests check that what is not listed is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

from contracts.topology import CONSOLE, FEEDBACK_EXCHANGE, SUBSCRIPTIONS, Topology
from shared.config import Settings
from shared.errors import SettingsError
from shared.manifest.model import Account, Dependency, Manifest, Outsider, Process, Role
from shared.manifest.settings import KEYS, OF_OPERATORS
from shared.tokens.checking import Callers, Permission
from shared.tokens.keys import public_keys
from shared.tokens.rights import EVERY, Right

FOLDER = Path(__file__).parents[1]


@cache
def manifests() -> Mapping[str, Manifest]:
    """Return the manifest of each service: in the order of roles, then of the ports on this machine."""
    found = sorted(_found(), key=_place)
    by_role = {role: [one.service for one in found if one.role == role] for role in Role}
    return {one.service: _resolved(one, by_role) for one in found}


def _found() -> Iterator[Manifest]:
    for file in (*FOLDER.glob("*/manifest.py"), *FOLDER.glob("channels/*/manifest.py")):
        module = ".".join(file.relative_to(FOLDER).with_suffix("").parts)
        yield import_module(f"services.{module}").MANIFEST


def _place(manifest: Manifest) -> tuple[int, list[int]]:
    return list(Role).index(manifest.role), [one.published for one in manifest.processes if one.published]


def _resolved(manifest: Manifest, by_role: Mapping[Role, list[str]]) -> Manifest:
    """Return the manifest with each call of a role replaced by calls of the services that have it."""

    def calls(asked: tuple[Dependency, ...]) -> Iterator[Dependency]:
        for one in asked:
            callees = by_role[one.callee] if isinstance(one.callee, Role) else [one.callee]
            yield from (replace(one, callee=callee) for callee in callees)

    return replace(
        manifest,
        processes=tuple(replace(one, calls=tuple(calls(one.calls))) for one in manifest.processes),
        outsiders=tuple(replace(one, calls=tuple(calls(one.calls))) for one in manifest.outsiders),
    )


SERVICES = tuple(manifests())
CHANNELS = tuple(name for name, manifest in manifests().items() if manifest.role == Role.CHANNEL)

FOR_STRANGERS = ("ledger", *CHANNELS, SUBSCRIPTIONS)
"""Services whose endpoints anybody may call; the others are for editors and operators."""

AUDITED = (
    *(name for name, one in manifests().items() if one.role in (Role.SOURCE, Role.LEDGER, Role.CHANNEL)),
    CONSOLE,
    SUBSCRIPTIONS,
)
"""Services that keep an audit log. What the auditor and imports do is logged where it is done."""

FEEDBACK_CHANNELS = tuple(
    name
    for name in CHANNELS
    if (account := manifests()[name].account) is not None and FEEDBACK_EXCHANGE in account.writes
)
"""Channels where readers can report that a guide is wrong."""

OPERATOR = Outsider("operator", tuple(Dependency(service, EVERY) for service in SERVICES), seconds=3600)
"""The command line. Its key grants every right, so no process holds it."""

TOPOLOGY = Account("topology", everything=True)
"""The account of the job that declares the topology, and of `tongyuan dead`."""


def titles() -> Mapping[str, tuple[str, str]]:
    """Return the title of each channel, in Chinese and in English."""
    return {name: title for name in CHANNELS if (title := manifests()[name].title)}


def topology() -> Topology:
    """Return the broker's topology for the channels that there are."""
    return Topology(CHANNELS, FEEDBACK_CHANNELS)


def migrations(service: str) -> tuple[str, ...]:
    """Return the folders below services/ whose migrations make the service's tables."""
    if service not in CHANNELS:
        return (service,)
    own = f"channels/{service}"
    return ("channels", own) if (FOLDER / own / "migrations").is_dir() else ("channels",)


def processes() -> Iterator[Process]:
    """Yield every process: HTTP processes first, then workers."""
    for of_workers in (False, True):
        for manifest in manifests().values():
            yield from (process for process in manifest.processes if process.is_worker == of_workers)


def process(name: str) -> Process:
    """Return the process of that name."""
    return next(one for one in processes() if one.name == name)


def outsiders() -> tuple[Outsider, ...]:
    """Return the callers that are not processes of the county."""
    return (OPERATOR, *(one for manifest in manifests().values() for one in manifest.outsiders))


def accounts() -> tuple[Account, ...]:
    """Return every account at the broker."""
    own = [manifest.account for manifest in manifests().values() if manifest.account]
    others = [account for manifest in manifests().values() for account in manifest.other_accounts]
    return (TOPOLOGY, *own, *others)


def permissions(service: str) -> Mapping[str, Permission]:
    """Return the permission of each caller at this service, for those that have any right there."""
    found = {
        one.name: Permission(rights, for_people=one.for_people)
        for one in processes()
        if (rights := _rights(one.calls, service))
    }
    for outsider in outsiders():
        if rights := _rights(outsider.calls, service):
            found[outsider.name] = Permission(rights, outsider.seconds)
    return found


def callers(service: str, settings: Settings) -> Callers:
    """Return who may call the service, by the public keys in its settings."""
    return Callers(service, public_keys(settings.callers), permissions(service))


def held(name: str, settings: Settings) -> Settings:
    """Return the settings of a process without `service_token`, which no process uses any more.

    Raises `SettingsError` for a secret that the process may not hold: dropping it here would leave it in the
    environment, for anyone who takes over the process.
    """
    for secret in sorted(secrets() - may_hold(name)):
        if getattr(settings, secret, None) is not None:
            variable = f"TONGYUAN_{secret.upper()}"
            raise SettingsError(f"{variable}: {name} may not hold it; take it out of its environment, and restart")
    return settings.model_copy(update={"service_token": None})


def secrets() -> frozenset[str]:
    """Return the settings that not every process may hold: keys, the admin token, and databases of single services."""
    return frozenset({"admin_token", *KEYS, *OF_OPERATORS, *(f"{service}_database_url" for service in SERVICES)})


def may_hold(name: str) -> frozenset[str]:
    """Return the secrets that a process may hold."""
    asked = process(name)
    own = {f"{asked.service}_database_url", *asked.secrets, *(key.setting for key in asked.held_keys)}
    # The hash is there to recognise the token; an operator may give the token itself.
    return frozenset({*own, *(("admin_token",) if "admin_token_hash" in own else ())})


def _rights(calls: tuple[Dependency, ...], service: str) -> frozenset[Right]:
    return frozenset().union(*(call.rights for call in calls if call.callee == service))
