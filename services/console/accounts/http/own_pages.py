"""The page 我的账户: one's own password, second factor, sessions and API tokens."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.console.accounts.administration import token_json
from services.console.accounts.http.sign_in_pages import second_factor_values, set_new_password
from services.console.accounts.people import roles_of
from services.console.accounts.rights import may
from services.console.accounts.roles import ROLES, titles
from services.console.accounts.sign_in import SignIn
from services.console.pages.forms import Form, by_field, secret, text, texts
from services.console.pages.frame import page, see_other
from shared.errors import NotFound, Refused
from shared.tokens.person import Person, StaffRole

Me = Annotated[Person, Depends(may())]
ACCOUNT = "account"
DAYS = (30, 90, 365)


def own_pages(sign_in: SignIn, county: str) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)
    own = _Account(sign_in)
    routes.include_router(_password_and_sessions(sign_in, own))
    routes.include_router(_second_factor(sign_in, own, county))
    routes.include_router(_tokens(sign_in, own))
    return routes


class _Account:
    """The page itself, with what a form on it has sent and what was wrong with it."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in

    def page(
        self, request: Request, person: Person, form: str = "", error: Refused | None = None, **sent: Any
    ) -> Response:
        """Show the page; `form`: the one that was refused."""
        values: dict[str, Any] = {
            "account": self._sign_in.credentials.account(person),
            "sessions": self._sign_in.sessions.of(person.name),
            "session": request.state.signed_in.token_hash,
            "tokens": [
                {**token_json(row), "roles": titles(roles_of(row.roles))}
                for row in self._sign_in.credentials.tokens(person)
            ],
            "recovery_codes_left": self._sign_in.credentials.recovery_codes_left(person),
            "roles": {role: title for role, (title, _) in ROLES.items() if role in person.roles},
            "days": DAYS,
            "form": form,
            "errors": by_field(error) if error else {},
            "sent": {"title": "", "roles": [], "days": DAYS[1], **sent},
            "done": request.query_params.get("done", ""),
        }
        return page(request, "account.html", person=person, status=error.status if error else 200, **values)

    def after(
        self, request: Request, person: Person, form: str, action: Callable[[], Response], **sent: Any
    ) -> Response:
        """Return what the action answers, or the page with the reason why it was refused."""
        try:
            return action()
        except NotFound:
            raise
        except Refused as error:
            return self.page(request, person, form, error, **sent)


def _password_and_sessions(sign_in: SignIn, own: _Account) -> APIRouter:
    routes = APIRouter(prefix="/account")
    credentials = sign_in.credentials

    @routes.get("")
    def account(request: Request, person: Me) -> Response:
        return own.page(request, person)

    @routes.post("/password")
    def password(request: Request, person: Me, sent: Form) -> Response:
        def change() -> Response:
            credentials.require_password(person, secret(sent, "current"))
            set_new_password(credentials, person, sent, request.state.signed_in.token_hash)
            return see_other(f"{ACCOUNT}?done=password")

        return own.after(request, person, "password", change)

    @routes.post("/sessions/end")
    def end(person: Me, sent: Form) -> Response:
        sign_in.sessions.end(text(sent, "session"), person.name)
        return see_other(f"{ACCOUNT}?done=session")

    return routes


def _second_factor(sign_in: SignIn, own: _Account, county: str) -> APIRouter:
    routes = APIRouter(prefix="/account/second-factor")
    credentials = sign_in.credentials

    def setting_up(request: Request, person: Person, error: Refused | None = None) -> Response:
        values = second_factor_values(credentials, person, county)
        errors, status = (by_field(error), error.status) if error else ({}, 200)
        return page(request, "second_factor.html", person=person, status=status, errors=errors, **values)

    def codes_of(request: Request, person: Person, codes: list[str]) -> Response:
        return page(request, "recovery_codes.html", person=person, codes=codes, following=f"/console/{ACCOUNT}")

    @routes.post("")
    def begin(request: Request, person: Me, sent: Form) -> Response:
        def show() -> Response:
            credentials.require_password(person, secret(sent, "current"))
            return setting_up(request, person)

        return own.after(request, person, "second_factor", show)

    @routes.post("/confirm")
    def confirm(request: Request, person: Me, sent: Form) -> Response:
        try:
            return codes_of(request, person, credentials.confirm_second_factor(person, text(sent, "code")))
        except Refused as error:
            return setting_up(request, person, error)

    @routes.post("/codes")
    def codes(request: Request, person: Me, sent: Form) -> Response:
        def renew() -> Response:
            credentials.require_password(person, secret(sent, "current"))
            return codes_of(request, person, credentials.renew_recovery_codes(person))

        return own.after(request, person, "codes", renew)

    @routes.post("/end")
    def end(request: Request, person: Me, sent: Form) -> Response:
        def switch_off() -> Response:
            credentials.require_password(person, secret(sent, "current"))
            credentials.end_second_factor(person)
            return see_other(f"{ACCOUNT}?done=second_factor")

        return own.after(request, person, "end_second_factor", switch_off)

    return routes


def _tokens(sign_in: SignIn, own: _Account) -> APIRouter:
    routes = APIRouter(prefix="/account/tokens")
    credentials = sign_in.credentials

    @routes.post("")
    def make(request: Request, person: Me, sent: Form) -> Response:
        title, days = text(sent, "title"), _days(text(sent, "days"))
        roles = [StaffRole(role) for role in texts(sent, "roles") if role in ROLES]

        def show() -> Response:
            credentials.require_password(person, secret(sent, "current"))
            _, token = credentials.make_token(person, title, roles, days)
            return page(request, "token.html", person=person, token=token, title=title)

        return own.after(request, person, "token", show, title=title, roles=roles, days=days)

    @routes.post("/revoke")
    def revoke(person: Me, sent: Form) -> Response:
        number = text(sent, "number")
        if not number.isascii() or not number.isdigit() or len(number) > len("999999999"):
            raise NotFound("there is no such token")
        credentials.revoke_token(person, int(number))
        return see_other(f"{ACCOUNT}?done=token")

    return routes


def _days(text_: str) -> int:
    """Return the days that were chosen; 0, which is refused, for anything but a number."""
    return int(text_) if text_.isascii() and text_.isdigit() and len(text_) <= len("365") else 0
