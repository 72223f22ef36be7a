"""Subscriptions to a case's progress for an app's backend, under /mobile/v1/."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Request, Response

from contracts.base import Timestamp
from services.channels.api import openapi
from services.channels.api.live_stream import Live
from services.channels.api.response_models import Answer
from services.channels.mobile import subscriptions
from services.channels.mobile.case_hooks import CaseHooks
from services.channels.pages.reader import ChannelReader
from shared.database.engine import Database

HookId = Annotated[str, Path(pattern=r"^hook_[0-9a-f]{24}$")]
Secret = Annotated[
    str, Header(alias="Webhook-Secret", max_length=64, description="Secret returned by the subscription.")
]
NO_STORE = {"Cache-Control": "no-store"}
UNKNOWN: Any = {404: openapi.problem_answer("No subscription matches; the response is the same for a wrong secret")}


class Subscribed(Answer):
    """Keep the secret: it verifies the calls that you receive and ends the subscription. It is returned only once."""

    id: str
    secret: str
    expires_at: Timestamp


class SubscriptionState(Answer):
    """`dead`: too many calls failed in a row. `ended`: the case is no longer shown, or the receiver answered 410."""

    id: str
    state: Literal["active", "dead", "ended"]
    failures: int
    problem: str | None
    expires_at: Timestamp


def router(db: Database, reader: ChannelReader, _live: Live) -> APIRouter:
    """Return the mobile channel's routes in addition to those that every channel has.

    The app's state has `case_hooks`: subscriptions, which stores whom to call and makes the calls.
    """
    routes = APIRouter(prefix="/v1/hooks", tags=["applications"])

    @routes.post(
        "",
        status_code=201,
        summary="Subscribe to a case by its number and query code",
        response_model=Subscribed,
        responses={
            404: openapi.problem_answer(
                "No case matches; the response is the same for a wrong number and a wrong code"
            ),
            409: openapi.problem_answer("The case has the largest number of subscriptions"),
            429: openapi.problem_answer("Too many look-ups; see Retry-After"),
        },
    )
    def subscribe(request: Request, wanted: subscriptions.Subscription) -> Response:
        """Counts as a look-up. docs/integrating/hooks.md describes what is sent."""
        address = request.client.host if request.client else "unknown"
        case = reader.lookup(wanted.project_no, wanted.query_code, address)
        answer = openapi.as_json(subscriptions.SubscriptionStore(db, _hooks(request)).add(wanted, case))
        answer.status_code = 201
        answer.headers.update(NO_STORE)
        return answer

    @routes.get(
        "/{hook}", summary="Read the state of a subscription", response_model=SubscriptionState, responses=UNKNOWN
    )
    def standing(request: Request, hook: HookId, secret: Secret) -> Response:
        hooks = _hooks(request)
        subscriptions.SubscriptionStore(db, hooks).move(hook)
        answer = openapi.as_json(hooks.state(hook, secret))
        answer.headers.update(NO_STORE)
        return answer

    @routes.delete("/{hook}", status_code=204, summary="Cancel a subscription", responses=UNKNOWN)
    def unsubscribe(request: Request, hook: HookId, secret: Secret) -> Response:
        hooks, store = _hooks(request), subscriptions.SubscriptionStore(db, _hooks(request))
        store.move(hook)
        hooks.end(hook, secret)
        # If we die here, subscriptions says at the next news that there is no such hook.
        store.forget(hook)
        return Response(status_code=204)

    return routes


def _hooks(request: Request) -> CaseHooks:
    found: CaseHooks = request.app.state.case_hooks
    return found
