"""Content blocks: one telephone number, address or fee that many documents state, changed once in all of their drafts.

A block is bound to the documents that hold its value. Changing it saves a draft of each; releasing them is another act.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson
from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from services.console.blocks.block_values import SHORTEST_VALUE, uses, with_value
from services.console.blocks.model import BlockChangeRow, BlockRow, BlockUseRow
from services.console.content.differences import Difference, differences
from services.console.content.shape import ContentKind
from services.console.drafts.rewriting import WORDS, Rewriting, rewrite
from services.console.upstream.editions import Editions
from shared.audit.differences import differences as differences_of_bodies
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, NotFound, Violation
from shared.publishing.reviews.roles import may_write
from shared.tokens.person import Actor, Person

LONGEST_NAME, LONGEST_VALUE = 100, 2000
Place = tuple[ContentKind, str]
"""Kind and code of a document."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block. `bound`: the documents that hold its value and change with it."""

    id: int
    name: str
    value: str
    version: int
    bound: list[Place]
    changed_at: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change of a block does, or did, to one document. `paths`: its fields that hold the value."""

    kind: ContentKind
    code: str
    name: str
    paths: list[str]
    found: list[Difference]
    result: str = ""

    @property
    def words(self) -> str:
        """The result for people."""
        return WORDS.get(self.result, self.result)  # type: ignore[call-overload, no-any-return]  # a stored result

    def as_json(self) -> Json:
        told = {**asdict(self), "kind": self.kind.value, "found": [one.as_json() for one in self.found]}
        return {name: value for name, value in told.items() if name != "result" or value}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Blocks:
    """The blocks in the desk's store, and their effect on drafts at the sources."""

    db: Database
    editions: Editions
    clock: Callable[[], datetime] = _now

    def all(self) -> list[Block]:
        """Return every block, in order of names."""
        with self.db.read() as session:
            return [_block(session, row) for row in session.exec(select(BlockRow).order_by(col(BlockRow.name)))]

    def find(self, number: int) -> Block:
        """Return a block. Raises `NotFound`."""
        with self.db.read() as session:
            return _block(session, _row(session, number))

    def create(self, person: Person, name: str, value: str) -> Block:
        """Make a block, bound to every document of the person's departments whose draft holds its value.

        Raises `Invalid` for a name or value that cannot be one.
        """
        _check(name, value)
        bound = [(effect.kind, effect.code) for effect in self.found(person, value)]
        with self.db.write() as session:
            row = BlockRow(name=name, value=value, created_by=person.name, changed_at=format_time(self.clock()))
            session.add(row)
            session.flush()
            block = _number(row)
            _bind(session, block, bound)
            session.flush()
            made = _block(session, row)
            record(session, Actor.of(person), _audited("block.created", None, made))
            # If the process dies before this commit there is no block, and no document has changed.
            return made

    def bind(self, person: Person, number: int, version: int, bound: Sequence[Place]) -> Block:
        """Bind a block to exactly these documents. Raises `Conflict` if it was changed since."""
        with self.db.write() as session:
            row = _unchanged(session, number, version)
            before = _block(session, row)
            for use in session.exec(select(BlockUseRow).where(BlockUseRow.block == number)):
                session.delete(use)
            session.flush()
            _bind(session, number, bound)
            _changed(row, self.clock())
            session.flush()
            made = _block(session, row)
            record(session, Actor.of(person), _audited("block.bound", before, made))
            return made

    def delete(self, person: Person, number: int) -> None:
        """Delete a block; documents keep what they state. Raises `NotFound`."""
        with self.db.write() as session:
            row = _row(session, number)
            before = _block(session, row)
            for use in session.exec(select(BlockUseRow).where(BlockUseRow.block == number)):
                session.delete(use)
            session.delete(row)
            session.flush()
            record(session, Actor.of(person), _audited("block.deleted", before, None))

    def found(self, person: Person, value: str) -> list[Effect]:
        """Return the documents of the person's departments whose drafts hold a value."""
        return [
            effect
            for kind in ContentKind
            for code in self.editions.containing(kind, value, person)
            if may_write(person, code) and (effect := self._effect(person, (kind, code), value, value)).paths
        ]

    def preview(self, person: Person, block: Block, value: str) -> list[Effect]:
        """Return what a new value would change in each bound document, all of them. Raises `Invalid`."""
        _check(block.name, value)
        return [self._effect(person, place, block.value, value) for place in block.bound]

    def change(self, person: Person, number: int, version: int, value: str) -> tuple[int, list[Effect]]:
        """Save a draft with the new value of each bound document; return the number of the change, and what it did.

        Raises `Conflict` if the block was changed since, `Invalid` for a value that cannot be one.
        """
        block = self.find(number)
        _check(block.name, value)
        return self._apply(person, block, version, value, block.bound, None)

    def undo(self, person: Person, change: int) -> tuple[int, list[Effect]]:
        """Take back a change in every document whose draft it saved. Fields that were changed since stay.

        Raises `NotFound`, and `Conflict` if the block has another value by now.
        """
        with self.db.read() as session:
            row = session.get(BlockChangeRow, change)
            if row is None:
                raise NotFound(f"there is no change {change} of a content block")
            number, before, after, outcome = row.block, row.before, row.after, orjson.loads(row.outcome)
        block = self.find(number)
        if block.value != after:
            raise Conflict(f"block {number} has another value by now: take back its newer change first")
        places = [(ContentKind(one["kind"]), one["code"]) for one in outcome if one["result"] == "saved"]
        return self._apply(person, block, block.version, before, places, change)

    def changes(self, number: int) -> list[Json]:
        """Return the changes of a block, newest first."""
        query = select(BlockChangeRow).where(BlockChangeRow.block == number).order_by(col(BlockChangeRow.id).desc())
        with self.db.read() as session:
            return [_told(row) for row in session.exec(query)]

    def _apply(
        self, person: Person, block: Block, version: int, value: str, places: Sequence[Place], undoes: int | None
    ) -> tuple[int, list[Effect]]:
        with self.db.write() as session:
            row = _unchanged(session, block.id, version)
            row.value = value
            _changed(row, self.clock())
            change = BlockChangeRow(
                block=block.id,
                person=person.name,
                at=format_time(self.clock()),
                before=block.value,
                after=value,
                outcome="[]",
                undoes=undoes,
            )
            session.add(change)
            session.flush()
            number = change.id or 0
            record(session, Actor.of(person), _audited("block.changed", block, _block(session, row)))
        # If the process dies here, the block has its new value and some drafts still the old one: each is listed as
        # holding another value, and the same change again saves only those.
        effects = [self._rewritten(person, place, block.value, value) for place in places]
        with self.db.write() as session:
            stored = session.get(BlockChangeRow, number, with_for_update=True)
            if stored is not None:
                told = [{"kind": one.kind.value, "code": one.code, "result": one.result} for one in effects]
                stored.outcome = orjson.dumps(told).decode()
                session.add(stored)
        return number, effects

    def _rewritten(self, person: Person, place: Place, old: str, new: str) -> Effect:
        kind, code = place
        if not may_write(person, code):
            return Effect(kind, code, "", [], [], "不是您部门的内容，没有修改")
        done = rewrite(self.editions, person, kind, code, lambda body: with_value(kind, body, old, new))
        return _effect(place, done, old)

    def _effect(self, person: Person, place: Place, old: str, new: str) -> Effect:
        kind, code = place
        edition = self.editions.find(kind, code, person)
        if edition is None:
            return _effect(place, Rewriting("missing"), old)
        changed = with_value(kind, edition.draft, old, new)
        return _effect(place, Rewriting("unchanged", edition.draft, changed), old, result="")


