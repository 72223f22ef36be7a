"""Submit an import for review: at each source, one review of exactly what a run of this plan would release there."""

from dataclasses import dataclass
from typing import Any

from contracts.base import Json
from services.importing.engine.sources import CATALOG, GUIDES, Desk, ReviewableSources
from shared.errors import Conflict

FIVE = "five"
APPROVED = "approved"
LISTED = 200


@dataclass
class Submission:
    """The reviews of one import. `begin` comes before the rows are gathered, `end` after it.

    If the process dies between them, the reviews stay half-filled and open no gate; submit the file again.
    """

    sources: ReviewableSources
    desk: Desk
    note: str | None = None

    def begin(self, preview: str) -> None:
        """Begin a review at each source. `preview`: the digest of the plan, which every gate signs."""
        for service in (CATALOG, GUIDES):
            asked: Json = {"kind": "import", "members": [], "preview": preview, "note": self.note}
            self.desk.reviews[service] = self.sources.post(service, "reviews", asked)["number"]

    def end(self) -> dict[str, int | None]:
        """Open the gates; return the review's number at each source, None where the import changes nothing."""
        opened: dict[str, int | None] = {}
        for service, number in self.desk.reviews.items():
            if self.desk.gathered[service]:
                self.sources.post(service, f"reviews/{number}/close", {})
                opened[service] = number
            else:
                self.sources.delete(service, f"reviews/{number}")
                opened[service] = None
        return opened

    def take_back(self) -> None:
        """Take the reviews back: the plan was not gathered to its end."""
        for service, number in self.desk.reviews.items():
            self.sources.delete(service, f"reviews/{number}")


def demands_review(sources: ReviewableSources) -> bool:
    """Return whether this county releases nothing with a gate open."""
    return bool(sources.get(CATALOG, "reviews/figures")["policy"] == FIVE)


def reviews_of(sources: ReviewableSources, preview: str) -> dict[str, int | None]:
    """Return the newest review of the plan with this digest at each source, None where it changes nothing.

    Empty when the plan was never submitted.
    """
    found = {service: _newest(sources, service, preview) for service in (CATALOG, GUIDES)}
    if all(review is None for review in found.values()):
        return {}
    # One that was begun and taken back without a member: the plan changes nothing there.
    return {service: one["number"] if one and one["member_count"] else None for service, one in found.items()}


def _newest(sources: ReviewableSources, service: str, preview: str) -> Json | None:
    after: int | None = 0
    newest: Json | None = None
    while after is not None:
        answer = sources.get(service, "reviews", kind="import", after=after, limit=LISTED)
        newest = next((one for one in reversed(answer["reviews"]) if one["preview"] == preview), newest)
        after = answer["next"]
    return newest


def require_approved(sources: ReviewableSources, reviews: dict[str, int | None]) -> None:
    """Raises `Conflict` unless each review is approved: an import is carried out at both sources, or at none."""
    open_ones = []
    for service, number in reviews.items():
        if number is not None and (told := sources.get(service, f"reviews/{number}"))["state"] != APPROVED:
            open_ones.append(f"/{service}/v1/reviews/{number} ({_open_gates(told)})")
    if open_ones:
        listed = ", ".join(open_ones)
        raise Conflict(f"五关还没有全部通过，什么都没有改 (gates are open, nothing was changed): {listed}")


def _open_gates(review: dict[str, Any]) -> str:
    gates = [gate for gate, told in review["gates"].items() if told["state"] != "passed"]
    return f"{review['state']}: {', '.join(gates)}" if gates else str(review["state"])
