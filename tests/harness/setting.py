"""Releases sets in a `Pipeline` step by step, as the desk asks the sources to.

whole = SetOf(county, [item(1, "新")], [guide(1, "新")], at=now() + HOUR)
whole.prepare(); county.flow(); whole.complete(); county.flow()
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any

from contracts.base import Json, format_time
from contracts.content.guides import Guide
from contracts.content.items import Item
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, Pipeline, _revision

AUTHORISED = {"Authorization": f"Bearer {ADMIN}"}
_numbers = count(1)


class SetOf:
    """One set of items and guides. `ops`: what becomes of a member, by its key, if it is not released."""

    def __init__(
        self,
        county: Pipeline,
        items: Sequence[Item] = (),
        guides: Sequence[Guide] = (),
        *,
        at: datetime,
        ops: dict[str, Json] | None = None,
    ) -> None:
        self.county, self.at = county, at
        self.arbiter = "catalog" if items else "guides"
        self.key = f"act:{self.arbiter}-set-{next(_numbers)}"
        self.members: dict[str, list[Item] | list[Guide]] = {"catalog": list(items), "guides": list(guides)}
        self.ops = ops or {}
        self.recorded: list[Json] = []

    @property
    def sources(self) -> list[str]:
        """The sources that have members, the one that releases the act last."""
        return sorted((name for name, some in self.members.items() if some), key=lambda name: name == self.arbiter)

    def save(self) -> None:
        """Save the drafts of the members that are released."""
        for source, some in self.members.items():
            commands = self.county.catalog.save_item if source == "catalog" else self.county.guides.save_guide
            for one in some:
                if one.code not in self.ops:
                    revision = _revision(self.county.dbs[source], one.code)
                    commands(TESTER, one.code, one.model_dump(mode="json"), revision)

    def prepare(self, source: str | None = None) -> None:
        """Have the sources release their members."""
        for name in [source] if source else self.sources:
            members = [{"code": one.code, **self.ops.get(one.code, {})} for one in self.members[name]]
            asked = {"part_of": self.key, "effective_at": format_time(self.at), "members": members, "plans": "keep"}
            found = self.post(name, "prepare", asked)["members"]
            self.recorded = [one for one in self.recorded if one not in found] + found

    def complete(self) -> Any:
        """Have the act released."""
        members = [{name: one[name] for name in ("key", "version", "digest")} for one in self.recorded]
        asked = {"part_of": self.key, "effective_at": format_time(self.at), "members": members, "note": "同时调整"}
        return self.post(self.arbiter, "complete", asked)

    def cancel(self, source: str) -> Any:
        """Have one source take its members back."""
        return self.post(source, "cancel", {"part_of": self.key, "codes": [one.code for one in self.members[source]]})

    def post(self, source: str, step: str, asked: Json) -> Any:
        """Ask a source. Raises AssertionError unless it agrees."""
        answer = self.try_post(source, step, asked)
        assert answer.is_success, answer.text
        return answer.json()

    def try_post(self, source: str, step: str, asked: Json) -> Any:
        """Ask a source, and return its answer."""
        return self.county.http.post(f"/{source}/v1/sets/{step}", json=asked, headers=AUTHORISED)
