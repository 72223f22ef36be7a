"""HTTP of the desk: pages at `/console/…`, and the same actions as JSON at `/console/v1/…`."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response

from services.console.accounts.administration import Administration
from services.console.accounts.http.own_api import own_api
from services.console.accounts.http.own_pages import own_pages
from services.console.accounts.http.people_api import people_api
from services.console.accounts.http.people_pages import people_pages
from services.console.accounts.http.sign_in_pages import sign_in_pages
from services.console.accounts.rights import SignInRequired, may
from services.console.accounts.sign_in import SignIn
from services.console.desk import Desk
from services.console.indicators.routes import indicator_routes
from services.console.operations.api import api as operations_json
from services.console.operations.inbox_routes import inbox_pages
from services.console.operations.room import Room
from services.console.operations.routes import pages as operations_pages
from services.console.operations.stream import stream_routes
from services.console.pages.frame import page, static_routes
from services.console.release import api as release_api
from services.console.release import routes as release_pages
from services.console.release.work import Releasing, work_of
from shared.tokens.person import Person
from shared.web.edge import make_api

Me = Annotated[Person, Depends(may())]
SEE_OTHER = 303


def make(desk: Desk) -> FastAPI:
    """Return the ASGI app. Every route that `may` does not guard is one of signing in, or a static file."""

    def ready() -> dict[str, Any]:
        desk.db.ping()
        return {}

    api = make_api("console", "Tongyuan desk", desk.settings, ready)
    api.add_exception_handler(SignInRequired, _to_sign_in)  # type: ignore[arg-type]  # starlette types the base class
    api.state.demo = desk.demo
    _include_accounts(api, desk)
    api.include_router(static_routes())
    releasing = api.state.releasing = Releasing.of(desk)
    api.state.work = work_of(releasing)
    api.include_router(release_api.routes_of(releasing))
    api.include_router(release_pages.routes_of(releasing))
    api.include_router(indicator_routes(desk))
    room = Room.of(desk)
    for part in (operations_pages(room), inbox_pages(room), operations_json(room), stream_routes(room)):
        api.include_router(part)

    @api.get("/", include_in_schema=False)
    def home(request: Request, person: Me) -> Response:
        return page(request, "home.html", person=person)

    return api


def _include_accounts(api: FastAPI, desk: Desk) -> None:
    county = desk.settings.county
    sign_in, administration = SignIn(desk.db, county, demo=desk.demo), Administration(desk.db)
    api.state.sign_ins = sign_in
    api.include_router(sign_in_pages(sign_in, county, demo=desk.demo))
    api.include_router(own_pages(sign_in, county))
    api.include_router(people_pages(administration))
    api.include_router(own_api(sign_in, county))
    api.include_router(people_api(administration))


def _to_sign_in(_request: Request, needed: SignInRequired) -> Response:
    return Response(status_code=SEE_OTHER, headers={"Location": needed.location, "Cache-Control": "no-store"})