def _effect(place: Place, done: Rewriting, old: str, result: str | None = None) -> Effect:
    kind, code = place
    before, after = done.before or {}, done.after or {}
    found = differences(kind, before, after) if done.before is not None else []
    name = str(before.get("task_name", ""))
    return Effect(kind, code, name, uses(kind, before, old), found, done.result if result is None else result)


def _check(name: str, value: str) -> None:
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise Invalid(Violation("name", "length", f"1 to {LONGEST_NAME} characters", name[:40]))
    if value != value.strip() or not SHORTEST_VALUE <= len(value) <= LONGEST_VALUE:
        message = f"{SHORTEST_VALUE} to {LONGEST_VALUE} characters without blanks around"
        raise Invalid(Violation("value", "length", message, value[:40]))


def _row(session: Session, number: int) -> BlockRow:
    row = session.get(BlockRow, number)
    if row is None:
        raise NotFound(f"there is no content block {number}")
    return row


def _audited(action: str, before: Block | None, after: Block | None) -> AuditEntry:
    versions = [None if one is None else {"version": one.version} for one in (before, after)]
    number = next(one.id for one in (before, after) if one is not None)
    changes = differences_of_bodies(*(None if one is None else _body(one) for one in (before, after)))
    return AuditEntry(action, f"block:{number}", versions[0], versions[1], changes)


def _body(block: Block) -> Json:
    return {"name": block.name, "value": block.value, "bound": [f"{kind}:{code}" for kind, code in block.bound]}


def _unchanged(session: Session, number: int, version: int) -> BlockRow:
    row = session.get(BlockRow, number, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no content block {number}")
    if row.version != version:
        raise Conflict(f"block {number} was changed by somebody else: load it again")
    return row


def _changed(row: BlockRow, at: datetime) -> None:
    row.version, row.changed_at = row.version + 1, format_time(at)


def _bind(session: Session, block: int, bound: Sequence[Place]) -> None:
    session.add_all(BlockUseRow(block=block, kind=kind.value, code=code) for kind, code in dict.fromkeys(bound))
    session.flush()


def _block(session: Session, row: BlockRow) -> Block:
    number = _number(row)
    query = select(BlockUseRow.kind, BlockUseRow.code).where(BlockUseRow.block == number)
    order = query.order_by(col(BlockUseRow.code), col(BlockUseRow.kind).desc())
    bound = [(ContentKind(kind), code) for kind, code in session.exec(order)]
    return Block(number, row.name, row.value, row.version, bound, row.changed_at)


def _number(row: BlockRow) -> int:
    return row.id or 0


def _told(row: BlockChangeRow) -> Json:
    return {
        "id": row.id,
        "person": row.person,
        "at": row.at,
        "before": row.before,
        "after": row.after,
        "undoes": row.undoes,
        "documents": orjson.loads(row.outcome),
    }
