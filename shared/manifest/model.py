"""The model of manifests.

`services.runtime.manifests` collects them, `services.deployment` generates files from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.manifest.settings import EVERY_HTTP, EVERY_PROCESS, EVERY_WORKER
from shared.tokens.minting import LIFETIME_SECONDS
from shared.tokens.rights import Right
from shared.web.body_sizes import BodySize

HTTP_MEMORY, WORKER_MEMORY = "400m", "200m"
WORKER_PORT = 9100


class Role(StrEnum):
    """What a service is in the county. Services are listed in the order of their roles."""

    SOURCE = "source"
    LEDGER = "ledger"
    CHANNEL = "channel"
    AUDITOR = "auditor"
    DESK = "desk"
    SUBSCRIPTIONS = "subscriptions"


@dataclass(frozen=True)
class Dependency:
    """HTTP of another service with these rights; without rights, only what everybody may read.

    `callee`: a service, or every service with a role, since services do not know one another.
    """

    callee: str
    rights: frozenset[Right] = frozenset()


@dataclass(frozen=True)
class Volume:
    """A folder that outlives the process. `settings`: setting → file in it, empty for the folder itself.

    `host`: the variable of `.env` that may name a folder of this machine, which is then mounted in the volume's place.
    """

    name: str
    variable: str
    place: str
    settings: Mapping[str, str]
    writable: bool = False
    host: str = ""


class KeyUse(StrEnum):
    """What a private key does."""

    RELEASES = "signs releases"
    HEADS = "signs heads"
    COSIGNATURES = "cosigns heads"
    TOKENS = "signs tokens for other services"
    PERSONAL_DATA = "seals personal data"
    SECOND_FACTORS = "seals second factors of staff"
    WEBHOOKS = "signs webhooks"


@dataclass(frozen=True)
class Key:
    """A private key that a process holds. `setting` is the key itself, or names its file or the folder of its file.

    `volume`: where the file is. Without one an operator may name a file, and the process runs without the key.
    """

    setting: str
    use: KeyUse
    volume: Volume | None = None


CALLER_KEY = Key("caller_key", KeyUse.TOKENS)


@dataclass(frozen=True)
class Process:
    """One process. It gets only what is stated here; a secret that it gets besides stops its start.

    `published`: the port of this machine at which its HTTP answers; None for a worker, which has only metrics.
    `keys`: private keys, without the one for its tokens, which follows from `calls`.
    `secrets`: other settings that only some processes may hold, beside the accounts at database and broker.
    `folders`: of files that are not keys.
    `settings`: what it reads beside `shared.manifest.settings`; `stated`: likewise, and `.env` sets it; `preset`:
    likewise, with its value where `.env` sets none.
    """

    name: str
    published: int | None = None
    calls: tuple[Dependency, ...] = ()
    broker: bool = True
    keys: tuple[Key, ...] = ()
    secrets: tuple[str, ...] = ()
    folders: tuple[Volume, ...] = ()
    settings: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()
    preset: Mapping[str, str] = field(default_factory=dict)
    memory: str = HTTP_MEMORY
    serves_without_broker: bool = False
    for_people: bool = False
    """Whether its tokens may name the person for whom it acts."""
    about: str = ""
    outside: str = ""
    """What it calls outside the county, if anything: the name that the chart's values have for the addresses."""

    @property
    def service(self) -> str:
        """The service that it belongs to."""
        return self.name.removesuffix("-worker")

    @property
    def is_worker(self) -> bool:
        """Whether it has queues and timers, and no HTTP except metrics."""
        return self.published is None

    @property
    def waits_for_broker(self) -> bool:
        """Whether it can do nothing before exchanges and queues are declared.

        A process with readers must not wait for that.
        """
        return self.broker and not self.serves_without_broker

    @property
    def signs(self) -> bool:
        """Whether it sends tokens of its own to any service."""
        return any(call.rights for call in self.calls)

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """The folders that outlive it: of its keys, and of its files."""
        return (*(key.volume for key in self.keys if key.volume), *self.folders)

    @property
    def held_keys(self) -> tuple[Key, ...]:
        """Every private key that it holds."""
        return (*self.keys, CALLER_KEY) if self.signs else self.keys

    @property
    def reads(self) -> frozenset[str]:
        """Every setting that it reads."""
        found = {*EVERY_PROCESS, *(EVERY_WORKER if self.is_worker else EVERY_HTTP), f"{self.service}_database_url"}
        found |= {*self.settings, *self.stated, *self.preset, *self.secrets, *(key.setting for key in self.held_keys)}
        found |= {setting for folder in self.folders for setting in folder.settings}
        if self.broker:
            found.add("amqp_url")
        if self.calls:
            found |= {"base_url", *(f"{call.callee}_url" for call in self.calls)}
        return frozenset(found)


@dataclass(frozen=True)
class Account:
    """An account at the broker: exchanges it may write to, queues it may read from.

    `topics`: exchange → pattern of the routing keys that it may write there. Only the topology job may configure.
    """

    name: str
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    topics: Mapping[str, str] = field(default_factory=dict)
    everything: bool = False


@dataclass(frozen=True)
class Outsider:
    """A caller that is not a process of the county: an operator, or a hall's queue system.

    `seconds`: longest lifetime of its tokens.
    """

    name: str
    calls: tuple[Dependency, ...]
    seconds: int = LIFETIME_SECONDS


@dataclass(frozen=True)
class Manifest:
    """One service. In the database it has a schema and an account of its name."""

    service: str
    role: Role
    processes: tuple[Process, ...]
    account: Account | None = None
    other_accounts: tuple[Account, ...] = ()
    outsiders: tuple[Outsider, ...] = ()
    editors: bool = False
    """Whether editors write here, with the admin token."""
    migrates_with: tuple[Volume, ...] = ()
    """Volumes that the job `migrate` needs for this service, beside the database."""
    bodies: tuple[BodySize, ...] = ()
    """Requests whose bodies may be larger than those of all others."""
    title: tuple[str, str] | None = None
    """Of a channel with pages: what it is, in Chinese and in English."""


def worker(
    name: str,
    *calls: Dependency,
    keys: tuple[Key, ...] = (),
    folders: tuple[Volume, ...] = (),
    settings: tuple[str, ...] = (),
    stated: tuple[str, ...] = (),
    about: str = "",
) -> Process:
    """Return the process `<service>-worker`."""
    return Process(
        f"{name}-worker",
        calls=calls,
        keys=keys,
        folders=folders,
        settings=settings,
        stated=stated,
        memory=WORKER_MEMORY,
        about=about,
    )
