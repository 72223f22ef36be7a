"""HTTP of the desk: pages at `/console/…`, and the same actions as JSON at `/console/v1/…`."""

from typing import Any

from fastapi import FastAPI, Request, Response

from services.console.accounts.administration import Administration
from services.console.accounts.http.own_api import own_api
from services.console.accounts.http.own_pages import own_pages
from services.console.accounts.http.people_api import people_api
from services.console.accounts.http.people_pages import people_pages
from services.console.accounts.http.sign_in_pages import sign_in_pages
from services.console.accounts.rights import SignInRequired
from services.console.accounts.second_factor import SecretSeals
from services.console.accounts.sign_in import SignIn
from services.console.audit import api as audit_api
from services.console.audit import routes as audit_pages
from services.console.audit.audit import Audit
from services.console.audit.hand_in import EVERY_SECONDS as HAND_IN_SECONDS
from services.console.blocks import api as blocks_api
from services.console.blocks import routes as blocks_pages
from services.console.blocks.blocks import Blocks
from services.console.desk import Desk
from services.console.drafts import api as drafts_api
from services.console.drafts import new_routes
from services.console.drafts import routes as drafts_pages
from services.console.drafts.directory import Directory
from services.console.drafts.uploads import Uploads
from services.console.drafts.working_copies import WorkingCopies
from services.console.drafts.writing import Writing
from services.console.federation.federation import Federation
from services.console.federation.provider import provider_of
from services.console.federation.routes import federation_pages
from services.console.home import routes as home_pages
from services.console.home.waiting import Waiting
from services.console.imports import api as imports_api
from services.console.imports import routes as import_pages
from services.console.imports.upstream import ImportsUpstream
from services.console.indicators.routes import indicator_routes
from services.console.manifest import BODIES
from services.console.operations.api import api as operations_json
from services.console.operations.inbox_routes import inbox_pages
from services.console.operations.room import Room
from services.console.operations.routes import pages as operations_pages
from services.console.operations.stream import stream_routes
from services.console.pages.frame import static_routes
from services.console.release import api as release_api
from services.console.release import compose_routes as compose_pages
from services.console.release import plan_routes as plan_pages
from services.console.release import routes as release_pages
from services.console.release.compose import Composer
from services.console.release.work import Releasing, rounds_of
from services.console.reviews import absence_routes as absence_pages
from services.console.reviews import api as reviews_api
from services.console.reviews import routes as review_pages
from services.console.reviews import urgent_routes as urgent_pages
from services.console.reviews.acts import Acts
from services.console.reviews.delegations import Delegations
from services.console.reviews.reading import ReviewDesk
from services.console.reviews.submitting import Submitting
from services.console.reviews.upstream import Reviews
from services.console.rounds import Round, again_after
from services.console.shown import routes as shown_pages
from services.console.subscribers import api as subscribers_api
from services.console.subscribers import credentials as subscribers_credentials
from services.console.subscribers import routes as subscribers_pages
from services.console.subscribers.pages import Pages as SubscribersPages
from services.console.subscribers.upstream import SubscribersUpstream
from services.console.tables import api as tables_api
from services.console.tables import routes as tables_pages
from services.console.tables.tables import Tables
from services.console.upstream.editions import Editions
from shared.web.edge import make_api

SEE_OTHER = 303
SEALS_SECONDS = 10.0
"""How often it is tried to seal second factors, until it was done once."""


