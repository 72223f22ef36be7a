"""Find what a full list no longer contains: codes that its source has stated before, of units in the list."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from contracts.codes.identifiers import USCC
from services.importing.engine.row_entry import RowEntry
from services.importing.engine.sources import CATALOG, Sources
from services.importing.row import RowState

PAGE = 5000


@dataclass(frozen=True, slots=True)
class Missing:
    """`codes` are missing from the list. `elsewhere`: units of the source without any row in the list, with the number
    of their items; whether the list was meant to cover them is unknown, so their items are left alone.
    """

    codes: list[str] = field(default_factory=list)
    elsewhere: dict[str, int] = field(default_factory=dict)

    def entries(self) -> list[RowEntry]:
        """Return the entries that withdraw the missing codes."""
        return [RowEntry(None, code, state=RowState.WITHDRAWN) for code in self.codes]


def missing_from(sources: Sources, source: str, contained: Collection[str]) -> Missing:
    """Return what is missing. `contained`: every code that the list has a row for, accepted or rejected."""
    units = {code[USCC] for code in contained}
    found = Missing()
    for code in _in_use(sources, source):
        if code in contained:
            continue
        if code[USCC] in units:
            found.codes.append(code)
        else:
            found.elsewhere[code[USCC]] = found.elsewhere.get(code[USCC], 0) + 1
    return found


def _in_use(sources: Sources, source: str) -> Iterator[str]:
    after = ""
    while codes := sources.get(CATALOG, "imports/codes", source=source, after=after, limit=PAGE)["codes"]:
        yield from codes
        after = codes[-1]
