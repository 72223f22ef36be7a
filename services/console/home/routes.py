"""The first page, and the same as JSON: `/console/v1/waiting`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from contracts.base import Json
from services.console.accounts.rights import may
from services.console.content.words import KINDS, PLANNED
from services.console.home.waiting import Waiting
from services.console.imports import words
from services.console.pages.frame import page
from shared.tokens.person import Person

Me = Annotated[Person, Depends(may())]


def routes_of(waiting: Waiting) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.get("/", include_in_schema=False)
    def home(request: Request, person: Me) -> Response:
        found = waiting.of(person)
        return page(request, "home.html", person=person, waiting=found, what=PLANNED, kinds=KINDS, words=words)

    @routes.get("/v1/waiting", tags=["home"], summary="Read what waits for the caller")
    def told(person: Me) -> Json:
        """Only what concerns the caller's roles. Null: unknown, because a service does not answer."""
        return waiting.of(person)

    return routes
