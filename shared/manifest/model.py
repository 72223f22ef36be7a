"""The model of manifests.

`services.runtime.manifests` collects them, `services.deployment` generates files from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.tokens.minting import LIFETIME_SECONDS
from shared.tokens.rights import Right

HTTP_MEMORY, WORKER_MEMORY = "400m", "200m"
WORKER_PORT = 9100


class Role(StrEnum):
    """What a service is in the county. Services are listed in the order of their roles."""

    SOURCE = "source"
    LEDGER = "ledger"
    CHANNEL = "channel"
    AUDITOR = "auditor"


@dataclass(frozen=True)
class Dependency:
    """HTTP of another service with these rights; without rights, only what everybody may read.

    `callee`: a service, or every service with a role, since services do not know one another.
    """

    callee: str
    rights: frozenset[Right] = frozenset()


@dataclass(frozen=True)
class Volume:
    """A folder that outlives the process. `settings`: setting → file in it, empty for the folder itself."""

    name: str
    variable: str
    place: str
    settings: Mapping[str, str]
    writable: bool = False


@dataclass(frozen=True)
class Process:
    """One process. It gets only what is stated here; a secret that it gets besides stops its start.

    `published`: the port of this machine at which its HTTP answers; None for a worker, which has only metrics.
    `secrets`: settings beside database, broker and caller's key that only some processes may hold.
    `stated`: settings without secrets that an operator may set for it.
    """

    name: str
    published: int | None = None
    calls: tuple[Dependency, ...] = ()
    broker: bool = True
    secrets: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()
    volumes: tuple[Volume, ...] = ()
    memory: str = HTTP_MEMORY
    serves_without_broker: bool = False
    about: str = ""

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
    title: tuple[str, str] | None = None
    """Of a channel with pages: what it is, in Chinese and in English."""


def worker(
    name: str, *calls: Dependency, volumes: tuple[Volume, ...] = (), stated: tuple[str, ...] = (), about: str = ""
) -> Process:
    """Return the process `<service>-worker`."""
    return Process(f"{name}-worker", calls=calls, volumes=volumes, stated=stated, memory=WORKER_MEMORY, about=about)
