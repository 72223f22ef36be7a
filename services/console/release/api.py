"""Releasing as JSON: `/v1/sets`, `/v1/releases`, `/v1/withdrawals`, `/v1/plans`, `/v1/receipts`, `/v1/previews`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from contracts.base import Json
from contracts.content.acts import SET_ACT
from services.console.accounts.rights import REVIEWERS, may
from services.console.areas import RELEASE_READERS
from services.console.release import plans, single
from services.console.release.requests import CancelRequest, PreviewLinkRequest, SetRequest, UndoRequest
from services.console.release.work import Releasing
from shared.publishing.reviews.roles import TAKING_OFF
from shared.text.validation import parse
from shared.tokens.person import Person, StaffRole
from shared.web.edge import CREATED, Content, takes

Reader = Annotated[Person, Depends(may(*RELEASE_READERS))]
Releaser = Annotated[Person, Depends(may(StaffRole.RELEASER))]
Withdrawer = Annotated[Person, Depends(may(*TAKING_OFF))]
Previewer = Annotated[Person, Depends(may(StaffRole.EDITOR, StaffRole.RELEASER, *REVIEWERS))]
Act = Annotated[str, Path(pattern=rf"^{SET_ACT}$", description="Key of the act that completes the set.")]
MOST_LISTED = 200


def routes_of(releasing: Releasing) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1", tags=["release"])
    _sets(routes, releasing)
    _single(routes, releasing)
    _receipts(routes, releasing)
    _previews(routes, releasing)
    return routes


def _sets(routes: APIRouter, releasing: Releasing) -> None:
    sets = releasing.sets

    @routes.post(
        "/sets", status_code=201, responses=CREATED, openapi_extra=takes(SetRequest), summary="Release a set as one"
    )
    def begin(person: Releaser, content: Content) -> Json:
        """Every channel shows the whole set or nothing of it. Read its progress at `/v1/sets/{act}`."""
        asked = parse(SetRequest, content)
        return sets.begin(person, asked.members(), asked.effective_at, asked.note)

    @routes.get("/sets", summary="List the newest sets")
    def listed(_person: Reader, limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50) -> Json:
        return {"sets": sets.listed(limit)}

    @routes.get("/sets/{act}", summary="Read a set")
    def one(act: Act, _person: Reader) -> Json:
        return sets.read(act)

    @routes.post("/sets/{act}/cancel", summary="Stop a set that is not complete")
    def cancel(act: Act, person: Releaser) -> Json:
        return sets.cancel(person, act)

    @routes.post("/sets/{act}/undo", openapi_extra=takes(UndoRequest), summary="Take a complete set back, as one act")
    def undo(act: Act, person: Releaser, content: Content) -> Json:
        return sets.undo(person, act, parse(UndoRequest, content).note)

    @routes.post("/rehearsals", openapi_extra=takes(SetRequest), summary="See what every channel would show of a set")
    def rehearse(person: Previewer, content: Content) -> Json:
        """By channel and key: the document without its source; null: the channel would show nothing."""
        asked = parse(SetRequest, content)
        return {"channels": releasing.previews.rehearsal(person, plans.versions_of(releasing.previews, person, asked))}


def _single(routes: APIRouter, releasing: Releasing) -> None:
    db, services = releasing.desk.db, releasing.desk.services

    @routes.post("/releases", openapi_extra=takes(single.ReleaseDrafts), summary="Release the drafts of a code")
    def release(person: Releaser, content: Content) -> Json:
        """`receipt`: null if nothing was new. `failed`: why the guide, which comes after its item, was not released."""
        return single.release_drafts(db, services, person, parse(single.ReleaseDrafts, content))

    @routes.post("/withdrawals", openapi_extra=takes(single.WithdrawOne), summary="Withdraw or suspend one edition")
    def withdraw(person: Withdrawer, content: Content) -> Json:
        return single.withdraw_one(db, services, person, parse(single.WithdrawOne, content))

    @routes.get("/plans", summary="List all that is planned, in order of time")
    def planned(person: Reader) -> Json:
        return {"plans": plans.calendar(services, person)}

    @routes.post("/plans/cancel", openapi_extra=takes(CancelRequest), summary="Cancel what is planned of one edition")
    def cancel(person: Releaser, content: Content) -> Json:
        wanted = parse(CancelRequest, content)
        return single.cancel_plans(services, person, wanted, ends=wanted.ends)


def _receipts(routes: APIRouter, releasing: Releasing) -> None:
    receipts = releasing.receipts

    @routes.get("/receipts", summary="List receipts, newest first")
    def listed(
        _person: Reader, limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50, before: int | None = None
    ) -> Json:
        return {"receipts": receipts.listed(limit, before)}

    @routes.get("/receipts/{number}", summary="Read a receipt: since when each channel and screen shows it")
    def one(number: Annotated[int, Path(ge=1, le=2**53)], _person: Reader) -> Json:
        return receipts.read(number)

    @routes.get("/notices", summary="List the releases that a channel does not show although their time has come")
    def notices(_person: Reader) -> Json:
        return {"receipts": receipts.notices(), "sets": [one for one in releasing.sets.listed() if one["late"]]}


def _previews(routes: APIRouter, releasing: Releasing) -> None:
    previews = releasing.previews

    @routes.post(
        "/previews",
        status_code=201,
        responses=CREATED,
        openapi_extra=takes(PreviewLinkRequest),
        summary="Make a link to a preview of drafts",
    )
    def begin(person: Previewer, content: Content) -> Json:
        return previews.begin(person, parse(PreviewLinkRequest, content).code)

    @routes.get("/previews", summary="List the links to previews of a code")
    def listed(_person: Previewer, code: Annotated[str, Query(pattern=r"^[0-9A-Z]{31,33}$")]) -> Json:
        return {"links": previews.listed(code)}

    @routes.delete("/previews/{link}", summary="Revoke a link to a preview")
    def revoke(link: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")], person: Previewer) -> Json:
        return previews.revoke(person, link)
