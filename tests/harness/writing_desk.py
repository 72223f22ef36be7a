"""The desk before the real sources: their HTTP apps in this process, with the demonstration's items and guides."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from contracts.topology import CONSOLE
from services.catalog import api as catalog_api
from services.console.accounts.demo import DEMO_PASSWORD
from services.console.accounts.people import new_account
from services.demo import content
from services.guides import api as guides_api
from services.runtime import manifests
from shared.config import Settings
from shared.publishing.editions import Period
from shared.text.validation import body_of
from shared.tokens.checking import Callers
from shared.tokens.person import SYSTEM, Person, StaffRole
from tests.harness.desk import TestDesk, desk
from tests.harness.desk_sources import DirectServices, desk_sources

AUTHOR = Person("zuozhe", "新作者", frozenset({StaffRole.EDITOR, StaffRole.RELEASER}))
POLICE = Person("jingcha", "公安编辑", frozenset({StaffRole.EDITOR}), frozenset({"11339921003991014U"}))


@contextmanager
def writing_desk(folder: Path, *, filled: bool = True) -> Iterator[SimpleNamespace]:
    """Yield `desk`, `sources`, the demonstration's `directory`, and its `items` and `guides`, released if `filled`."""
    apps: dict[str, TestClient] = {}
    with desk_sources(folder) as sources, desk(folder / "desk", lambda service: apps[service]) as place:
        for name, app in _apps(sources, folder, place).items():
            apps[name] = TestClient(Starlette(routes=[Mount(f"/{name}", app)]), raise_server_exceptions=False)
        with place.db.write() as session:
            for person in (AUTHOR, POLICE):
                session.add(new_account(person, DEMO_PASSWORD, one_time=False))
        items, guides, directory = content.items(), content.guides(), content.directory()
        sources.catalog.save_directory(SYSTEM, directory)
        if filled:
            for item, guide in zip(items[:12], guides[:12], strict=True):
                sources.catalog.save_item(SYSTEM, item.code, body_of(item), None)
                sources.guides.save_guide(SYSTEM, guide.code, body_of(guide), None)
                sources.catalog.release_item(SYSTEM, item.code, Period(), None)
                sources.guides.release_guide(SYSTEM, guide.code, Period(), None)
        yield SimpleNamespace(desk=place, sources=sources, items=items, guides=guides, directory=directory)


def _apps(sources: DirectServices, folder: Path, place: TestDesk) -> dict[str, FastAPI]:
    settings = Settings(data_dir=folder)
    made = {
        "catalog": catalog_api.make(sources.catalog, settings),
        "guides": guides_api.make(sources.guides, settings),
    }
    for name, app in made.items():
        app.state.callers = Callers(name, {CONSOLE: (place.key.public_key(),)}, manifests.permissions(name))
    return made
