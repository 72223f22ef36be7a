"""`/v1/reviews` of a source: submit, read, sign, take back, and urgent withdrawals."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from contracts.base import Json
from contracts.content.gates import Gate
from shared.publishing.reviews import gathering, queries, signing, submitting, urgent
from shared.publishing.reviews.model import ReviewKind, ReviewState
from shared.publishing.reviews.queries import ReviewFilter
from shared.publishing.reviews.requests import SignRequest, SubmitRequest, UrgentRequest
from shared.publishing.reviews.submitting import Reviewing
from shared.text.validation import parse
from shared.tokens.access import By, guard
from shared.tokens.rights import Right
from shared.web.admission import List
from shared.web.edge import After, Content, Number, takes

ReviewNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="`number` of a review.")]
CodeQuery = Annotated[str | None, Query(pattern=r"^[0-9A-Z]{31,33}$", description="Reviews with this code.")]
CREATED = 201


def reviews_router(reviewing: Reviewing) -> APIRouter:
    """Return the routes. In a county without reviews they answer, and refuse what begins one."""
    router = APIRouter(prefix="/v1/reviews", tags=["reviews"], dependencies=[guard(Right.WRITE)])
    _add_reading(router, reviewing)
    _add_steps(router, reviewing)
    _add_urgent(router, reviewing)
    return router


def _add_reading(router: APIRouter, reviewing: Reviewing) -> None:
    db, who = reviewing.db, reviewing.who

    @router.get("", dependencies=[List], summary="List reviews in order of their numbers, without bodies")
    def listed(
        state: ReviewState | None = None,
        kind: ReviewKind | None = None,
        gate: Gate | None = None,
        code: CodeQuery = None,
        after: Number = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Json:
        """`gate`: open reviews that nobody has signed there."""
        wanted = ReviewFilter(state, kind, gate, who.key(code) if code else None)
        with db.read() as session:
            found, following = queries.listed(session, wanted, after, limit)
        return {"reviews": found, "next": following}

    @router.get("/figures", summary="Read the county's policy, what waits at each gate, and how long reviews take")
    def figures(response: Response) -> Json:
        response.headers["Cache-Control"] = "no-store"
        with db.read() as session:
            return queries.figures(session, who.review)

    @router.get("/{number}", summary="Read one review with its bodies, findings and signatures")
    def one(number: ReviewNumber, response: Response) -> Json:
        response.headers["Cache-Control"] = "no-store"
        return _told(reviewing, number)

    @router.get("/{number}/members", dependencies=[List], summary="List the members of a large review, with bodies")
    def members(number: ReviewNumber, after: After = "", limit: Annotated[int, Query(ge=1, le=200)] = 100) -> Json:
        with db.read() as session:
            found, following = queries.members_of(session, number, after, limit)
        return {"members": found, "next": following}


def _add_steps(router: APIRouter, reviewing: Reviewing) -> None:
    @router.post("", status_code=CREATED, openapi_extra=takes(SubmitRequest), summary="Submit for review")
    def submit(by: By, content: Content) -> Json:
        """Of an import, this begins a review that its dry run fills (`review` of an import) and `close` opens."""
        asked = parse(SubmitRequest, content)
        begins = gathering.begin if asked.kind == "import" else submitting.submit
        return _told(reviewing, begins(reviewing, by, asked))

    @router.post("/{number}/close", summary="Open the gates of an import whose rows are all gathered")
    def close(by: By, number: ReviewNumber) -> Json:
        gathering.close(reviewing, by, number)
        return _told(reviewing, number)

    @router.post(
        "/{number}/gates/{gate}", openapi_extra=takes(SignRequest), summary="Pass a gate, or return the review"
    )
    def sign(by: By, number: ReviewNumber, gate: Gate, content: Content) -> Json:
        signing.sign(reviewing, by, number, gate, parse(SignRequest, content))
        return _told(reviewing, number)

    @router.delete("/{number}", summary="Take back a review of which nothing is released")
    def take_back(by: By, number: ReviewNumber) -> Json:
        signing.take_back(reviewing, by, number)
        return _told(reviewing, number)


def _add_urgent(router: APIRouter, reviewing: Reviewing) -> None:
    @router.post(
        "/urgent", status_code=CREATED, openapi_extra=takes(UrgentRequest), summary="Withdraw before the review"
    )
    def request(by: By, content: Content) -> Json:
        """A duty officer withdraws at once; what a releaser asks for waits for a second person."""
        return _told(reviewing, urgent.request(reviewing, by, parse(UrgentRequest, content)))

    @router.post("/{number}/second", summary="Confirm an urgent withdrawal as the second person; it is executed")
    def second(by: By, number: ReviewNumber) -> Json:
        urgent.confirm(reviewing, by, number)
        return _told(reviewing, number)


def _told(reviewing: Reviewing, number: int) -> Json:
    with reviewing.db.read() as session:
        return queries.one(session, number)
