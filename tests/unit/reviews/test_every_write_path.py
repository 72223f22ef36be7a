"""Through no door: whatever people, imports, sets, undos and plans do, nothing is released that no five gates signed.

A state machine does anything in any order. A small model keeps, by rules of its own, what was signed; every release
that the source made is held against it.
"""

import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import col, select

from contracts.base import ANNOUNCEMENTS, SALT, format_time
from contracts.content.announcements import AnnouncementText
from contracts.content.gates import Gate, ReviewPolicy
from services.catalog.commands import Catalog, ItemImport
from shared.errors import TongyuanError
from shared.feeds.outbox import ReleaseRow
from shared.publishing import editions
from shared.publishing.editions import Period, Plans
from shared.publishing.import_undo import UndoRequest, undo_import
from shared.publishing.reviews import gathering, queries, signing, submitting, urgent
from shared.publishing.reviews.requests import SignRequest, SubmitRequest, UrgentRequest
from shared.publishing.sets import commands as sets
from shared.publishing.sets import requests as asked_of_sets
from shared.tokens.person import StaffRole
from tests.harness.pipeline import REGION, code_of, item
from tests.harness.reviewing import actor, person
from tests.harness.stores import store

CODE, KEY = code_of(1), f"item:{code_of(1)}"
EVERY_ROLE = tuple(StaffRole)
PEOPLE = [person(name, *EVERY_ROLE) for name in ("an.one", "bo.two", "cai.three", "du.four")]
START = datetime.now(UTC).replace(microsecond=0)
TIMES = [None, START + timedelta(days=1), START + timedelta(days=2)]
NAMES = ["第一稿", "第二稿", "第三稿"]
SHA = {name: f"{number:064x}" for number, name in enumerate(NAMES)}
people, times, names = st.sampled_from(PEOPLE), st.sampled_from(TIMES), st.sampled_from(NAMES)
plans = st.sampled_from([None, *Plans])
ops = st.sampled_from(["release", "release", "withdraw", "suspend"])
AS_SIGNED = "as signed"
WORDS = {"text": "明天起：每证10元"}
"""What is announced, where anything is: a release that says it is signed with it."""


def text(time):
    return None if time is None else format_time(time)


def period(at, says):
    """Return the period of a release; what is announced is of what is scheduled."""
    return Period(at, announcement=AnnouncementText(**WORDS) if says and at is not None else None)


