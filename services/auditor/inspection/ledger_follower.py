"""Follow the ledger for the auditor: every entry and every head, and what is wrong with them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import ValidationError

from contracts.base import Json
from contracts.envelope.publication import Publication
from services.auditor import metrics
from services.auditor.inspection.expectation import Expectation
from services.auditor.model import Look, Observation, Projection, Verdict
from shared.errors import Broken, TongyuanError, UpstreamDown
from shared.feeds.upstream import get
from shared.transparency.checkpoint import verify_checkpoint
from shared.transparency.head_statement import read_statement

PAGE = 500
RUSH = 200
"""If the ledger grows by more entries between two looks at its size, an import is running."""

HEAD = "head"


class LedgerDown(UpstreamDown):
    """The ledger does not answer, or not with the expected content: nothing can be compared now."""


class LedgerReading:
    """The ledger over HTTP, with the service's token, because without one the bodies of cases are withheld."""

    def __init__(self, http: httpx.Client, sights: Mapping[str, Projection]) -> None:
        self._http, self._sights = http, sights
        self._problems: dict[str, str] = {}
        self._news: set[str] = set()
        self._size: int | None = None
        # How many entries were read before all of them had to be judged again.
        self._read_before = 0
        self.expectation = Expectation(sights)

    def news(self) -> set[str]:
        """Return the keys that have changed since the last call."""
        news, self._news = self._news, set()
        return news

    def in_a_rush(self) -> bool:
        """Return whether an import is running. Raises `LedgerDown`."""
        answer = self._get("entries", **{"from": self.expectation.log.size + 1, "limit": 1})
        before, self._size = self._size, int(answer["size"])
        return before is not None and self._size - before > RUSH

    def follow(self, wait: Callable[[], None], *, patient: bool = False) -> bool:
        """Read new entries; return whether the end was reached. Raises `LedgerDown`.

        `patient`: stop when the ledger grows faster than it is read, because an import has begun.
        """
        ends: list[int] = []
        if not self.expectation.log.origin:
            self._read_statement()
        while True:
            wait()
            size = self.expectation.log.size
            answer = self._get("entries", **{"from": size + 1, "limit": PAGE})
            known = max(size, self._read_before)
            if answer["size"] < known:
                self._start_over(known, answer["size"])
                continue
            ends.append(answer["size"])
            if patient and ends[-1] - ends[0] > RUSH:
                return False
            for entry in _publications(answer["entries"]):
                self._take(entry)
            size = self.expectation.log.size
            if size >= answer["size"] or not answer["entries"]:
                metrics.ledger_position.set(size)
                self._fill()
                self._news |= self.expectation.turn(datetime.now(UTC))
                return True

    def check(self, wait: Callable[[], None]) -> Look:
        """Check the newest head against the entries read; return also everything that was wrong with the entries."""
        look = Look(self.expectation.log.size)
        wait()
        self._read_statement()
        head = self._get("head")
        self.follow(wait)
        self._look_again()
        problem = self._head_problem(head)
        problems = {
            **self._problems,
            **self._damage(),
            **self.expectation.log.unknown_by_name(),
            **({HEAD: problem} if problem else {}),
        }
        for key, text in problems.items():
            look.unequal[key] = Observation(Verdict.DIFFERENT, [{"path": "", "found": text}])
        return look

    def entries(self, first: int, limit: int) -> tuple[list[Publication], int]:
        """Return entries from a position on, and the ledger's size. Raises `LedgerDown`."""
        answer = self._get("entries", **{"from": first, "limit": limit})
        return _publications(answer["entries"]), int(answer["size"])

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _read_statement(self) -> None:
        """Read the keys by which sources sign from the ledger's statement; do nothing before the first statement."""
        try:
            note = self._get("statement")["note"]
        except LedgerDown:
            return
        try:
            said = read_statement(note, self._get("keys")["keys"])
        except Broken as error:
            self._problems["statement"] = str(error)
            return
        self._problems.pop("statement", None)
        if self.expectation.log.size and said.sources != self.expectation.log.sources:
            # A key is new or was revoked: judge every entry again.
            self._read_before = self.expectation.log.size
            self.expectation, self._problems = Expectation(self._sights), {}
        self.expectation.log.sources, self.expectation.log.origin = said.sources, said.origin

    def _fill(self) -> None:
        """Read bodies that were withheld until their time, as they are from readers without a service's token."""
        for position in self.expectation.log.due_bodies(datetime.now(UTC)):
            for entry in _publications([self._get(f"entries/{position}")]):
                for problem in self.expectation.fill(entry):
                    self._problems[f"position {position}"] = problem

    def _look_again(self) -> None:
        """Read broken entries again, and drop the problems of those that the ledger has repaired."""
        for position in sorted(self.expectation.log.broken.values()):
            for entry in _publications([self._get(f"entries/{position}")]):
                if self.expectation.mended(entry):
                    self._problems.pop(f"position {position}", None)

    def _take(self, entry: Publication) -> None:
        for problem in self.expectation.take(entry):
            self._problems[f"position {entry.position}"] = problem

    def _start_over(self, known: int, size: int) -> None:
        """Begin again: the ledger is shorter than what was read of it, e.g. restored from a backup."""
        self._read_before = 0
        before = self.expectation.log
        self.expectation = Expectation(self._sights)
        # Keep the signing keys: a change of keys would make `_read_statement` judge again and drop this problem.
        self.expectation.log.sources, self.expectation.log.origin = before.sources, before.origin
        self._problems = {"size": f"it had {known} entries and now has only {size}"}

    def _damage(self) -> dict[str, str]:
        """Return the damage that the ledger itself has found; empty for a ledger of an earlier version."""
        try:
            damaged = self._get("scrub")["damaged"]
        except LedgerDown:
            return {}
        return {f"{one['part']} of {one['position']}": f"{one['detail']}; {one['problem'] or ''}" for one in damaged}

    def _head_problem(self, head: Json) -> str | None:
        for key in self._get("keys")["keys"]:
            try:
                signed = verify_checkpoint(head["checkpoint"], key["name"], bytes.fromhex(key["public_key"]))
            except Broken:
                continue
            if signed != (head["size"], bytes.fromhex(head["root"])):
                return "the signed note does not match the head"
            if self.expectation.log.root_at(head["size"]) != head["root"]:
                return f"the entries yield a different root for size {head['size']}"
            return None
        return "no signature by a known key"

    def _get(self, path: str, **params: Any) -> Json:
        try:
            answer: Json = get(self._http, f"/ledger/v1/{path}", **params)
        except TongyuanError as error:
            raise LedgerDown(str(error)) from error
        return answer


def _publications(documents: Iterable[Json]) -> list[Publication]:
    try:
        return [Publication.model_validate(document) for document in documents]
    except ValidationError as error:
        raise LedgerDown(f"the ledger sent an invalid publication: {error.error_count()} fields") from error