def make(desk: Desk) -> FastAPI:
    """Return the ASGI app. Every route that `may` does not guard is one of signing in, or a static file."""

    def ready() -> dict[str, Any]:
        desk.db.ping()
        return {}

    api = make_api("console", "Tongyuan desk", desk.settings, ready, BODIES)
    api.add_exception_handler(SignInRequired, _to_sign_in)  # type: ignore[arg-type]  # starlette types the base class
    api.state.demo = desk.demo
    _include_accounts(api, desk)
    api.include_router(static_routes())
    releasing = api.state.releasing = Releasing.of(desk)
    rounds = [*rounds_of(releasing), Round("second-factors", again_after(SEALS_SECONDS, api.state.seals.ensure))]
    acts = api.state.reviewing = _include_reviews(api, desk)
    composer = _include_writing(api, desk, releasing, acts)
    api.include_router(release_api.routes_of(releasing))
    api.include_router(plan_pages.routes_of(releasing))
    api.include_router(compose_pages.routes_of(releasing, composer, acts.submitting))
    api.include_router(release_pages.routes_of(releasing))
    api.include_router(shown_pages.routes_of(desk))
    api.include_router(import_pages.routes_of(desk, acts.desk.reviews))
    api.include_router(imports_api.routes_of(desk))
    _include_operations(api, desk)
    _include_subscribers(api, desk)
    audit = Audit.of(desk)
    api.include_router(audit_api.api_of(audit))
    api.include_router(audit_pages.pages_of(audit))
    rounds.append(Round("audit_head", again_after(HAND_IN_SECONDS, audit.hand_in.advance)))
    api.state.rounds = {one.name: one for one in rounds}
    waiting = Waiting(composer.copies, releasing, ImportsUpstream(desk.services), acts.desk)
    api.include_router(home_pages.routes_of(waiting))
    return api


def _include_accounts(api: FastAPI, desk: Desk) -> None:
    county, provider = desk.settings.county, provider_of(desk.settings)
    sign_in, administration = SignIn(desk.db, county, demo=desk.demo), Administration(desk.db)
    api.state.sign_ins, api.state.seals = sign_in, SecretSeals(desk.db)
    api.include_router(sign_in_pages(sign_in, county, demo=desk.demo, federated=provider is not None))
    if provider is not None:
        api.state.federation = Federation(desk.db, sign_in, provider)
        api.include_router(federation_pages(api.state.federation))
    api.include_router(own_pages(sign_in, county))
    api.include_router(people_pages(administration))
    api.include_router(own_api(sign_in, county))
    api.include_router(people_api(administration, api.state.seals))


def _include_reviews(api: FastAPI, desk: Desk) -> Acts:
    """The five gates. Return the acts on them."""
    reviews, editions, delegations = Reviews(desk.services), Editions(desk.services), Delegations(desk.db)
    acts = Acts(desk.db, ReviewDesk(reviews, editions, delegations), Submitting(reviews, editions))
    for routes in (
        absence_pages.routes_of(delegations),
        urgent_pages.routes_of(acts),
        review_pages.routes_of(acts),
        reviews_api.routes_of(acts),
    ):
        api.include_router(routes)
    return acts


def _include_writing(api: FastAPI, desk: Desk, releasing: Releasing, acts: Acts) -> Composer:
    """Items, guides, content blocks and tables. Return what composes sets of them."""
    editions, copies = Editions(desk.services), WorkingCopies(desk.db)
    writing, directory = Writing(editions, copies), Directory(desk.services)
    blocks, tables = Blocks(desk.db, editions), Tables(editions)
    for routes in (
        new_routes.routes_of(writing, directory),
        drafts_pages.routes_of(writing, acts, Uploads(desk.services)),
        new_routes.api_of(directory),
        drafts_api.routes_of(writing),
        blocks_pages.routes_of(blocks),
        blocks_api.routes_of(blocks),
        tables_pages.routes_of(tables),
        tables_api.routes_of(tables),
    ):
        api.include_router(routes)
    return Composer(editions, releasing.previews, blocks, copies)


def _include_operations(api: FastAPI, desk: Desk) -> None:
    """The pipeline, its parts, what waits for somebody, and the indicators."""
    api.include_router(indicator_routes(desk))
    room = Room.of(desk)
    for part in (operations_pages(room), inbox_pages(room), operations_json(room), stream_routes(room)):
        api.include_router(part)


def _include_subscribers(api: FastAPI, desk: Desk) -> None:
    """Who subscribes. The pages that show secrets come first: `+new` is no subscription."""
    upstream = SubscribersUpstream(desk.services)
    pages = SubscribersPages(upstream)
    api.include_router(subscribers_credentials.routes_of(pages))
    api.include_router(subscribers_pages.routes_of(pages))
    api.include_router(subscribers_api.api_of(upstream))


def _to_sign_in(_request: Request, needed: SignInRequired) -> Response:
    return Response(status_code=SEE_OTHER, headers={"Location": needed.location, "Cache-Control": "no-store"})
