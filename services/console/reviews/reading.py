"""One review as a page shows it, and the queues: what waits for a person, for how long, and what came back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.base import ANNOUNCEMENTS, Json
from contracts.content.gates import GATES, Gate
from services.console.content.differences import differences
from services.console.content.files import files_of
from services.console.content.shape import ContentKind, label_of
from services.console.content.words import PLANNED
from services.console.reviews.delegations import Delegations, Signer
from services.console.reviews.pairs import Pairs
from services.console.reviews.upstream import SOURCE_KINDS, Reviews
from services.console.upstream.editions import Editions
from shared.errors import TongyuanError
from shared.tokens.person import Person

STATES = {
    "gathering": "正在汇集",
    "waiting": "等第二人确认",
    "open": "待审核",
    "approved": "已通过，待发布",
    "returned": "已退回",
    "withdrawn": "已撤回送审",
    "obsolete": "草稿已改，须重新送审",
    "released": "已发布",
}
KINDS = {"edition": "单项", "set": "成组", "import": "导入", "urgent": "紧急撤下"}
OPS = {"release": "发布", "withdraw": "撤下", "suspend": "暂停"}


@dataclass(frozen=True)
class ReviewDesk:
    """Reads reviews for pages and JSON. It writes nothing."""

    reviews: Reviews
    editions: Editions
    delegations: Delegations

    @property
    def pairs(self) -> Pairs:
        """What compares the members with the other document of their code."""
        return Pairs(self.reviews, self.editions)

    def queues(self, person: Person, gate: Gate | None = None) -> Json:
        """Return `{mine, approved, returned, second, afterwards}`: lists of reviews.

        `mine`: open, with a gate that the person may sign and has not signed; `gate`: only where this one is open.
        `afterwards`: urgent withdrawals that the gates sign now. `second`: those that wait for a second person.
        """
        is_open = self.reviews.listed(person, state="open")
        signers = self.delegations.signers(person)
        wanted = [one for one in is_open if gate is None or one["gates"][gate]["state"] == "open"]
        regular = [one for one in wanted if one["kind"] != "urgent"]
        return {
            "mine": [one for one in regular if open_for(one, person, signers)],
            "others": [one for one in regular if not open_for(one, person, signers)],
            "afterwards": [one for one in wanted if one["kind"] == "urgent"],
            "second": self.reviews.listed(person, state="waiting"),
            "approved": self.reviews.listed(person, state="approved"),
            "returned": self.returned(person),
        }

    def returned(self, person: Person) -> list[Json]:
        """Return the reviews of the person that came back and were not submitted again, newest first."""
        found = [one for one in self.reviews.listed(person, state="returned") if concerns(one, person)]
        alive = [one for state in ("open", "approved") for one in self.reviews.listed(person, state=state)]
        again = {member["key"] for one in alive for member in one["members"]}
        waiting = [one for one in found if not again.intersection(member["key"] for member in one["members"])]
        return waiting[::-1]

    def page_of(self, person: Person, source: str, number: int, after: str = "") -> Json:
        """Return a review with differences by member, findings by gate, and the gates that the person may sign."""
        review = self.reviews.read(person, source, number)
        following = review["members_after"]
        if after:
            more = self.reviews.members(person, source, number, after)
            review, following = {**review, "members": more["members"]}, more["next"]
        kind = SOURCE_KINDS[source]
        found = [*review["findings"], *self._pairs(person, review)]
        findings = [{**one, "label": label_of(kind, one["field"])} for one in found]
        signers = self.delegations.signers(person)
        mine = open_for(review, person, signers)
        return {
            "review": review,
            "following": following,
            "members": [self._member(person, source, one) for one in review["members"]],
            "compares": self.pairs.compares(review),
            "replaced": self._replaced(person, kind, review),
            "findings": {gate: [one for one in findings if one["gate"] == gate] for gate in GATES},
            "mine": {gate: signers[gate].on_behalf_of for gate in mine},
            "kind": kind,
        }

    def of_code(self, person: Person, code: str) -> list[Json] | None:
        """Return the newest review of each source about a code.

        None in a county without reviews, and while a source does not answer.
        """
        try:
            if not self.reviews.is_needed(person):
                return None
            found = self.reviews.listed(person, code=code)
        except TongyuanError:
            return None
        return list({one["source"]: one for one in found}.values())

    def of_plan(self, person: Person, kind: ContentKind, code: str) -> Json | None:
        """Return the review of a draft that is to replace what is planned, if it can still lead to its release."""
        source = next(name for name, one in SOURCE_KINDS.items() if one == kind)
        found = [one for one in self.of_code(person, code) or [] if one["source"] == source]
        alive = [one for one in found if one["kind"] == "edition" and one["state"] in ("open", "approved")]
        return next((one for one in alive if one["members"][0]["op"] == "release"), None)

    def announced(self, person: Person, review: Json) -> Json | None:
        """Return what the one member of a review announces; None for nothing."""
        body = self.reviews.read(person, review["source"], review["number"])["members"][0]["body"] or {}
        told: Sequence[Json] = body.get(ANNOUNCEMENTS, ())
        return next(iter(told), None)

    def states(self, person: Person) -> dict[str, str]:
        """Return what stands with the reviews of each code that has an unfinished one, in words; {} as `of_code`."""
        found: dict[str, str] = {}
        try:
            if not self.reviews.is_needed(person):
                return {}
            for state in ("returned", "approved", "open"):
                for review in self.reviews.listed(person, state=state):
                    found |= {member["code"]: STATES[state] for member in review["members"]}
        except TongyuanError:
            return {}
        return found

    def _replaced(self, person: Person, kind: ContentKind, review: Json) -> list[Json]:
        """Return what is planned of the edition that is reviewed alone: its release may take the place of it."""
        if review["kind"] != "edition" or review["state"] not in ("open", "approved"):
            return []
        edition = self.editions.find(kind, review["members"][0]["code"], person)
        return [one for one in edition.planned if not one.get("part_of")] if edition else []

    def _pairs(self, person: Person, review: Json) -> list[Json]:
        """Return what item and guide state differently now, and what did when a gate was signed."""
        found = {one["id"]: one for one in self.pairs.findings(person, review)}
        said = [one for gate in review["gates"].values() for one in gate["overrides"] if "compared" in one]
        return list(({one["finding"]: one["compared"] for one in said} | found).values())

    def _member(self, person: Person, source: str, member: Json) -> Json:
        kind, version = SOURCE_KINDS[source], member["version_in_force"]
        before = self.editions.body(kind, member["code"], version, person) if version else None
        found = differences(kind, before, member["body"]) if member["op"] == "release" else []
        whole = differences(kind, None, member["body"]) if member["op"] == "release" else []
        given: Json = {"found": found, "whole": whole, "files": files_of(member["body"])}
        return {**member, **given, "op_words": OPS[member["op"]]}


def duration(seconds: float) -> str:
    """Return seconds in words: `3 小时 5 分钟`, with the two largest units."""
    minutes = int(seconds // 60)
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    parts = [f"{count} {unit}" for count, unit in ((days, "天"), (hours, "小时"), (left, "分钟")) if count]
    return " ".join(parts[:2]) or "不到 1 分钟"


def waited(since: str) -> str:
    """Return how long something waits, in words."""
    return duration((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())


WORDS: Json = {
    "planned": PLANNED,
    "states": STATES,
    "kinds": KINDS,
    "gates": GATES,
    "waited": waited,
    "duration": duration,
}
"""What the templates of reviews say."""


def open_for(review: Json, person: Person, signers: Mapping[Gate, Signer]) -> list[Gate]:
    """Return the open gates of a review that the person may sign: authors and who submitted it may sign none."""
    if review["state"] != "open" or concerns(review, person):
        return []
    return [gate for gate in GATES if gate in signers and review["gates"][gate]["state"] == "open"]


def concerns(review: Json, person: Person) -> bool:
    """Whether the person wrote or submitted what is reviewed."""
    return person.name == review["submitted_by"] or person.name in review["authors"]
