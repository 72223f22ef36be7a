"""Both sources as the desk calls them, without HTTP between: their real commands over SQLite."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from services.catalog.commands import Catalog
from services.console.upstream.editions import Editions
from services.demo import content
from services.guides.commands import Guides
from shared.errors import NotFound
from shared.feeds.outbox import history, released_version
from shared.publishing import editions, overview
from shared.publishing.editions import Period
from shared.tokens.person import SYSTEM, Actor, Person, StaffRole
from tests.harness.stores import store

EDITOR = Person("wang.fang", "王芳", frozenset({StaffRole.EDITOR, StaffRole.RELEASER}))
OTHER = Person("li.ming", "李明", frozenset({StaffRole.EDITOR}))


@dataclass
class Answered:
    """See `services.console.upstream.services.Answer`."""

    content: Any
    etag: str = ""


@dataclass
class DirectServices:
    """The services by name. `before_put` is called before each PUT: somebody else may act there."""

    catalog: Catalog
    guides: Guides
    before_put: Callable[[], None] = field(default=lambda: None)

    @property
    def editions(self) -> Editions:
        return Editions(self)

    def get(self, service: str, path: str, person: Person, **params: Any) -> Answered:
        source = self._source(service)
        words = path.split("/")
        with source.db.read() as session:
            if words[0] == "releases":
                return self._release(session, words)
            if words[1] == "overview" and len(words) == 3:
                return Answered({"departments": overview.departments(session)})
            if words[1] == "overview":
                wanted = {"q": "", "department": "", "state": None, "after": "", "limit": 50, **params}
                rows, following, total = overview.rows(session, **wanted)
                return Answered({"rows": rows, "next": following, "total": total})
            row = editions.find(session, words[1])
            return self._answer(editions.view(session, source.who, row))

    def put(self, service: str, path: str, person: Person, body: Any, *, if_match: str = "") -> Answered:
        self.before_put()
        save = self.catalog.save_item if service == "catalog" else self.guides.save_guide
        row, findings = save(
            Actor(person.name, person), path.split("/")[1], orjson.loads(orjson.dumps(body)), _revision(if_match)
        )
        source = self._source(service)
        with source.db.read() as session:
            return self._answer({**editions.view(session, source.who, row), "findings": findings})

    def post(self, service: str, path: str, person: Person, body: Any = None, *, if_match: str = "") -> Answered:
        _, code, act = path.split("/")
        assert (act, body) == ("release", {})
        release = self.catalog.release_item if service == "catalog" else self.guides.release_guide
        row, made = release(Actor(person.name, person), code, Period(), _revision(if_match))
        source = self._source(service)
        with source.db.read() as session:
            released = {"released": {"version": made.version}} if made else {}
            return self._answer({**editions.view(session, source.who, row), **released})

    def text_of_guide(self, code: str) -> str:
        """Return the draft and what is released, as they are stored."""
        with self.guides.db.read() as session:
            row = editions.find(session, code)
            return f"{row.draft}{row.released or ''}"

    def _source(self, service: str) -> Any:
        return self.catalog if service == "catalog" else self.guides

    def _release(self, session: Any, words: list[str]) -> Answered:
        if len(words) == 2:
            return Answered(history(session, words[1]))
        document = released_version(session, words[1], int(words[2]))
        if document is None:
            raise NotFound(words[1])
        return Answered(orjson.loads(document))

    def _answer(self, view: Any) -> Answered:
        # As over HTTP: a body that a test changes is not the source's.
        return Answered(orjson.loads(orjson.dumps(view)), str(view["revision"]))


def _revision(etag: str) -> int | None:
    return int(etag.partition("-")[0]) if etag else None


@contextmanager
def desk_sources(folder: Path) -> Iterator[DirectServices]:
    """Both sources with the demonstration's 基本目录, empty otherwise."""
    stores = [store(name, f"sqlite:///{folder / name}.db") for name in ("catalog", "guides")]
    catalog = Catalog(stores[0], content.county().region)
    catalog.save_directory(SYSTEM, content.directory())
    try:
        yield DirectServices(catalog, Guides(stores[1], content.county().region))
    finally:
        for one in stores:
            one.close()
