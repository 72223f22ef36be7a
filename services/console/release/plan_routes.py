"""Pages of what is planned: the calendar, cancelling, and giving a plan another time or text in one step."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.base import Json, format_time
from services.console.accounts.rights import form_of
from services.console.content.differences import differences
from services.console.content.shape import ContentKind
from services.console.content.words import KINDS, PLANNED
from services.console.pages.frame import page, see_other
from services.console.pages.times import form_time, typed_time
from services.console.release import plans, single
from services.console.release.api import Reader, Releaser
from services.console.release.told import TOLD, errors_of, told_of, typed_of
from services.console.release.work import Releasing
from services.console.reviews.acts import Acts
from services.console.upstream.editions import Editions
from shared.errors import NotFound, Refused, TongyuanError
from shared.text.validation import parse
from shared.tokens.person import Person, StaffRole

FormData = Annotated[Any, Depends(form_of)]
Kind = Annotated[ContentKind, Query()]
Code = Annotated[str, Query(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$")]
TYPED = ("kind", "code", "etag", "effective_at", "expires_at", "note", *TOLD)
CANNOT = "没有成功，请改正后再试："
FIELD_WORDS = {
    "effective_at": "请填以后的时间，或留空立即生效",
    "expires_at": "请填生效时间之后的时间，或留空长期有效",
    "note": "变更说明最多500字",
}


def routes_of(releasing: Releasing) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/release/plans", include_in_schema=False)
    _calendar(routes, releasing)
    _change(routes, releasing)
    return routes


def _calendar(routes: APIRouter, releasing: Releasing) -> None:
    services = releasing.desk.services

    def calendar(request: Request, person: Person, problem: str = "") -> Response:
        shown: Json = {"plans": plans.calendar(services, person), "what": PLANNED, "kinds": KINDS, "problem": problem}
        shown["may_release"] = StaffRole.RELEASER in person.roles
        return page(request, "plans.html", person=person, status=409 if problem else 200, **shown)

    @routes.get("")
    def planned(request: Request, person: Reader) -> Response:
        return calendar(request, person)

    @routes.post("/cancel")
    def cancel(request: Request, person: Releaser, sent: FormData) -> Response:
        try:
            wanted = parse(single.Which, {name: str(sent.get(name, "")) for name in ("kind", "code", "etag")})
            single.cancel_plans(services, person, wanted, ends=sent.get("what") == "end")
        except TongyuanError as error:
            return calendar(request, person, f"{CANNOT}{error}")
        return see_other("release/plans")


def _change(routes: APIRouter, releasing: Releasing) -> None:
    desk = releasing.desk

    def form(
        request: Request, person: Person, edition: Json, typed: Json, errors: Json | None = None, status: int = 200
    ) -> Response:
        shown = _shown(Editions(desk.services), person, ContentKind(typed["kind"]), edition)
        given: Json = {"typed": typed, "errors": errors or {}, "what": PLANNED, "kinds": KINDS, **shown}
        reviewing: Acts = request.app.state.reviewing
        given["five"] = reviewing.desk.reviews.is_known_to_be_needed(person)
        review = given["review"] = reviewing.desk.of_plan(person, ContentKind(typed["kind"]), typed["code"])
        given["announced"] = reviewing.desk.announced(person, review) if review else None
        return page(request, "plan_change.html", person=person, status=status, **given)

    @routes.get("/change")
    def change(request: Request, person: Releaser, kind: Kind, code: Code) -> Response:
        edition = _planned(releasing, person, kind, code)
        first = edition["planned"][0] if edition["planned"] else edition["in_force"]
        typed = {
            "kind": kind.value,
            "code": code,
            "etag": _etag(edition),
            "effective_at": form_time(first["effective_at"]) if edition["planned"] else "",
            "expires_at": form_time(first["expires_at"]),
            "note": "",
            **typed_of(first.get("announcement")),
        }
        return form(request, person, edition, typed)

    @routes.post("/change")
    def changed(request: Request, person: Releaser, sent: FormData) -> Response:
        typed = {name: str(sent.get(name, "")).strip() for name in TYPED}
        if typed["kind"] not in set(ContentKind):
            raise NotFound("there is no such kind of content")
        wanted: Json = {"code": typed["code"], "etags": {typed["kind"]: typed["etag"]}, "plans": "cancel"}
        wanted |= {name: typed_time(typed[name]) for name in ("effective_at", "expires_at") if typed[name]}
        wanted |= {"note": typed["note"]} if typed["note"] else {}
        wanted |= told_of(typed)
        try:
            asked = parse(single.ReleaseDrafts, wanted)
            if sent.get("act") == "submit":
                return _submitted(request, person, asked)
            done = single.release_drafts(desk.db, desk.services, person, asked)
        except Refused as error:
            edition = _planned(releasing, person, ContentKind(typed["kind"]), typed["code"])
            errors = errors_of(error, FIELD_WORDS)
            return form(request, person, edition, typed, errors, error.status)
        receipt = done["receipt"]
        return see_other(f"release/receipts/{receipt['number']}" if receipt else "release/plans")


def _submitted(request: Request, person: Person, asked: single.ReleaseDrafts) -> Response:
    """Submit the changed plan for review, and lead to the review. Raises what the source says."""
    reviewing: Acts = request.app.state.reviewing
    kind, etag = next(iter(asked.etags.items()))
    times = {"effective_at": asked.effective_at, "expires_at": asked.expires_at}
    told: Json = {name: one and format_time(one) for name, one in times.items()}
    if asked.announcement is not None:
        told["announcement"] = asked.announcement.model_dump(mode="json", exclude_none=True)
    revision = int(etag.partition("-")[0])
    review = reviewing.submitting.plan(person, kind, asked.code, revision, told, None)
    return see_other(f"reviews/{review['source']}/{review['number']}")


def _planned(releasing: Releasing, person: Person, kind: ContentKind, code: str) -> Json:
    """Return the edition. Raises `NotFound` unless something of it is planned that is not a set's."""
    edition = releasing.previews.draft(person, kind.value, code)
    ends = edition and edition["in_force"] and edition["in_force"]["expires_at"]
    if edition is None or not (edition["planned"] or ends):
        raise NotFound(f"nothing is planned of {kind}:{code}")
    return edition


def _etag(edition: Json) -> str:
    return f"{edition['revision']}-{(edition['in_force'] or {}).get('version', 0)}"


def _shown(editions: Editions, person: Person, kind: ContentKind, edition: Json) -> Json:
    """Return the plans that the change replaces, and what the draft says else than the plan and than what is shown."""
    in_force = (edition["in_force"] or {}).get("body")
    bodies = [one for one in edition["planned"] if one["op"] == "release"]
    body = editions.body(kind, edition["code"], bodies[0]["version"], person) if bodies else in_force
    draft = edition["draft"]
    return {
        "name": draft.get("task_name") or edition["code"],
        "replaced": edition["planned"],
        "to_plan": differences(kind, body, draft),
        "to_shown": differences(kind, in_force, draft),
    }
