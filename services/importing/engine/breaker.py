"""The breaker over a whole file: holds rows whose changes are too many at once until an operator confirms them."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from contracts.codes.identifiers import PARENT
from services.importing.engine.groups import is_change_of_form
from services.importing.engine.results import Result, RowFate
from shared.publishing.imports.breaker import Load, gives_an_end, held_for, nowhere, question, stopped
from shared.publishing.imports.request import Confirmation


def hold(results: Sequence[Result], live: int, confirmed: Collection[Confirmation]) -> dict[Confirmation, str]:
    """Mark the results that must wait as held; return the question by kind. `live`: number of items released before."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault((result.code or "")[PARENT], []).append(result)
    form = {parent for parent, group in groups.items() if len(group) > 1 and is_change_of_form(group)}
    loads = {id(result): _load(result, (result.code or "")[PARENT] in form) for result in results}
    stops = stopped(loads.values(), live, confirmed)
    for parent, group in groups.items():
        kinds = [held_for(loads[id(result)], stops) for result in group]
        # A change of form is held as a whole: half of it would leave an item unpublished.
        whole = next(filter(None, kinds), None) if parent in form else None
        for result, kind in zip(group, kinds, strict=True):
            if (kind or whole) and result.fate not in (RowFate.REJECTED, RowFate.OLDER):
                _hold(result, kind or whole)
    asked = {kind: question(kind, count, live) for kind, count in stops.items()}
    lost = [] if Confirmation.WITHDRAWALS in confirmed else _hold_lost(groups, form)
    if lost:
        asked.setdefault(Confirmation.WITHDRAWALS, lost[0])
    return asked


def _hold_lost(groups: Mapping[str, Iterable[Result]], form: Collection[str]) -> list[str]:
    """Hold withdrawals whose replacement was refused before, since the item would be on no channel.

    Return questions.
    """
    asked = []
    for parent, group in groups.items():
        for result in group if parent not in form else ():
            if result.refused and result.fate in (RowFate.WITHDRAWN, RowFate.HELD):
                _hold(result, Confirmation.WITHDRAWALS)
                result.note = nowhere(result.code or "", result.refused)
                asked.append(result.note)
    return asked


def _hold(result: Result, kind: Confirmation | None) -> None:
    result.fate, result.held_for, result.versions, result.unchanged_versions = RowFate.HELD, kind, 0, 0
    result.withdrawn_versions = 0


def _load(result: Result, changes_form: bool) -> Load:
    if not result.was_live:
        return Load()
    comes = result.fate in (RowFate.RELEASED, RowFate.SCHEDULED)
    return Load(
        withdraws=(result.fate == RowFate.WITHDRAWN and not changes_form)
        or (comes and gives_an_end(result.fields, result.emptied)),
        empties=comes and bool(result.emptied),
        changes=comes and bool({*result.changed} - {*result.emptied, *result.corrected}),
    )
