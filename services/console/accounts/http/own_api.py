"""JSON for one's own account: `/console/v1/me…`. What gives out credentials needs a session, never an API token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from contracts.base import Contract, Json
from services.console.accounts.administration import token_json
from services.console.accounts.rights import may, may_in_person
from services.console.accounts.second_factor import address_of_secret
from services.console.accounts.sign_in import SignIn
from shared.errors import NotFound
from shared.tokens.person import Person, StaffRole
from shared.web.edge import Number

Me = Annotated[Person, Depends(may())]
InPerson = Annotated[Person, Depends(may_in_person())]


class NewPassword(Contract):
    """A change of one's own password."""

    current: str
    password: str


class Confirmed(Contract):
    """The current password, for what a stolen session must not do."""

    current: str


class Code(Contract):
    """The first code of a new second factor."""

    code: str


class NewToken(Confirmed):
    """An API token to be made."""

    title: str = Field(description="What it is for, at most 60 characters.")
    roles: list[StaffRole] = Field(description="Some of one's own.")
    days: int = Field(description="Days until it expires, at most 365.")


def own_api(sign_in: SignIn, county: str) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["people"])
    routes.include_router(_account(sign_in))
    routes.include_router(_second_factor(sign_in, county))
    routes.include_router(_tokens(sign_in))
    return routes


def _account(sign_in: SignIn) -> APIRouter:
    routes = APIRouter(prefix="/v1/me")

    @routes.get("", summary="Read who is signed in, with roles and departments")
    def me(person: Me) -> Json:
        return dict(person.claim())

    @routes.put("/password", status_code=204, summary="Change one's password; every other session ends")
    def password(request: Request, person: InPerson, sent: NewPassword) -> None:
        sign_in.credentials.require_password(person, sent.current)
        sign_in.credentials.set_password(person, sent.password, request.state.signed_in.token_hash)

    @routes.get("/sessions", summary="List one's sessions")
    def sessions(request: Request, person: InPerson) -> Json:
        here = request.state.signed_in.token_hash
        rows = sign_in.sessions.of(person.name)
        return {
            "sessions": [
                {
                    "id": row.token_hash,
                    "current": row.token_hash == here,
                    **row.model_dump(include={"created_at", "seen_at", "expires_at", "address", "browser", "stage"}),
                }
                for row in rows
            ]
        }

    @routes.delete("/sessions/{session}", status_code=204, summary="End one of one's sessions")
    def end(person: InPerson, session: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> None:
        if not sign_in.sessions.end(session, person.name):
            raise NotFound("there is no such session")

    return routes


def _second_factor(sign_in: SignIn, county: str) -> APIRouter:
    routes = APIRouter(prefix="/v1/me/second-factor")
    credentials = sign_in.credentials

    @routes.post("", summary="Begin to set up a second factor; it counts once it is confirmed")
    def begin(person: InPerson, sent: Confirmed) -> Json:
        credentials.require_password(person, sent.current)
        secret = credentials.begin_second_factor(person)
        return {"secret": secret, "address": address_of_secret(secret, person.name, county)}

    @routes.post("/confirmation", summary="Confirm the second factor with its first code; answers recovery codes")
    def confirm(person: InPerson, sent: Code) -> Json:
        return {"recovery_codes": credentials.confirm_second_factor(person, sent.code)}

    @routes.post("/recovery-codes", summary="Replace the recovery codes")
    def codes(person: InPerson, sent: Confirmed) -> Json:
        credentials.require_password(person, sent.current)
        return {"recovery_codes": credentials.renew_recovery_codes(person)}

    @routes.post("/end", status_code=204, summary="Switch the second factor off")
    def end(person: InPerson, sent: Confirmed) -> None:
        credentials.require_password(person, sent.current)
        credentials.end_second_factor(person)

    return routes


def _tokens(sign_in: SignIn) -> APIRouter:
    routes = APIRouter(prefix="/v1/me/tokens")
    credentials = sign_in.credentials

    @routes.get("", summary="List one's API tokens, without the tokens themselves")
    def tokens(person: InPerson) -> Json:
        return {"tokens": [token_json(row) for row in credentials.tokens(person)]}

    @routes.post("", status_code=201, summary="Make an API token; the answer alone contains it")
    def make(person: InPerson, sent: NewToken) -> Json:
        credentials.require_password(person, sent.current)
        number, token = credentials.make_token(person, sent.title, sent.roles, sent.days)
        return {"number": number, "token": token}

    @routes.delete("/{number}", status_code=204, summary="Revoke an API token")
    def revoke(person: InPerson, number: Number) -> None:
        credentials.revoke_token(person, number)

    return routes