class WritePaths(RuleBasedStateMachine):
    """One item of a county of five gates."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        db = store("catalog", f"sqlite:///{self.folder.name}/catalog.db")
        self.catalog = Catalog(db, REGION, review=ReviewPolicy.FIVE)
        self.reviewing, self.who = self.catalog.reviewing, self.catalog.who
        self.draft, self.authors = None, set()
        self.reviews, self.signed, self.bodies = {}, [], []
        self.seen, self.acts, self.edits, self.prepared = {"live": 0, "backfill": 0}, 0, 0, {}
        self.told, self.announced, self.complete = {}, set(), set()

    def teardown(self):
        self.catalog.db.close()
        self.folder.cleanup()

    @initialize(
        by=people, name=names, at=times, is_set=st.booleans(), alone=st.sampled_from([False, False, True]),
        plans_it=st.booleans(),
    )  # fmt: skip
    def begin_with_a_review(self, by, name, at, is_set, alone, plans_it):
        """Else most runs never come to a signature, or to a plan."""
        self.save(by, name)
        self.submit_and_sign(by, "release", at, is_set, alone)
        if plans_it:
            self.release(by, at, None)

    # What people do.

    @rule(by=people, name=names)
    def save(self, by, name):
        body = item(1, name).model_dump(mode="json")
        with self.catalog.db.read() as session:
            row = session.get(editions.EditionRow, CODE)
        with suppress(TongyuanError):
            saved, _ = self.catalog.save_item(actor(by), CODE, body, row and row.revision)
            draft = orjson.loads(saved.draft)
            if draft != self.draft:
                self.draft = draft
                self.authors.add(by.name)
                self.edits += 1

    @rule(by=people, op=ops, at=times, is_set=st.booleans(), says=st.booleans())
    def submit(self, by, op, at, is_set, says=False):
        says = says and op == "release" and at is not None
        member = {"code": CODE, "op": op, "effective_at": text(at), "announcement": WORDS if says else None}
        asked = SubmitRequest.model_validate({"members": [member], "kind": "set" if is_set else "edition"})
        with suppress(TongyuanError):
            number = submitting.submit(self.reviewing, actor(by), asked)
            body = self.draft if op == "release" else None
            authors = self.authors if op == "release" else set()
            self._known(number, asked.kind, {*authors, by.name}, [(op, body, text(at), None, says)])

    @rule(by=people, name=names)
    def submit_import(self, by, name):
        with suppress(TongyuanError):
            asked = SubmitRequest(kind="import", preview=SHA[name])
            number = gathering.begin(self.reviewing, actor(by), asked)
            self.catalog.import_items(actor(by), self._import(name, dry_run=True, review=number))
            gathering.close(self.reviewing, actor(by), number)
            with self.catalog.db.read() as session:
                (member,) = queries.one(session, number)["members"]
            told = (member["op"], member["body"], member["effective_at"], member["expires_at"], False)
            self._known(number, "import", {by.name}, [told])

    @rule(by=people, op=ops, at=times, is_set=st.booleans(), alone=st.booleans(), says=st.booleans())
    def submit_and_sign(self, by, op, at, is_set, alone, says=False):
        """Those who may sign, or one of them who tries alone."""
        self.submit(by, op, at, is_set, says)
        if self.reviews:
            excluded = self.reviews[max(self.reviews)]["excluded"]
            first, *others = [one for one in PEOPLE if one.name not in excluded] or PEOPLE
            self.sign_all(first, first if alone or not others else others[0], 0)

    @precondition(lambda self: self.signed)
    @rule(by=people, at=st.sampled_from([AS_SIGNED, *TIMES]), what=plans)
    def release_what_is_signed(self, by, at, what):
        """At the time that was signed, or at another one."""
        kind, op, body, signed, _, says = self.signed[-1]
        when = next((one for one in TIMES if text(one) == signed), None) if at is AS_SIGNED else at
        if kind == "import":
            self.run_import(by, body["task_name"])
        elif kind == "set" and when is not None:
            self.prepare_set(by, "release" if op == "release" else "withdraw", when, what, says)
        elif op == "release":
            self.release(by, when, what, says)
        else:
            self.take_off(by, when, what, op == "suspend")

    @rule(by=people, gate=st.sampled_from(list(Gate)), newest=st.integers(0, 2))
    def sign(self, by, gate, newest):
        self._sign(by, gate, newest)

    @rule(first=people, second=people, newest=st.integers(0, 1))
    def sign_all(self, first, second, newest):
        for number, gate in enumerate(Gate):
            self._sign(first if number % 2 else second, gate, newest)

    @rule(by=people, at=times, what=plans, says=st.booleans())
    def release(self, by, at, what, says=False):
        with suppress(TongyuanError):
            _, made = self.catalog.release_item(actor(by), CODE, period(at, says), None, what)
            self._check("edition")
            if made is not None:
                self.authors = set()

    @precondition(lambda self: self.planned())
    @rule(by=people, name=names, at=st.sampled_from(TIMES[1:]), signs=st.booleans())
    def replace_a_plan(self, by, name, at, signs):
        """A changed plan is reviewed while the old one stands; once it is signed, one step puts it in its place."""
        before, known = self.planned(), len(self.signed)
        self.save(by, name)
        self.submit(by, "release", at, is_set=False)
        if signs and self.reviews:
            excluded = self.reviews[max(self.reviews)]["excluded"]
            allowed = [one for one in PEOPLE if one.name not in excluded] or PEOPLE
            self.sign_all(allowed[0], allowed[-1], 0)
        assert self.planned() == before, "a plan fell while its change was reviewed"
        self.release(by, at, Plans.CANCEL)
        after = self.planned()
        if after != before:
            assert [one["effective_at"] for one in after] == [text(at)], "neither the old nor the new"
            assert after[0]["version"] == self._last_version(), "the old one comes after all"
            assert len(self.signed) <= known, "a plan was replaced by what no gate has signed"

    @rule(by=people, at=times, what=plans, suspends=st.booleans())
    def take_off(self, by, at, what, suspends):
        command = editions.suspend if suspends else editions.withdraw
        self._do("edition", command, by, Period(at), None, what)

    @rule(by=people)
    def restore(self, by):
        self._do("repeated", editions.restore, by)

    @rule(by=people)
    def cancel_plans(self, by):
        self._do("repeated", editions.cancel_plans, by)

    @rule(by=people, name=names)
    def run_import(self, by, name):
        with suppress(TongyuanError):
            self.catalog.import_items(actor(by), self._import(name))
        self._check("import")

    @rule(by=people, name=names)
    def undo(self, by, name):
        with suppress(TongyuanError):
            undo_import(self.catalog.db, self.who, actor(by), UndoRequest(source="test", sha256=SHA[name]))
        self._check("repeated")

    @rule(
        by=people,
        op=st.sampled_from(["release", "withdraw"]),
        at=st.sampled_from(TIMES[1:]),
        what=plans,
        says=st.booleans(),
    )
    def prepare_set(self, by, op, at, what, says=False):
        self.acts += 1
        part = {"part_of": f"act:catalog-set-{self.acts}", "effective_at": text(at), "plans": what}
        member = {"code": CODE, "op": op, "announcement": WORDS if says and op == "release" else None}
        asked = asked_of_sets.PrepareRequest.model_validate({**part, "members": [member]})
        signed, authors = list(self.signed), self.authors
        with suppress(TongyuanError), self.catalog.db.write() as session:
            made = sets.prepare(session, self.who, actor(by), asked, self.catalog.checked_draft)
            self.told[part["part_of"]] = [{name: one[name] for name in ("key", "version", "digest")} for one in made]
            if op == "release":
                self.authors = set()
        self._check("set")
        for one in self.signed:
            signed.remove(one)
        self.prepared[part["part_of"]] = (signed, authors if op == "release" else set(), self.edits)

    @rule(by=people, back=st.integers(0, 2))
    def complete_set(self, by, back):
        act = f"act:catalog-set-{max(1, self.acts - back)}"
        if act not in self.told:
            return
        asked = {"part_of": act, "effective_at": text(TIMES[1]), "members": self.told[act]}
        with suppress(TongyuanError), self.catalog.db.write() as session:
            sets.complete(session, self.who, actor(by), asked_of_sets.CompleteRequest.model_validate(asked))
            self.complete.add(act)
        self._check("nothing")

    @rule(by=people, back=st.integers(0, 2))
    def announce(self, by, back):
        """What a set says is shown on what is in force: once it is complete, and nothing else with it."""
        self.announced_by(by, back)

    def announced_by(self, by, back):
        """Announce a set; return the codes that changed."""
        act = f"act:catalog-set-{max(1, self.acts - back)}"
        asked = asked_of_sets.AnnounceRequest(part_of=act, codes=[CODE])
        changed = []
        with suppress(TongyuanError), self.catalog.db.write() as session:
            changed = sets.announce(session, self.who, actor(by), asked)
        assert not changed or act in self.complete, "a set that is not complete was announced"
        self._check("repeated")
        return changed

    @rule(by=people, back=st.integers(0, 2))
    def cancel_set(self, by, back):
        act = f"act:catalog-set-{max(1, self.acts - back)}"
        with suppress(TongyuanError), self.catalog.db.write() as session:
            changed = sets.cancel(session, self.who, actor(by), asked_of_sets.CancelRequest(part_of=act, codes=[CODE]))
            if changed:
                # Nobody has seen it: its review counts again, unless the draft was changed since.
                used, authors, edits = self.prepared.pop(act)
                self.signed += [one for one in used if one[1] != "release" or edits == self.edits]
                self.authors |= authors
        self._check("repeated")

    @rule(by=people, officer=st.booleans(), second=people)
    def withdraw_urgently(self, by, officer, second):
        asked = UrgentRequest(code=CODE, action="withdraw", reason="correction", note="先撤下")
        roles = (StaffRole.DUTY_OFFICER,) if officer else (StaffRole.RELEASER,)
        with suppress(TongyuanError):
            number = urgent.request(self.reviewing, actor(person(by.name, *roles)), asked)
            if officer:
                self._check("urgent")
                return
            self._check("nothing")
            urgent.confirm(self.reviewing, actor(second), number)
            assert second.name != by.name, "one person alone has withdrawn"
            self._check("urgent")

    # What must hold.

    @invariant()
    def nothing_else_was_released(self):
        self._check("nothing")

    def _known(self, number, kind, excluded, members):
        told = {"kind": kind, "excluded": set(excluded), "members": members, "gates": {}}
        self.reviews.setdefault(number, told)

    def _sign(self, by, gate, newest):
        numbers = sorted(self.reviews)
        if newest >= len(numbers):
            return
        number = numbers[-1 - newest]
        with self.catalog.db.read() as session:
            seen = queries.one(session, number)
        overrides = [{"finding": one["id"], "reason": "看过"} for one in seen["findings"] if one["gate"] == gate]
        asked = {"verdict": "pass", "digest": seen["digest"], "overrides": overrides}
        with suppress(TongyuanError):
            signing.sign(self.reviewing, actor(by), number, gate, SignRequest.model_validate(asked))
            review = self.reviews[number]
            assert by.name not in review["excluded"], "an author has signed"
            review["gates"][gate] = by.name
            if set(review["gates"]) == set(Gate) and "approved" not in review:
                assert len(set(review["gates"].values())) > 1, "one person has signed all gates"
                review["approved"] = True
                self.signed += [(review["kind"], *member) for member in review["members"]]

    def _do(self, grounds, command, by, *more):
        with suppress(TongyuanError), self.catalog.db.write() as session:
            command(session, self.who, actor(by), CODE, *more)
        self._check(grounds)

    def _import(self, name, **more):
        file = {"name": f"{name}.jsonl", "sha256": SHA[name]}
        row = item(1, name).model_dump(mode="json")
        return ItemImport.model_validate({"source": "test", "file": file, "rows": [row], "confirm": [], **more})

    def _check(self, grounds):
        """Every release since the last look is signed, or repeats a body that was released before."""
        new = self._new()
        own = 0
        for op, body, at, ends, says in new:
            signed = self._is_signed(grounds, op, body, at, ends, says)
            if body is not None and body in self.bodies and grounds != "nothing" and not signed:
                continue
            if body is None and grounds in {"repeated", "urgent"}:
                continue
            assert grounds != "nothing", f"released by nobody: {op} {at}"
            if signed:
                self.signed.remove(signed)
                self.announced |= {at} if says else set()
                own += 1
                self.bodies += [body]
                continue
            assert body is None, f"a body that no gate has signed was released by {grounds}"
            assert own or any(self._is_signed(grounds, *one) for one in new), f"unsigned {op} by {grounds}"
        assert own or not new or grounds in {"repeated", "urgent"}, f"{grounds} has repeated what no gate has signed"
        assert self.carried <= self.announced, "something was announced that no gate has signed"

    def _is_signed(self, grounds, op, body, at, ends, says):
        ops = ("withdraw", "suspend") if op == "withdraw" else ("release",)
        kinds = ("edition", "set") if grounds == "set" else (grounds,)
        asked = [(kind, name, body, at, ends, says) for kind in kinds for name in ops]
        return next((one for one in asked if one in self.signed), None)

    def planned(self):
        with self.catalog.db.read() as session:
            row = session.get(editions.EditionRow, CODE)
            return [] if row is None else editions.view(session, self.who, row)["planned"]

    def _last_version(self):
        with self.catalog.db.read() as session:
            return session.get(editions.EditionRow, CODE).version

    def _new(self):
        found, self.carried = [], set()
        with self.catalog.db.read() as session:
            for lane, last in self.seen.items():
                query = select(ReleaseRow).where(ReleaseRow.lane == lane, col(ReleaseRow.sequence) > last)
                for row in session.exec(query.order_by(col(ReleaseRow.sequence))):
                    self.seen[lane] = row.sequence
                    told = orjson.loads(row.document)
                    if row.key == KEY:
                        body = told["body"] and {
                            name: one for name, one in told["body"].items() if name not in (SALT, ANNOUNCEMENTS)
                        }
                        says = {
                            text(datetime.fromisoformat(one["until"]))
                            for one in (told["body"] or {}).get(ANNOUNCEMENTS, ())
                        }
                        self.carried |= says
                        at = told["effective_at"]
                        found.append((told["op"], body, at, told["expires_at"], at in says))
        return found


TestWritePaths = WritePaths.TestCase
TestWritePaths.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(names, min_size=3, max_size=3), st.sampled_from(TIMES[1:]), st.sampled_from(TIMES[1:]), st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_a_changed_plan_takes_the_place_of_the_old_one_only_once_it_is_signed(drafts, first, then, shown, signs):
    """The machine comes to a signed change of a plan once in a hundred runs."""
    machine, by = WritePaths(), PEOPLE[0]
    try:
        if shown:
            machine.begin_with_a_review(by, drafts[0], None, is_set=False, alone=False, plans_it=True)
        machine.save(by, drafts[1])
        machine.submit_and_sign(by, "release", first, is_set=False, alone=False)
        machine.release(by, first, None)
        before = machine.planned()
        assert len(before) == 1

        machine.replace_a_plan(by, drafts[2], then, signs)

        changes = (drafts[2], then) != (drafts[1], first)
        assert (machine.planned() != before) == (signs and changes)
        machine.nothing_else_was_released()
    finally:
        machine.teardown()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(names, min_size=2, max_size=2, unique=True), st.booleans(), st.booleans(), st.booleans())
def test_a_set_is_announced_once_it_is_complete_with_what_was_signed(drafts, says, completes, signs):
    """The machine comes to an announced set seldom: something is in force, and another body is signed as a set."""
    machine, by = WritePaths(), PEOPLE[0]
    try:
        machine.begin_with_a_review(by, drafts[0], None, is_set=False, alone=False, plans_it=True)
        machine.save(by, drafts[1])
        if signs:
            machine.submit_and_sign(by, "release", TIMES[1], is_set=True, alone=False, says=says)
        machine.prepare_set(by, "release", TIMES[1], None, says)
        if completes:
            machine.complete_set(by, 0)

        changed = machine.announced_by(by, 0)

        assert (changed == [CODE]) == (says and completes and signs)
        machine.nothing_else_was_released()
    finally:
        machine.teardown()
