"""Reviews as JSON: `/v1/reviews…` and `/v1/delegations`."""

from typing import Annotated

from fastapi import APIRouter, Query

from contracts.base import Json
from contracts.content.gates import GATES, Gate
from services.console.reviews.acts import Acts
from services.console.reviews.requests import (
    DelegationRequest,
    Number,
    Reader,
    Reviewer,
    SignAt,
    Source,
    Staff,
    SubmitAt,
    Submitter,
    UrgentAt,
    Withdrawer,
)
from shared.publishing.reviews.model import ReviewState
from shared.text.validation import parse
from shared.web.edge import CREATED, Content, takes

OPENED = 201


def routes_of(acts: Acts) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1", tags=["reviews"])
    _reading(routes, acts)
    _steps(routes, acts)
    _delegations(routes, acts)
    return routes


def _reading(routes: APIRouter, acts: Acts) -> None:
    reviews = acts.desk.reviews

    @routes.get("/reviews", summary="List the reviews of both sources, longest waiting first")
    def listed(
        person: Reader,
        state: ReviewState = ReviewState.OPEN,
        gate: Gate | None = None,
        code: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{31,33}$")] = None,
    ) -> Json:
        wanted = {"state": state.value, "gate": gate and gate.value, "code": code}
        return {"reviews": reviews.listed(person, **{name: one for name, one in wanted.items() if one})}

    @routes.get("/reviews/queues", summary="Read what waits for the caller, what came back, and what is approved")
    def queues(person: Reader, gate: Gate | None = None) -> Json:
        return acts.desk.queues(person, gate)

    @routes.get("/reviews/figures", summary="Read the policy, what waits at each gate, and turn-around times")
    def figures(person: Reader) -> Json:
        return {"titles": dict(GATES), "sources": reviews.figures(person)}

    @routes.get("/reviews/{source}/{number}", summary="Read a review with its bodies, findings and signatures")
    def one(person: Reader, source: Source, number: Number) -> Json:
        """`compared`: what the members and their other documents state differently; 政策关 settles it."""
        review = reviews.read(person, source, number)
        return {**review, "compared": acts.desk.pairs.findings(person, review)}


def _steps(routes: APIRouter, acts: Acts) -> None:
    reviews = acts.desk.reviews

    @routes.post("/reviews", status_code=OPENED, responses=CREATED, openapi_extra=takes(SubmitAt), summary="Submit")
    def submit(person: Submitter, content: Content) -> Json:
        asked = parse(SubmitAt, content)
        members = [one.model_dump(mode="json") for one in asked.members]
        return reviews.submit(person, asked.source, members, asked.note, as_set=asked.kind == "set")

    @routes.post(
        "/reviews/{source}/{number}/gates/{gate}", openapi_extra=takes(SignAt), summary="Sign one gate, or return"
    )
    def sign(person: Staff, source: Source, number: Number, gate: Gate, content: Content) -> Json:
        """By a role of the caller's own, else on behalf of a colleague who is away."""
        asked = parse(SignAt, content).model_dump(mode="json", exclude={"on_behalf_of", "compared"})
        return acts.sign(person, source, number, gate, asked)

    @routes.delete("/reviews/{source}/{number}", summary="Take back a review of which nothing is released")
    def take_back(person: Submitter, source: Source, number: Number) -> Json:
        return reviews.take_back(person, source, number)

    @routes.post(
        "/reviews/urgent",
        status_code=OPENED,
        responses=CREATED,
        openapi_extra=takes(UrgentAt),
        summary="Withdraw before the review",
    )
    def urgent(person: Withdrawer, content: Content) -> Json:
        """By a duty officer at once; else once a second person has confirmed it."""
        asked = parse(UrgentAt, content)
        return acts.withdraw_urgently(person, asked.source, asked.model_dump(mode="json", exclude={"source"}))

    @routes.post("/reviews/{source}/{number}/second", summary="Confirm an urgent withdrawal as the second person")
    def second(person: Withdrawer, source: Source, number: Number) -> Json:
        return acts.confirm(person, source, number)


def _delegations(routes: APIRouter, acts: Acts) -> None:
    delegations = acts.desk.delegations

    @routes.get("/delegations", summary="List what the caller has delegated or signs for others")
    def listed(person: Staff) -> Json:
        return {"delegations": delegations.of(person)}

    @routes.post(
        "/delegations",
        status_code=OPENED,
        responses=CREATED,
        openapi_extra=takes(DelegationRequest),
        summary="Name a colleague who signs a gate while the caller is away",
    )
    def give(person: Reviewer, content: Content) -> Json:
        asked = parse(DelegationRequest, content)
        return delegations.give(person, asked.gate, asked.taker, asked.starts_at, asked.ends_at)

    @routes.delete("/delegations/{number}", summary="End a delegation now")
    def revoke(person: Reviewer, number: Number) -> Json:
        return delegations.revoke(person, number)
