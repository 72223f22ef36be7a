"""`/v1/case-hooks`: what mobile asks for on behalf of apps, and the delivery log for operators."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from contracts.base import Json
from services.subscriptions.case_hooks.requests import CaseHook, News
from services.subscriptions.case_hooks.store import CaseHookStore
from shared.text.validation import parse
from shared.tokens.access import guard
from shared.tokens.rights import Right
from shared.web.edge import Content, takes

HookId = Annotated[str, Path(pattern=r"^hook_[0-9a-f]{24}$", description="`id` of a hook.")]
SECRET = "Webhook-Secret"  # noqa: S105  # the name of a header
Secret = Annotated[str, Header(alias=SECRET, max_length=64, description="The hook's secret, as the app sent it.")]
OwnDecision = Annotated[
    str | None, Header(alias=SECRET, max_length=64, description="Absent: mobile ends the hook by itself.")
]
NO_STORE = {"Cache-Control": "no-store"}
OF_MOBILE = [guard(Right.CASE_HOOKS)]


def case_hooks_router(hooks: CaseHookStore) -> APIRouter:
    """Return the routes of mobile, and of operators."""
    router = APIRouter(prefix="/v1/case-hooks", tags=["case hooks"])

    @router.put(
        "/{hook}",
        dependencies=OF_MOBILE,
        status_code=204,
        openapi_extra=takes(CaseHook),
        summary="Store a hook of a case; one that is there stays as it is",
    )
    def put(hook: HookId, content: Content) -> Response:
        hooks.put(hook, parse(CaseHook, content))
        return Response(status_code=204)

    @router.put(
        "/{hook}/news",
        dependencies=OF_MOBILE,
        openapi_extra=takes(News),
        summary="Make the newest state of a hook's case due; the same mark again changes nothing",
    )
    def news(hook: HookId, content: Content) -> Json:
        """`mark`: the mark that is here now; null if the hook has ended or is unknown."""
        return {"mark": hooks.news(hook, parse(News, content))}

    @router.get("/{hook}", dependencies=OF_MOBILE, summary="Read the state of a hook, with its secret")
    def state(hook: HookId, secret: Secret, response: Response) -> Json:
        response.headers.update(NO_STORE)
        return hooks.state(hook, secret)

    @router.delete("/{hook}", dependencies=OF_MOBILE, status_code=204, summary="Delete a hook and its calls")
    def end(hook: HookId, secret: OwnDecision = None) -> Response:
        hooks.end(hook, secret)
        return Response(status_code=204)

    @router.get(
        "/{hook}/calls",
        dependencies=[guard(Right.INSPECT)],
        summary="Read when a hook was called and how it went; neither request nor answer is kept",
    )
    def calls(hook: HookId, response: Response) -> Json:
        response.headers.update(NO_STORE)
        return hooks.calls(hook)

    return router
