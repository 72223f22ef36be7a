"""Following the ledger as the auditor does: every entry, every head, and what is wrong with them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import ValidationError

from contracts.base import Json
from contracts.publication import Publication
from services.auditor import metering
from services.auditor.expectation import Expectation
from services.auditor.model import Look, Sight, Sighting, Verdict
from shared.checkpoint import verify_checkpoint
from shared.errors import Broken, TongyuanError, UpstreamDown
from shared.upstream import get

PAGE = 500
RUSH = 200
"""Entries between two looks at the ledger's size, of which only an import makes more."""

HEAD = "head"


class LedgerDown(UpstreamDown):
    """The ledger does not answer, or not with what belongs there: nothing can be compared now."""


class LedgerReading:
    """The ledger over HTTP, with the service's token: strangers do not get the bodies of cases."""

    def __init__(self, http: httpx.Client, sights: Mapping[str, Sight]) -> None:
        self._http, self._sights = http, sights
        self._problems: dict[str, str] = {}
        self._news: set[str] = set()
        self._size: int | None = None
        self.expectation = Expectation(sights)

    def news(self) -> set[str]:
        """Whose keys have changed since this was asked last."""
        news, self._news = self._news, set()
        return news

    def in_a_rush(self) -> bool:
        """Whether an import is under way. Raises `LedgerDown`."""
        answer = self._get("entries", **{"from": self.expectation.log.size + 1, "limit": 1})
        before, self._size = self._size, int(answer["size"])
        return before is not None and self._size - before > RUSH

    def follow(self, wait: Callable[[], None], *, patient: bool = False) -> bool:
        """Read on to the end; whether it is reached. Raises `LedgerDown`.

        `patient`: it is left for later when it runs away, since an import has begun.
        """
        ends: list[int] = []
        while True:
            wait()
            size = self.expectation.log.size
            answer = self._get("entries", **{"from": size + 1, "limit": PAGE})
            if answer["size"] < size:
                self._start_over(size, answer["size"])
                continue
            ends.append(answer["size"])
            if patient and ends[-1] - ends[0] > RUSH:
                return False
            for entry in _publications(answer["entries"]):
                self._take(entry)
            size = self.expectation.log.size
            if size >= answer["size"] or not answer["entries"]:
                metering.ledger_position.set(size)
                self._news |= self.expectation.turn(datetime.now(UTC))
                return True

    def check(self, wait: Callable[[], None]) -> Look:
        """The newest head against the entries read, and everything that was wrong with these."""
        look = Look(self.expectation.log.size)
        wait()
        head = self._get("head")
        self.follow(wait)
        problem = self._head_problem(head)
        problems = {**self._problems, **({HEAD: problem} if problem else {})}
        for key, text in problems.items():
            look.unequal[key] = Sighting(Verdict.DIFFERENT, [{"path": "", "found": text}])
        return look

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def _take(self, entry: Publication) -> None:
        for problem in self.expectation.take(entry):
            self._problems[f"position {entry.position}"] = problem

    def _start_over(self, known: int, size: int) -> None:
        """The ledger is shorter than what was read of it: restored from a backup, or worse."""
        self.expectation = Expectation(self._sights)
        self._problems = {"size": f"it had {known} entries, and now has {size}"}

    def _head_problem(self, head: Json) -> str | None:
        for key in self._get("keys")["keys"]:
            try:
                signed = verify_checkpoint(head["checkpoint"], key["name"], bytes.fromhex(key["public_key"]))
            except Broken:
                continue
            if signed != (head["size"], bytes.fromhex(head["root"])):
                return "the signed note says something else than the head"
            if self.expectation.log.root_at(head["size"]) != head["root"]:
                return f"the entries give another root for size {head['size']}"
            return None
        return "no signature of a known key"

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
        raise LedgerDown(f"the ledger sent no publication: {error.error_count()} fields") from error
