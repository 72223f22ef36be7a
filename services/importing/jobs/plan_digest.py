"""One digest over everything that an import would release: who signs it has signed exactly this, and nothing else."""

import hashlib
from collections.abc import Iterable

from contracts.base import Json
from services.importing.engine.import_run import PlannedRow
from services.importing.engine.results import Result, RowFate
from services.importing.engine.row_entry import RowEntry
from shared.errors import Conflict
from shared.transparency.canonical import canonical

_DOES = (RowFate.RELEASED, RowFate.SCHEDULED, RowFate.WITHDRAWN)


class PlanChanged(Conflict):
    """The county or the file is no longer as it was at the preview. Nothing was changed."""


def plan_digest(source: str, rows: Iterable[PlannedRow], directory: Iterable[Json] = ()) -> str:
    """Return the SHA-256, in hexadecimal, over the planned releases and withdrawals in order of their codes.

    Each is a line of canonical JSON: code, what becomes of it, the fields that change, what the row states of item and
    guide, and its days. Rows that change nothing are left out, as are held and rejected ones. `directory`: rows of the
    基本目录 in the file.
    """
    planned = [canonical(_line(entry, result)) for entry, result in rows if result.fate in _DOES]
    digest = hashlib.sha256(canonical({"source": source}))
    for line in (*sorted(planned), *sorted(canonical({"directory": row}) for row in directory)):
        digest.update(b"\n" + line)
    return digest.hexdigest()


def _line(entry: RowEntry, result: Result) -> Json:
    return {
        "code": entry.code,
        "outcome": str(result.fate),
        "fields": sorted(result.fields),
        "emptied": sorted(result.emptied),
        "kept": sorted(result.kept),
        "item": entry.item,
        "guide": entry.guide,
        "starts": entry.starts,
        "ends": entry.ends,
    }
