"""Drafts and versions of items and guides at their sources, as a person reads and writes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from contracts.base import MADE_BY_THE_SOURCE, Json
from services.console.content.shape import ContentKind
from shared.errors import NotFound
from shared.tokens.person import Person

PLACES: Mapping[ContentKind, tuple[str, str]] = {
    ContentKind.ITEM: ("catalog", "items"),
    ContentKind.GUIDE: ("guides", "guides"),
}
"""Kind → its source and the path of its editions."""
RELEASE = "release"
PAGE = 200


class HttpAnswer(Protocol):
    """See `services.console.upstream.services.Answer`."""

    @property
    def content(self) -> Any: ...

    @property
    def etag(self) -> str: ...


class HttpServices(Protocol):
    """See `services.console.upstream.services.Services`."""

    def get(self, service: str, path: str, person: Person, **params: Any) -> HttpAnswer: ...

    def put(self, service: str, path: str, person: Person, body: Any, *, if_match: str = "") -> HttpAnswer: ...

    def post(self, service: str, path: str, person: Person, body: Any = None, *, if_match: str = "") -> HttpAnswer: ...


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition at its source.

    `etag`: to be sent with a change. `draft`: what an editor saved last. `released`: the newest released body, None
    before the first release. `begun_from`: the released body that the draft knows of; it differs from `released` when
    somebody, such as an import, has released since. `in_force`: the body that readers see now.
    """

    etag: str
    state: str
    version: int
    draft: Json
    released: Json | None
    begun_from: Json | None
    in_force: Json | None
    planned: list[Json]
    draft_changed: bool


@dataclass(frozen=True, slots=True)
class Editions:
    """The editions of both sources. Every method raises what `Services.send` raises."""

    services: HttpServices

    def find(self, kind: ContentKind, code: str, person: Person) -> Edition | None:
        """Return an edition; None if its source has none."""
        service, path = PLACES[kind]
        try:
            answer = self.services.get(service, f"{path}/{code}", person)
        except NotFound:
            return None
        return self._edition(kind, code, answer, person)

    def save(self, kind: ContentKind, code: str, body: Json, etag: str, person: Person) -> list[Json]:
        """Save a draft; return the source's findings. `etag` "": there is none yet.

        Raises `Invalid` with the source's rules, `PreconditionFailed` and `PreconditionMissing` if somebody was first.
        """
        service, path = PLACES[kind]
        answer = self.services.put(service, f"{path}/{code}", person, body, if_match=etag)
        found: list[Json] = answer.content.get("findings", [])
        return found

    def overview(self, kind: ContentKind, person: Person, **wanted: Any) -> Json:
        """Return a page of the short list; `wanted`: `q`, `department`, `state`, `after`, `limit`."""
        service, path = PLACES[kind]
        given = {name: value for name, value in wanted.items() if value}
        content: Json = self.services.get(service, f"{path}/overview", person, **given).content
        return content

    def departments(self, person: Person) -> list[Json]:
        """Return code and name of each department that has items."""
        found: list[Json] = self.services.get("catalog", "items/overview/departments", person).content["departments"]
        return found

    def containing(self, kind: ContentKind, words: str, person: Person) -> Iterator[str]:
        """Yield the code of every edition whose draft contains the words, in order."""
        after: str | None = ""
        while after is not None:
            page = self.overview(kind, person, q=words, after=after, limit=PAGE)
            yield from (row["code"] for row in page["rows"])
            after = page["next"]

    def history(self, kind: ContentKind, code: str, person: Person) -> list[Json]:
        """Return all versions without bodies, oldest first; none before the first release."""
        service, _ = PLACES[kind]
        found: list[Json] = self.services.get(service, f"releases/{kind}:{code}", person).content
        return sorted(found, key=lambda one: int(one["version"]))

    def body(self, kind: ContentKind, code: str, version: int, person: Person) -> Json | None:
        """Return the body of one version, without what the source adds to it; None for a withdrawal."""
        service, _ = PLACES[kind]
        body = self.services.get(service, f"releases/{kind}:{code}/{version}", person).content.get("body")
        return _written(body)

    def _edition(self, kind: ContentKind, code: str, answer: HttpAnswer, person: Person) -> Edition:
        seen = answer.content
        current = seen["in_force"]
        released = begun_from = seen["draft"] if seen["version"] else None
        if seen["draft_changed"] and seen["version"]:
            bodies = [one for one in self.history(kind, code, person) if one["op"] == RELEASE]
            released = self.body(kind, code, bodies[-1]["version"], person) if bodies else None
            begun_from = self.body(kind, code, seen["starts_from"], person) if seen["starts_from"] else None
        return Edition(
            etag=answer.etag,
            state=seen["state"],
            version=seen["version"],
            draft=seen["draft"],
            released=released,
            begun_from=begun_from,
            in_force=None if current is None else _written(current["body"]),
            planned=seen["planned"],
            draft_changed=seen["draft_changed"],
        )


def _written(body: Json | None) -> Json | None:
    """Return what editors write of a body."""
    if body is None:
        return None
    return {name: value for name, value in body.items() if name not in MADE_BY_THE_SOURCE}
