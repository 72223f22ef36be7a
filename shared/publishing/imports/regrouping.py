"""An item that is split into situations, or merged from them, changes as one: no channel ever lacks both. Pure.

An item is published as one 31-character code or as its 33-character situations (domain 3.3). A group is everything
that an import states about one parent code. It regroups when it withdraws one form and brings the other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts.codes.identifiers import PARENT
from shared.publishing.imports.answer import Fate
from shared.publishing.imports.judgement import Judgement

WHOLE = 31
SITUATION = 33


@dataclass(frozen=True, slots=True)
class Regrouping:
    """One change of form. `goes`: codes that leave; `comes`: codes of the other form, in the order of the import."""

    goes: tuple[str, ...]
    comes: tuple[str, ...]


def regroupings(judgements: Mapping[str, Judgement]) -> list[Regrouping]:
    """Return every change of form that an import asks for."""
    groups: dict[str, list[str]] = {}
    for code in judgements:
        if len(code) in (WHOLE, SITUATION):
            groups.setdefault(code[PARENT], []).append(code)
    return [found for codes in groups.values() if len(codes) > 1 for found in _regrouping(codes, judgements)]


def _regrouping(codes: Iterable[str], judgements: Mapping[str, Judgement]) -> Iterator[Regrouping]:
    known = list(codes)
    for form, other in ((WHOLE, SITUATION), (SITUATION, WHOLE)):
        goes = tuple(code for code in known if len(code) == form and judgements[code].fate == Fate.WITHDRAWN)
        comes = tuple(code for code in known if len(code) == other and _comes(judgements[code]))
        if goes and comes:
            yield Regrouping(goes, comes)


def _comes(judgement: Judgement) -> bool:
    return judgement.releases or judgement.fate == Fate.REJECTED


def leaving_at(regrouping: Regrouping, judgements: Mapping[str, Judgement]) -> datetime | None:
    """Return when the old form leaves: when the first code of the new one starts. None: at once."""
    starts = [judgements[code].period.effective_at for code in regrouping.comes if judgements[code].releases]
    return min((start for start in starts if start), default=None) if all(starts) else None
