"""The register of kinds: what an entry of the ledger can be about, and how each kind is handled.

A new kind is one entry here and one body model. Nothing outside this module asks which kind something is in order to
decide how it is handled: it asks the register. A reader that meets an unregistered kind parks the entry and goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from re import fullmatch

from pydantic import BaseModel

from contracts.content.acts import ACT_NAME, Act
from contracts.content.cases import CaseProgress
from contracts.content.guides import Guide
from contracts.content.items import Item

KIND = r"[a-z]{1,16}"
OP = r"[a-z]{1,16}"
KEY = rf"{KIND}:[0-9A-Za-z_-]+"
_NAME = r"[0-9A-Za-z_-]+"


class Kind(StrEnum):
    """Names of the kinds that this version knows; a key begins with one."""

    ITEM = "item"
    GUIDE = "guide"
    APPLICATION = "application"
    ACT = "act"


class Op(StrEnum):
    """What a version does to its key. A newer version may know more."""

    RELEASE = "release"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class KindEntry:
    """One kind.

    `name_pattern`  pattern of what follows `<kind>:` in a key
    `source`        the service that owns its keys; None: any source, and the name begins with the source's name
    `public`        anybody may read the body and learn that a key exists
    `listed`        channels list its documents and send their changes
    `erasable`      law may have its bodies erased
    `words`         event word by op; `when` says when each is sent
    """

    name: str
    name_pattern: str
    body: type[BaseModel]
    source: str | None
    public: bool
    listed: bool
    erasable: bool
    title: str
    words: Mapping[str, str]
    when: Mapping[str, str]

    def event_type(self, op: str) -> str:
        """Return the type of the event that carries such a version. Raises `KeyError` for an op that the kind lacks."""
        return f"tongyuan.{self.name}.{self.words[op]}"

    def owner(self, key: str) -> str:
        """Return the service that owns a key of this kind."""
        return self.source or key.partition(":")[2].partition("-")[0]

    @property
    def key_pattern(self) -> str:
        """Pattern of its keys."""
        return f"^{self.name}:{self.name_pattern}$"

    def has(self, key: str) -> bool:
        """Whether the key matches the pattern of this kind."""
        return fullmatch(f"{self.name}:{self.name_pattern}", key) is not None


_ENTRIES = (
    KindEntry(
        name=Kind.ITEM,
        name_pattern=_NAME,
        body=Item,
        source="catalog",
        public=True,
        listed=True,
        erasable=False,
        title="事项",
        words={Op.RELEASE: "released", Op.WITHDRAW: "withdrawn"},
        when={
            Op.RELEASE: "An editor or an import released a service item, or a new version of it.",
            Op.WITHDRAW: "A service item was withdrawn or suspended; channels no longer show it.",
        },
    ),
    KindEntry(
        name=Kind.GUIDE,
        name_pattern=_NAME,
        body=Guide,
        source="guides",
        public=True,
        listed=True,
        erasable=False,
        title="办事指南",
        words={Op.RELEASE: "released", Op.WITHDRAW: "withdrawn"},
        when={
            Op.RELEASE: "An editor or an import released the guide of an item, or a new version of it.",
            Op.WITHDRAW: "A guide was withdrawn or suspended; channels no longer show it.",
        },
    ),
    KindEntry(
        name=Kind.APPLICATION,
        name_pattern=_NAME,
        body=CaseProgress,
        source="applications",
        public=False,
        listed=False,
        erasable=True,
        title="办理状态",
        words={Op.RELEASE: "advanced", Op.WITHDRAW: "withdrawn"},
        when={
            Op.RELEASE: "The public part of a case changed: stage, state, dates or badges.",
            Op.WITHDRAW: "A case was withdrawn; it can no longer be looked up, even with its query code.",
        },
    ),
    KindEntry(
        name=Kind.ACT,
        name_pattern=ACT_NAME,
        body=Act,
        source=None,
        public=True,
        listed=False,
        erasable=False,
        title="行为说明",
        words={Op.RELEASE: "released"},
        when={Op.RELEASE: "A source gave the reason for other releases, in the same transaction."},
    ),
)
KINDS: dict[str, KindEntry] = {entry.name: entry for entry in _ENTRIES}
"""The register, by name."""

PUBLIC = tuple(sorted(entry.name for entry in _ENTRIES if entry.public))
"""Names of the kinds whose keys and bodies anybody may read; their newest versions are in the state tree."""

LISTED = tuple(sorted(entry.name for entry in _ENTRIES if entry.listed))
"""Names of the kinds whose documents channels list."""

ERASABLE = tuple(sorted(entry.name for entry in _ENTRIES if entry.erasable))
"""Names of the kinds whose bodies law may have erased."""


CANARY = f"{Kind.APPLICATION}:canary"
"""Key that a county withdraws every minute although it was never released, to measure the way to the channels.

A withdrawal of a kind that is neither public nor listed is in no list, search, export or count (docs/adr/0038).
"""


def kind_of(key: str) -> str:
    """Return the kind in a key, registered or not."""
    return key.partition(":")[0]


def is_public(kind: str) -> bool:
    """Whether anybody may read its bodies; False for a kind that is not registered."""
    entry = KINDS.get(kind)
    return entry is not None and entry.public


def is_listed(kind: str) -> bool:
    """Whether channels list its documents."""
    entry = KINDS.get(kind)
    return entry is not None and entry.listed


def is_erasable(kind: str) -> bool:
    """Whether law may have its bodies erased."""
    entry = KINDS.get(kind)
    return entry is not None and entry.erasable


def unknown(kind: str, op: str) -> str | None:
    """Return why this version cannot handle such an entry; None when it can."""
    entry = KINDS.get(kind)
    if entry is None:
        return f"kind {kind} is not known to this version"
    if op not in entry.words:
        return f"op {op} of kind {kind} is not known to this version"
    return None


def misplaced(source: str, key: str, kind: str, op: str) -> str | None:
    """Return why `source` may not release such a version; None when it may."""
    reason = unknown(kind, op)
    if reason is not None:
        return reason
    entry = KINDS[kind]
    if not entry.has(key):
        return f"the key is not one of kind {kind}: {entry.key_pattern}"
    owner = entry.owner(key)
    return None if owner == source else f"keys of kind {kind} belong to {owner}, not to {source}"


def kinds_owned_by(source: str) -> tuple[str, ...]:
    """Return the names of the kinds that only `source` may release."""
    return tuple(entry.name for entry in _ENTRIES if entry.source == source)


def event_type(kind: str, op: str) -> str:
    """Return the type of the event that carries such a version.

    A store may hold versions that a newer program wrote. They are sent on with their own kind and op.
    """
    return f"tongyuan.{kind}.{op}" if unknown(kind, op) else KINDS[kind].event_type(op)


def is_event_type(name: str, kind: str, op: str) -> bool:
    """Whether an event of this type carries such a version.

    For an unregistered kind or op only the kind is compared.
    """
    if unknown(kind, op) is not None:
        return fullmatch(rf"tongyuan\.{kind}\.[a-z]+", name) is not None
    return name == KINDS[kind].event_type(op)
