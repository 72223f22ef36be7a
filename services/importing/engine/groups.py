"""Send rows that are one change together: an item and its situations in one request, and so in one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from contracts.codes.identifiers import PARENT
from services.importing.engine.results import Result, RowFate, rejected
from services.importing.engine.spool import SpooledRow
from shared.errors import Violation

AT_ONCE, BYTES_AT_ONCE = 200, 4_000_000
"""Codes and bytes in one request; a group is never divided."""


def grouped(codes: Iterable[str]) -> list[list[str]]:
    """Group codes by their parent, in order of each group's first code."""
    groups: dict[str, list[str]] = {}
    for code in codes:
        groups.setdefault(code[PARENT], []).append(code)
    return list(groups.values())


def requests(codes: Iterable[str], marks: Mapping[str, SpooledRow]) -> Iterator[list[str]]:
    """Yield as many whole groups as fit into one request."""
    chunk: list[str] = []
    weight = 0
    for group in grouped(codes):
        heavy = sum(marks[code].length for code in group if code in marks)
        if chunk and (len(chunk) + len(group) > AT_ONCE or weight + heavy > BYTES_AT_ONCE):
            yield chunk
            chunk, weight = [], 0
        chunk, weight = [*chunk, *group], weight + heavy
    if chunk:
        yield chunk


def refused_halves(counting: Mapping[str, SpooledRow], bad: Mapping[str, int]) -> list[Result]:
    """Return rejections of rows that are one change with a rejected row. `bad`: code → number of its row.

    When an item is split into situations (its 31-character code is withdrawn) or merged, it would be on no channel if
    the new rows were refused and the old ones withdrawn.
    """
    found: list[Result] = []
    lost = {code: number for code, number in bad.items() if code not in counting}
    by_parent: dict[str, list[str]] = {}
    for code in lost:
        by_parent.setdefault(code[PARENT], []).append(code)
    for group in grouped(counting):
        missing = by_parent.get(group[0][PARENT], [])
        found += _halves(group, missing, counting, lost)
    return found


def _halves(
    group: Sequence[str], missing: Sequence[str], counting: Mapping[str, SpooledRow], lost: Mapping[str, int]
) -> list[Result]:
    goes = [code for code in group if counting[code].leaves]
    broken = [code for code in missing if any(len(code) != len(other) for other in goes)]
    if not broken:
        return []
    message = f"one change with row {lost[broken[0]]}, which was rejected; {goes[0]} is unchanged"
    return [
        rejected(counting[code].number, code, [Violation("code", "one_change", message, code)], counting[code].sheet)
        for code in group
    ]


def is_change_of_form(results: Iterable[Result]) -> bool:
    """Return whether one group withdraws codes of one length and releases codes of the other."""
    known = [one for one in results if one.code]
    goes = {len(one.code or "") for one in known if one.fate == RowFate.WITHDRAWN}
    comes = {len(one.code or "") for one in known if one.fate in (RowFate.RELEASED, RowFate.SCHEDULED)}
    return any(went != came for went in goes for came in comes)
