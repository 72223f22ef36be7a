"""What people do with one code, item and guide together: open, begin, keep, save."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from contracts.codes.identifiers import BASIC, LEVEL, USCC
from services.console.accounts.roles import require_own
from services.console.content.reading import Problem
from services.console.content.shape import ContentKind
from services.console.content.typed import FROM, Texts
from services.console.drafts.checks import is_begun
from services.console.drafts.saving import Decisions, Saved, save
from services.console.drafts.working_copies import Base, WorkingCopies, WorkingCopy
from services.console.upstream.editions import Edition, Editions
from shared.errors import Conflict, NotFound
from shared.tokens.person import Person

ITEM, GUIDE = ContentKind.ITEM, ContentKind.GUIDE
FOLLOWED = ("task_name", "dept_name")
"""Fields of a guide that repeat its item's."""


@dataclass(frozen=True, slots=True)
class SavedBoth:
    """What became of item and guide; a document that was not begun is not among them."""

    copy: WorkingCopy
    documents: Mapping[ContentKind, Saved]

    @property
    def is_done(self) -> bool:
        return all(one.result in ("saved", "unchanged") for one in self.documents.values())

    @property
    def problems(self) -> dict[str, Problem]:
        """Problems by the path in the form of both documents."""
        return {
            f"{kind.value}.{one.path}" if one.path else "": one
            for kind, saved in self.documents.items()
            for one in saved.problems
        }


@dataclass(frozen=True)
class Writing:
    """The acts of writing over the sources and the desk's working copies."""

    editions: Editions
    copies: WorkingCopies

    def open(self, person: Person, code: str) -> WorkingCopy:
        """Return what the person is writing about a code; if they are not, a new copy of what the sources have.

        Raises `NotFound` for a code that no source has, and `NotAllowed` for one of another department.
        """
        require_own(person, code)
        known = self.copies.find(person, code)
        if known is not None and known.touched:
            return known
        found = self._editions(person, code)
        if not found:
            raise NotFound(f"{code}: neither an item nor a guide, and nothing of it is written yet")
        fresh = WorkingCopy(code, {}, {}, version=known.version if known else 0)
        for kind, edition in found.items():
            fresh = fresh.with_body(kind, edition.draft, Base.of(edition))
        if known is not None and (known.texts, known.bases) == (fresh.texts, fresh.bases):
            return known
        return self.copies.keep(person, fresh)

    def begin(
        self, person: Person, code: str, copied_from: str = "", stated: Mapping[str, str] | None = None
    ) -> WorkingCopy:
        """Begin a new item with its guide, empty or copied from another code.

        `stated`: texts of item fields that are known beforehand, in place of what is copied.

        Raises `Conflict` if the code exists, `NotFound` if what is to be copied does not, `NotAllowed` as `open`.
        """
        require_own(person, code)
        if self._editions(person, code):
            raise Conflict(f"{code} exists already: open it")
        known = self.copies.find(person, code)
        if known is not None:
            return known
        copy = WorkingCopy(code, {}, {}, touched=True)
        if copied_from:
            found = self._editions(person, copied_from)
            if not found:
                raise NotFound(f"{copied_from}: there is nothing to copy")
            for kind, edition in found.items():
                copy = copy.with_body(kind, edition.draft, Base())
            copy = replace(copy, texts=_copied(copy.texts))
        known_before = {f"item.{name}": text for name, text in {**(stated or {}), **_from_code(code)}.items()}
        texts = {**copy.texts, **known_before, "guide.code": code}
        return self.copies.keep(person, _following(replace(copy, bases={}, texts=texts)))

    def keep(self, person: Person, code: str, texts: Texts, version: int) -> WorkingCopy:
        """Store what is typed, as it is. Raises `Conflict` if another window has stored it since, else as `open`."""
        require_own(person, code)
        known = self.copies.find(person, code)
        if known is None:
            raise Conflict(f"{code}: this working copy was saved or discarded in another window: load the page again")
        typed = _following(replace(known, texts=texts, version=version, touched=True))
        return self.copies.keep(person, typed)

    def save(self, person: Person, copy: WorkingCopy, decisions: Mapping[ContentKind, Decisions]) -> SavedBoth:
        """Save item and guide as drafts at their sources; the guide only if the item is saved.

        The working copy becomes what the sources have now, or stays as it is typed where something is to be done.
        """
        require_own(person, copy.code)
        done: dict[ContentKind, Saved] = {}
        for kind in ContentKind:
            if not is_begun(copy, kind):
                continue
            done[kind] = save(self.editions, person, kind, copy, decisions.get(kind))
            copy = done[kind].copy
            if done[kind].result in ("problems", "conflicts"):
                break
        both = SavedBoth(copy, done)
        # If the process dies before this: the drafts are saved and the copy is merged with them when it is saved again.
        return replace(both, copy=self.copies.keep(person, replace(copy, touched=not both.is_done)))

    def _editions(self, person: Person, code: str) -> dict[ContentKind, Edition]:
        found = {kind: self.editions.find(kind, code, person) for kind in ContentKind}
        return {kind: edition for kind, edition in found.items() if edition is not None}


def _from_code(code: str) -> dict[str, str]:
    """Return the texts of the fields that an item's code contains (domain reference 3.2)."""
    return {"code": code, "catalog_code": code[BASIC], "use_level": code[LEVEL], "dept_code": code[USCC]}


def _copied(texts: Texts) -> Texts:
    """Return the texts as those of a new document: no part comes from a stored one."""
    return {path: "" if path.endswith(f".{FROM}") else text for path, text in texts.items()}


def _following(copy: WorkingCopy) -> WorkingCopy:
    """Return the copy with its code, and with the guide's name and unit as in the item, unless they differed before."""
    copy = copy.with_texts(ITEM, {**copy.texts_about(ITEM), "code": copy.code})
    guide, item = copy.texts_about(GUIDE), copy.texts_about(ITEM)
    shown = copy.base(GUIDE).shown
    followed = {"code": copy.code}
    for name in FOLLOWED:
        before = copy.base(ITEM).draft.get(name)
        if name in item and (not shown.get(name) or shown.get(name) == before or guide.get(name) == before):
            followed[name] = item[name]
    return copy.with_texts(GUIDE, {**guide, **followed})
