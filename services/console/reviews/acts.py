"""What people do with reviews: sign one gate or several, and confirm an urgent withdrawal as the second person."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.base import Json
from contracts.content.gates import GATES, Gate
from services.console.receipts.opening import Followed, receipt_of
from services.console.reviews.pairs import GATE
from services.console.reviews.reading import ReviewDesk
from services.console.reviews.submitting import Submitting
from shared.database.engine import Database
from shared.errors import NotAllowed
from shared.publishing.reviews.model import Verdict
from shared.tokens.person import Person


@dataclass(frozen=True)
class Acts:
    """The acts on reviews. `desk` reads them; `submitting` begins them."""

    db: Database
    desk: ReviewDesk
    submitting: Submitting

    def sign(self, person: Person, source: str, number: int, gate: Gate, asked: Json) -> Json:
        """Sign one gate. Raises `NotAllowed` for a gate that is not the person's, and what the source says."""
        signer = self.desk.delegations.signers(person).get(gate)
        if signer is None:
            raise NotAllowed(f"{GATES[gate]}由有这一关角色的人签署，或者由其委托的同事签署")
        compared: list[Json] = []
        if gate == GATE and asked["verdict"] == Verdict.PASS:
            # Compared anew: the other document may have changed since the reviewer opened the page.
            compared = self.desk.pairs.findings(person, self.desk.reviews.read(person, source, number))
        return self.desk.reviews.sign(signer, source, number, gate, {**asked, "compared": compared})

    def sign_some(self, person: Person, source: str, number: int, gates: Sequence[Gate], asked: Json) -> Json:
        """Sign several gates, each with the reasons for its own findings; a return counts once, at the first gate.

        Raises as `sign`; the gates before the refused one are signed.
        """
        review = self.desk.reviews.read(person, source, number)
        pairs = {one["id"] for one in self.desk.pairs.findings(person, review)} if GATE in gates else set()
        found = {one["id"]: one["gate"] for one in review["findings"]} | dict.fromkeys(pairs, GATE)
        some = gates[:1] if asked["verdict"] == "return" else gates
        for gate in some:
            own = [one for one in asked["overrides"] if found.get(one["finding"]) == gate]
            review = self.sign(person, source, number, gate, {**asked, "overrides": own})
        return review

    def withdraw_urgently(self, person: Person, source: str, asked: Json) -> Json:
        """Withdraw at once as a duty officer, or ask a second person. What is withdrawn gets a receipt."""
        review = self.desk.reviews.withdraw_urgently(person, source, asked)
        return self._followed(person, review)

    def confirm(self, person: Person, source: str, number: int) -> Json:
        """Confirm an urgent withdrawal as the second person; it gets a receipt."""
        return self._followed(person, self.desk.reviews.confirm(person, source, number))

    def _followed(self, person: Person, review: Json) -> Json:
        """Return the review with `receipt`: of the withdrawal that was executed, None while it waits."""
        done = [one for one in review["members"] if one["released_version"]]
        if not done:
            return {**review, "receipt": None}
        versions = [{"key": one["key"], "version": one["released_version"], "op": "withdraw"} for one in done]
        followed = Followed(f"紧急撤下：{review['subject']}", person.display_name, review["submitted_at"], versions)
        # If we die before this commit, the withdrawal stands, and its receipt is opened from the source's feed.
        return {**review, "receipt": receipt_of(self.db, followed).id}
