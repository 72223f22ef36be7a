"""Working copies: what a person has typed, also half-typed and wrong, kept until it is saved at the source.

Each change is one committed transaction, so nothing that was acknowledged is lost by a reload, by signing out or when
the process dies.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

import orjson
from sqlmodel import col, select

from contracts.base import Json, format_time
from services.console.content.shape import ContentKind
from services.console.content.typed import LONGEST_TEXT, MOST_TEXTS, Texts, texts_of
from services.console.drafts.model import WorkingCopyRow
from services.console.upstream.editions import Edition
from shared.database.engine import Database
from shared.errors import Conflict, Invalid, Violation
from shared.tokens.person import Person

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Base:
    """What the typing about one document started from. `etag`: "" for a document that did not exist.

    `draft`: the source's draft. `begun_from`: the released body that this draft knows of, None before a release.
    `merged`: the released body that the typing knows of; it is newer once a release was merged into it. `shown`: the
    body from which the form was filled; what the form does not know is taken from there.
    """

    etag: str = ""
    draft: Json = field(default_factory=dict)
    begun_from: Json | None = None
    merged: Json | None = None
    shown: Json = field(default_factory=dict)

    @classmethod
    def of(cls, edition: Edition) -> "Base":
        """Return the base of typing that begins with the source's draft as it is."""
        return cls(edition.etag, edition.draft, edition.begun_from, edition.begun_from, edition.draft)


@dataclass(frozen=True, slots=True)
class WorkingCopy:
    """What one person has typed about one code. `texts`: paths begin with the kind, such as `guide.fees.0.fee_name`.

    `version`: 0 for one that is not stored yet. `touched`: something is typed that is not saved at the sources.
    """

    code: str
    texts: Texts
    bases: Mapping[ContentKind, Base]
    version: int = 0
    changed_at: str = ""
    touched: bool = False

    def texts_about(self, kind: ContentKind) -> Texts:
        """Return the texts of one document, by paths in that document."""
        prefix = f"{kind.value}."
        return {path.removeprefix(prefix): text for path, text in self.texts.items() if path.startswith(prefix)}

    def base(self, kind: ContentKind) -> Base:
        return self.bases.get(kind, Base())

    def with_texts(self, kind: ContentKind, texts: Texts) -> "WorkingCopy":
        """Return the copy with other texts of one document."""
        kept = {path: text for path, text in self.texts.items() if not path.startswith(f"{kind.value}.")}
        return replace(self, texts=kept | {f"{kind.value}.{path}": text for path, text in texts.items()})

    def with_body(self, kind: ContentKind, body: Json, base: Base) -> "WorkingCopy":
        """Return the copy with a form filled from a body, on another base."""
        filled = self.with_texts(kind, texts_of(kind, body))
        return replace(filled, bases={**self.bases, kind: replace(base, shown=body)})


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class WorkingCopies:
    """The working copies in the desk's store."""

    db: Database
    clock: Callable[[], datetime] = _now

    def find(self, person: Person, code: str) -> WorkingCopy | None:
        """Return a person's copy of a code."""
        with self.db.read() as session:
            row = session.get(WorkingCopyRow, (person.name, code))
            return None if row is None else _copy(row)

    def keep(self, person: Person, copy: WorkingCopy) -> WorkingCopy:
        """Store a copy as its next version; return it.

        Raises `Conflict` if another window of the same person has stored one since, `Invalid` for more than a form has.
        """
        _require_bounded(copy.texts)
        with self.db.write() as session:
            row = session.get(WorkingCopyRow, (person.name, copy.code), with_for_update=True)
            if (0 if row is None else row.version) != copy.version:
                raise Conflict(f"{copy.code}: another window has changed this working copy: load it again")
            row = row or WorkingCopyRow(person=person.name, code=copy.code, version=0)
            row.version = copy.version + 1
            row.name = copy.texts.get("item.task_name", copy.texts.get("guide.task_name", ""))[:LONGEST_NAME]
            row.texts = orjson.dumps(copy.texts).decode()
            row.bases = orjson.dumps({str(kind): _as_json(base) for kind, base in copy.bases.items()}).decode()
            row.changed_at, row.touched = format_time(self.clock()), copy.touched
            session.add(row)
            session.flush()
            # If the process dies before this commit, the copy is as it was; after it, what was typed is kept.
            return _copy(row)

    def discard(self, person: Person, code: str) -> None:
        """Delete a person's copy, if there is one."""
        with self.db.write() as session:
            row = session.get(WorkingCopyRow, (person.name, code), with_for_update=True)
            if row is not None:
                session.delete(row)

    def of(self, person: Person, *, saved: bool = False) -> list[Json]:
        """Return code, name and time of each touched copy of a person, newest first; `saved`: also of those saved."""
        query = select(WorkingCopyRow.code, WorkingCopyRow.name, WorkingCopyRow.changed_at)
        query = query.where(WorkingCopyRow.person == person.name).order_by(col(WorkingCopyRow.changed_at).desc())
        if not saved:
            query = query.where(col(WorkingCopyRow.touched))
        with self.db.read() as session:
            return [{"code": code, "name": name, "changed_at": at} for code, name, at in session.exec(query)]


def _require_bounded(texts: Texts) -> None:
    if len(texts) > MOST_TEXTS:
        raise Invalid(Violation("texts", "too_many", f"at most {MOST_TEXTS} fields"))
    for path, text in texts.items():
        if len(text) > LONGEST_TEXT or len(path) > LONGEST_NAME:
            raise Invalid(Violation(path[:LONGEST_NAME], "string_too_long", f"at most {LONGEST_TEXT} characters"))


def _copy(row: WorkingCopyRow) -> WorkingCopy:
    bases = {ContentKind(kind): Base(**base) for kind, base in orjson.loads(row.bases).items()}
    return WorkingCopy(row.code, orjson.loads(row.texts), bases, row.version, row.changed_at, row.touched)


def _as_json(base: Base) -> Json:
    return asdict(base)
