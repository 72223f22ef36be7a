"""What only an app's backend asks for under /mobile/v1/: to be told when a case moves."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Request, Response

from contracts.base import Timestamp
from services.channels import describing
from services.channels.answers import Answer
from services.channels.live import Live
from services.channels.mobile import hooks
from services.channels.reader import Reader
from shared.config import Settings
from shared.database import Database

HookId = Annotated[str, Path(pattern=r"^hook_[0-9a-f]{24}$")]
Secret = Annotated[str, Header(alias="Webhook-Secret", max_length=64, description="Told at the subscription.")]
NO_STORE = {"Cache-Control": "no-store"}
UNKNOWN: Any = {404: describing.problem_answer("No such subscription; the same for a wrong secret")}


class Subscribed(Answer):
    """Keep the secret: it verifies what is sent to you, and it ends the subscription. It is not told again."""

    id: str
    secret: str
    expires_at: Timestamp


class Standing(Answer):
    """`dead`: too many calls failed in a row. `ended`: the case is shown no more, or the receiver has answered 410."""

    id: str
    state: Literal["active", "dead", "ended"]
    failures: int
    problem: str | None
    expires_at: Timestamp


def router(db: Database, reader: Reader, _live: Live) -> APIRouter:
    """Routes of the mobile channel beside those that every channel has."""
    routes = APIRouter(prefix="/v1/hooks", tags=["applications"])

    @routes.post(
        "",
        status_code=201,
        summary="Be told when a case moves, by its number and query code",
        response_model=Subscribed,
        responses={
            404: describing.problem_answer("No case fits; the same for a wrong number and a wrong code"),
            409: describing.problem_answer("The case has enough subscriptions"),
            429: describing.problem_answer("Too many look-ups; see Retry-After"),
        },
    )
    def subscribe(request: Request, wanted: hooks.Subscription) -> Response:
        """Counts as a look-up. See docs/integrating/hooks.md for what is sent."""
        settings: Settings = request.app.state.settings
        hooks.allowed_host(wanted.url, settings)
        address = request.client.host if request.client else "unknown"
        case = reader.lookup(wanted.project_no, wanted.query_code, address)
        answer = describing.as_json(hooks.subscribe(db, wanted, case, settings))
        answer.status_code = 201
        answer.headers.update(NO_STORE)
        return answer

    @routes.get("/{hook}", summary="How a subscription is", response_model=Standing, responses=UNKNOWN)
    def standing(hook: HookId, secret: Secret) -> Response:
        answer = describing.as_json(hooks.standing(db, hook, secret))
        answer.headers.update(NO_STORE)
        return answer

    @routes.delete("/{hook}", status_code=204, summary="Be told no more", responses=UNKNOWN)
    def unsubscribe(hook: HookId, secret: Secret) -> Response:
        hooks.unsubscribe(db, hook, secret)
        return Response(status_code=204)

    return routes
