"""Uploads and jobs as JSON for a client."""

from collections.abc import Sequence

import orjson

from contracts.base import Json
from services.importing.jobs.store import settings_of
from services.importing.model import JobKind, JobRow, JobState, UploadRow


def upload(
    row: UploadRow, beside: Sequence[UploadRow], jobs: Sequence[JobRow], *, keep_until: str | None, here: bool
) -> Json:
    """Return a list with its files and jobs. `imported`: a run came to its end, and no undo since. `keep_until`: None
    while a job needs the file. `here`: the file can be read; after a restore from a backup it is not.
    """
    ends = [job.kind for job in jobs if job.kind in (JobKind.RUN, JobKind.UNDO) and job.state == JobState.FINISHED]
    return {
        **_file(row),
        "beside": [_file(one) for one in beside],
        "keep_until": keep_until,
        "removed_at": row.removed_at,
        "here": here,
        "imported": bool(ends) and ends[-1] == JobKind.RUN,
        "jobs": [job(one, with_outcome=False) for one in jobs],
    }


def job(row: JobRow, *, with_outcome: bool) -> Json:
    """Return a job. `rows` is None until the file is read; `not_reached`: rows without an outcome after its end."""
    rows, over = row.rows, not JobState(row.state).is_open
    told: Json = {
        "id": row.id,
        "upload": row.upload,
        "kind": row.kind,
        "state": row.state,
        "settings": settings_of(row).model_dump(mode="json"),
        "preview": row.of_preview,
        "by": {"name": row.by_name, "title": row.by_title, "address": row.by_address},
        "asked_at": row.asked_at,
        "began_at": row.began_at,
        "ended_at": row.ended_at,
        "rows": rows,
        "done": row.done,
        "not_reached": max(rows - row.done, 0) if over and rows is not None else None,
        "digest": row.digest,
        "problem": row.problem,
    }
    if with_outcome:
        told["outcome"] = None if row.outcome is None else orjson.loads(row.outcome)
    return told


def _file(row: UploadRow) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "size": row.size,
        "sha256": row.sha256,
        "kind": row.kind,
        "uploaded_at": row.uploaded_at,
        "by": {"name": row.by_name, "title": row.by_title, "address": row.by_address},
    }
