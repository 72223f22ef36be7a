"""The texts of `import`, `doctor` and `verify` about facts that nobody has stated, and how to state them."""

from collections.abc import Iterator, Mapping

from contracts.content.unstated_facts import GUIDE, HALL

STATE_THE_HALL = (
    "state 是否进驻政务大厅 (is_entry_center) in a column of the file or, for CSV, in constants: {is_entry_center: 是}"
)


def of_import(unknown: Mapping[str, int]) -> Iterator[str]:
    """Yield the fields that the rows of one import do not state."""
    if unknown:
        yield f"not stated by the file, shown as unknown: {counted(unknown)}"
    if unknown.get(HALL):
        yield hall(unknown[HALL])


def hall(count: int) -> str:
    """Return the note that items are not shown by the kiosk, because nobody says whether the hall takes them."""
    items, them = ("1 item is", "it") if count == 1 else (f"{count} items are", "them")
    return f"{items} not shown by the kiosk because nobody states whether the hall accepts {them}: {STATE_THE_HALL}"


def of_county(unknown: Mapping[str, int], suspect: Mapping[str, int]) -> Iterator[str]:
    """Yield the notes about a county's released items and guides."""
    if unknown:
        yield f"not stated, shown as unknown: {counted(unknown)}"
    if unknown.get(HALL):
        yield hall(unknown[HALL])
    if suspect:
        yield (
            f"filled in by an earlier import, perhaps stated by no file: {counted(suspect)}. "
            "To correct it, import the same files again with this version"
        )
    if suspect.get(GUIDE):
        yield f"{suspect[GUIDE]} guides state nothing; importing the same files again withdraws them"


def counted(fields: Mapping[str, int]) -> str:
    """Return `copies 12, is_need 3`, the most frequent first."""
    return ", ".join(f"{name} {count}" for name, count in sorted(fields.items(), key=lambda pair: (-pair[1], pair[0])))
