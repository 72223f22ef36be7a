"""An entry of the ledger as it comes: over HTTP, or as `data` of an event."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tongyuan_client.errors import Refused

KINDS = frozenset({"item", "guide", "application", "act"})
OPS = frozenset({"release", "withdraw"})
ACT = "act"
_CONTENT = ("key", "kind", "version", "op", "region", "effective_at", "expires_at", "body")
_LEAF = (
    "position",
    "key",
    "kind",
    "version",
    "op",
    "region",
    "effective_at",
    "expires_at",
    "released_at",
    "recorded_at",
    "digest",
)
_TEXTS = ("key", "kind", "op", "region", "released_at", "recorded_at", "digest")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `raw` is the JSON object as it came; unknown members stay in it."""

    raw: dict[str, Any]
    position: int
    key: str
    kind: str
    version: int
    op: str
    body: dict[str, Any] | None
    digest: str
    no_body: str | None
    part_of: str | None
    effective_at: datetime | None
    withheld_until: datetime | None

    @property
    def known(self) -> bool:
        """Whether this client knows kind and op, and why a body is missing."""
        reasons = {"withdrawn"} if self.op == "withdraw" else {"erased", "withheld"}
        return self.kind in KINDS and self.op in OPS and (self.body is not None or self.no_body in reasons)

    @property
    def starts(self) -> datetime | None:
        """Return from when it counts or is readable, the later of both; None: at once."""
        return max((time for time in (self.effective_at, self.withheld_until) if time), default=None)

    def content(self) -> dict[str, Any]:
        """Return what `digest` covers."""
        names = (*_CONTENT, "part_of") if self.part_of is not None else _CONTENT
        return {name: self.raw.get(name) for name in names}

    def leaf(self) -> dict[str, Any]:
        """Return what the Merkle leaf covers."""
        return {name: self.raw.get(name) for name in _LEAF}


def entry_of(raw: Any) -> Entry:
    """Read an entry. Raises `Refused` for what is none; unknown members are left alone."""
    if not isinstance(raw, dict):
        raise Refused("malformed", "an entry is an object")
    for name in ("position", "version"):
        if type(raw.get(name)) is not int or raw[name] < 1:
            raise Refused("malformed", f"{name} is not a number from 1")
    for name in _TEXTS:
        if not isinstance(raw.get(name), str) or not raw[name]:
            raise Refused("malformed", f"{name} is not a text")
    key, kind, body = raw["key"], raw["kind"], raw.get("body")
    if key.partition(":")[0] != kind or not _DIGEST.fullmatch(raw["digest"]):
        raise Refused("malformed", "key, kind or digest is not in its form")
    if not (body is None or isinstance(body, dict)):
        raise Refused("malformed", "a body is an object or null")
    if raw["op"] == "withdraw" and body is not None:
        raise Refused("malformed", "a withdrawal has no body")
    reason = "withdrawn" if raw["op"] == "withdraw" else raw.get("no_body")
    return Entry(
        raw, raw["position"], key, kind, raw["version"], raw["op"], body, raw["digest"], reason,
        raw.get("part_of"), time_of(raw.get("effective_at")), time_of(raw.get("withheld_until")),
    )  # fmt: skip


def time_of(text: Any) -> datetime | None:
    """Read a time with its offset. Raises `Refused`."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        moment = datetime.min  # noqa: DTZ901  # refused below: it has no offset
    if moment.tzinfo is None:
        raise Refused("malformed", f"{text!r} is not a time with an offset")
    return moment.astimezone(UTC)
