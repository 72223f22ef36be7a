"""Pages of signing in with an account of the unit: to the provider, and back."""

from fastapi import APIRouter, Request, Response

from services.console.accounts.http.sign_in_pages import next_step, with_cookie
from services.console.accounts.rights import SECURE_COOKIE, address_of, cookie_name
from services.console.federation.federation import Came, Federation
from services.console.federation.pending import GOOD_SECONDS
from services.console.federation.refusal import SignInRefused
from services.console.pages.frame import page
from shared.errors import Refused, TooManyRequests

SEE_OTHER = 303
CALLBACK = "/console/sign-in/oidc/return"
LONGEST_FOLLOWING = 600


def federation_pages(federation: Federation) -> APIRouter:
    """Return the routes. They are open: whoever uses them has no session yet."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/sign-in/oidc")
    def start(request: Request, next: str = "") -> Response:  # noqa: A002  # the address's own word
        try:
            started = federation.start(_callback(request), next[:LONGEST_FOLLOWING])
        except SignInRefused as error:
            return _refused(request, error)
        headers = {"Location": started.location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return _with_pending(Response(status_code=SEE_OTHER, headers=headers), request, started.cookie)

    @routes.get("/sign-in/oidc/return")
    def finish(request: Request) -> Response:
        came = Came(
            dict(request.query_params),
            request.cookies.get(_pending_name(request), ""),
            _callback(request),
            address_of(request),
            request.headers.get("user-agent", ""),
        )
        try:
            begun, following = federation.finish(came)
        except (SignInRefused, TooManyRequests) as error:
            return _with_pending(_refused(request, error), request, "")
        # Another site has led here, so a redirect would go without the session's cookie (SameSite=Strict): the
        # page itself goes on.
        answer = page(request, "signed_in_elsewhere.html", location=f"/console/{next_step(begun, following)}")
        answer.headers["Referrer-Policy"] = "no-referrer"
        return _with_pending(with_cookie(answer, request, begun.cookie), request, "")

    return routes


def _refused(request: Request, error: Refused) -> Response:
    return page(request, "sign_in_refused.html", status=error.status, message=str(error))


def _callback(request: Request) -> str:
    """Return the address that is registered at the provider."""
    return f"{request.url.scheme}://{request.url.netloc}{CALLBACK}"


def _pending_name(request: Request) -> str:
    return f"{cookie_name(request)}-oidc"


def _with_pending(answer: Response, request: Request, sealed: str) -> Response:
    """Set the cookie of a sign-in on its way, or delete it. Lax: it must come along when the provider leads back."""
    secure = cookie_name(request) == SECURE_COOKIE
    path, age = ("/" if secure else "/console"), (GOOD_SECONDS if sealed else 0)
    answer.set_cookie(
        _pending_name(request), sealed, max_age=age, path=path, secure=secure, httponly=True, samesite="lax"
    )
    return answer
