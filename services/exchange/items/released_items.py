"""What the county has released of its items, read from the ledger without a token, from a position on.

Without a token a version that is scheduled for later has no body: what is not released cannot leave by mistake.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from pydantic import ValidationError

from contracts.base import Json
from contracts.content.guides import Guide
from contracts.content.items import Item
from contracts.kinds import Kind, Op, kind_of
from services.exchange.items.item_rows import ReleasedItem
from services.exchange.services_over_http import Services
from shared.errors import Broken, NotFound, Refused
from shared.transparency.timeline import NEVER, Timed, in_force, shows

LEDGER = "ledger"
BATCH = 500
_KINDS = (Kind.ITEM, Kind.GUIDE)


@dataclass
class Changes:
    """Codes with an entry after the position asked for, in order of their first entry; `position`: the last one read.

    `cases`: `case_ref` of every case with an entry there.
    """

    position: int
    codes: list[str] = field(default_factory=list)
    cases: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Version:
    entry: Json
    timed: Timed


def changes_after(services: Services, position: int) -> Changes:
    """Read the ledger's entries after `position`, to its end. Raises `Refused` for a position that it has not."""
    found = Changes(position)
    codes: dict[str, None] = {}
    size = services.get_public(LEDGER, "entries", **{"from": max(position, 1), "limit": 1})["size"]
    if position > size:
        raise Refused(f"position {position} is after the ledger's end at {size}: start again with position 0")
    while found.position < size:
        answer = services.get_public(LEDGER, "entries", **{"from": found.position + 1, "limit": BATCH})
        if not answer["entries"]:
            raise Broken(f"the ledger has {size} entries and sends none after {found.position}")
        for entry in answer["entries"]:
            kind, name = kind_of(entry["key"]), entry["key"].partition(":")[2]
            if kind in _KINDS:
                codes[name] = None
            elif kind == Kind.APPLICATION:
                found.cases.add(name)
            found.position = entry["position"]
    found.codes = list(codes)
    return found


class ReleasedItems:
    """Reads items as they stand at `now`."""

    def __init__(self, services: Services, now: datetime) -> None:
        self._services, self._now = services, now
        self._completed = cache(self._act_recorded)

    def read(self, code: str) -> tuple[ReleasedItem | None, bool]:
        """Return what is released of an item, None if nothing was yet; and whether time alone will change it."""
        items, guides = self._versions(Kind.ITEM, code), self._versions(Kind.GUIDE, code)
        waits = any(self._is_to_come(one) for one in (*items, *guides))
        item = self._current(items)
        shown = item if item is not None and shows(item.timed, self._now) else None
        last = shown or self._last_release(items)
        if item is None or last is None:
            return None, waits
        guide = self._current(guides)
        guide_shown = guide if guide is not None and shows(guide.timed, self._now) else None
        version = item.timed.version + (guide.timed.version if guide else 0)
        try:
            body = Item.model_validate(self._body(last))
            guide_body = Guide.model_validate(self._body(guide_shown)) if guide_shown else None
        except ValidationError as error:
            raise Broken(
                f"{code}: a released body is not as the contract says ({error.error_count()} errors)"
            ) from None
        return ReleasedItem(body, guide_body, version, withdrawn=shown is None), waits

    def _current(self, versions: list[_Version]) -> _Version | None:
        counts = in_force([one.timed for one in versions], self._now)
        return next((one for one in versions if one.timed == counts), None)

    def _last_release(self, versions: list[_Version]) -> _Version | None:
        """The version that was shown last: the newest release that has begun."""
        begun = [one for one in versions if one.timed.op == Op.RELEASE and one.timed.starts <= self._now]
        return max(begun, key=lambda one: one.timed.version, default=None)

    def _is_to_come(self, one: _Version) -> bool:
        return one.timed.starts > self._now or (one.timed.ends is not None and one.timed.ends > self._now)

    def _versions(self, kind: Kind, code: str) -> list[_Version]:
        return [_Version(entry, self._timed(entry)) for entry in self._entries(f"{kind}:{code}")]

    def _timed(self, entry: Json) -> Timed:
        set_: str | None = entry.get("part_of")
        if set_ is None:
            return Timed.of_json(entry)
        completed = self._completed(set_)
        return Timed.of_json(entry).in_set(set_, {} if completed == NEVER else {set_: completed})

    def _act_recorded(self, key: str) -> datetime:
        entries = list(self._entries(key))
        return datetime.fromisoformat(entries[0]["recorded_at"]) if entries else NEVER

    def _entries(self, key: str) -> Iterator[Json]:
        after: int | None = 0
        while after is not None:
            try:
                answer = self._services.get_public(LEDGER, f"versions/{key}", after=after)
            except NotFound:
                return
            yield from answer["versions"]
            after = answer["next"]

    def _body(self, one: _Version) -> Json:
        entry: Json = self._services.get_public(LEDGER, f"entries/{one.entry['position']}")
        body: Json | None = entry.get("body")
        if body is None:
            why = entry.get("no_body", "without a reason")
            raise Refused(f"{entry['key']} version {entry['version']} has no body ({why}): repeat the command later")
        return body
