"""A county of five gates for tests: its people, and the reviews of a source over HTTP as each of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from contracts.content.gates import Gate
from contracts.content.guides import Guide
from contracts.content.items import Item
from shared.tokens.access import actor_of
from shared.tokens.person import Actor, Person, StaffRole
from tests.harness.pipeline import ADMIN, Pipeline

GATES_OF_FU = (Gate.POLITICAL, Gate.LEGAL, Gate.POLICY)
GATES_OF_SHEN = (Gate.SECRECY, Gate.TEXT)


def person(name: str, *roles: StaffRole, departments: frozenset[str] = frozenset()) -> Person:
    """Return a person of the staff."""
    return Person(name, name.partition(".")[0], frozenset(roles), departments)


LIU = person("liu.editor", StaffRole.EDITOR)
MA = person("ma.releaser", StaffRole.RELEASER)
MENG = person("meng.releaser", StaffRole.RELEASER)
ZHI = person("zhi.officer", StaffRole.DUTY_OFFICER)
FU = person("fu.reviewer", *map(StaffRole.reviewer_of, Gate))
SHEN = person("shen.reviewer", *map(StaffRole.reviewer_of, Gate))
EVERYBODY = (LIU, MA, MENG, ZHI, FU, SHEN)


def actor(one: Person) -> Actor:
    """Return a person as a command sees it."""
    return Actor(one.name, one)


class SourceDesk:
    """One source over HTTP, as whoever `as_` says."""

    def __init__(self, app: FastAPI, prefix: str) -> None:
        self.http = TestClient(app, headers={"Authorization": f"Bearer {ADMIN}"}, raise_server_exceptions=False)
        self.prefix = prefix
        self._actor = Actor("bootstrap")
        app.dependency_overrides[actor_of] = self._current

    async def _current(self) -> Actor:
        return self._actor

    def as_(self, one: Person | None) -> "SourceDesk":
        """Act as a person; None: as a machine."""
        self._actor = Actor("bootstrap") if one is None else actor(one)
        return self

    def save(self, content: Item | Guide, by: Person = LIU) -> int:
        """Save a draft; return its revision."""
        path = f"/v1/{self.prefix}/{content.code}"
        known = self.as_(by).http.get(path)
        match = {"If-Match": known.headers["ETag"]} if known.is_success else {}
        answer = self.http.put(path, json=content.model_dump(mode="json"), headers=match)
        assert answer.is_success, answer.text
        return int(answer.json()["revision"])

    def release(self, code: str, by: Person = MA, **wanted: Any) -> httpx.Response:
        """Release a draft."""
        answer: httpx.Response = self.as_(by).http.post(f"/v1/{self.prefix}/{code}/release", json=wanted)
        return answer

    def submit(self, *members: dict[str, Any], by: Person = LIU, **more: Any) -> dict[str, Any]:
        """Submit members for review; return the review."""
        kind = {"kind": "edition" if len(members) == 1 else "set"}
        answer = self.as_(by).http.post("/v1/reviews", json={"members": list(members), **kind, **more})
        assert answer.status_code == httpx.codes.CREATED, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def read(self, number: int) -> dict[str, Any]:
        """Return a review."""
        told: dict[str, Any] = self.http.get(f"/v1/reviews/{number}").json()
        return told

    def sign(
        self, review: dict[str, Any], gate: Gate, by: Person, verdict: str = "pass", **more: Any
    ) -> httpx.Response:
        """Sign one gate; every finding of it is overridden."""
        overrides = [{"finding": one["id"], "reason": "核对过"} for one in review["findings"] if one["gate"] == gate]
        body = {"verdict": verdict, "opinion": "同意", "overrides": overrides, "digest": review["digest"], **more}
        answer: httpx.Response = self.as_(by).http.post(f"/v1/reviews/{review['number']}/gates/{gate}", json=body)
        return answer

    def approve(self, review: dict[str, Any]) -> dict[str, Any]:
        """Sign all five gates, by two persons; return the review."""
        for gate in Gate:
            answer = self.sign(review, gate, FU if gate in GATES_OF_FU else SHEN)
            assert answer.is_success, answer.text
        return self.read(review["number"])

    def approved(self, code: str, **more: Any) -> dict[str, Any]:
        """Submit and approve one edition."""
        return self.approve(self.submit({"code": code, **more}))


@contextmanager
def source_desk(county: Pipeline, source: str = "catalog") -> Iterator[SourceDesk]:
    """Yield the desk of one source of a county."""
    desk = SourceDesk(county.api(source), "items" if source == "catalog" else "guides")
    with desk.http:
        yield desk
