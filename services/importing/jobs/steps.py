"""What one job does: a preview, a run of a preview, or an undo. It raises nothing that the runner does not expect."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import orjson

from contracts.base import Json
from services.importing.engine.files import opened
from services.importing.engine.import_run import PlannedRow
from services.importing.engine.sources import CATALOG, GUIDES, ReviewableSources, Sources
from services.importing.engine.spool import spooling
from services.importing.engine.submission import Submission, demands_review, require_approved
from services.importing.file_import import FileImport
from services.importing.jobs.before_after import GUIDE, ITEM, ChangedRow, ChangedRows, field_changes
from services.importing.jobs.outcome import JobFile, of_import, write_all_findings
from services.importing.jobs.plan_digest import PlanChanged, plan_digest
from services.importing.jobs.store import JobStore, settings_of
from services.importing.jobs.upload_folder import UploadFolder
from services.importing.model import JobKind, JobRow, JobState, UploadRow
from services.importing.undo import take_back
from shared.errors import Conflict, NotFound, TongyuanError

TOLD_EVERY_SECONDS = 0.5

CHANGED = (
    "预览之后，事项库或文件有了变化，导入会与预览不同，所以没有执行，什么都没有改：请重新预览 "
    "(the plan differs from the preview; nothing was changed: preview it again)"
)
NOT_SUBMITTED = (
    "本县实行五关审核：请先把这次预览送审，五关通过后再导入；什么都没有改 "
    "(this county reviews before it releases: submit this preview first; nothing was changed)"
)
STOPPING = "服务正在停止 (the service is stopping)"


@dataclass
class Tools:
    """What a job works with. `stop`: the process is to end; a job then stops between two requests."""

    store: JobStore
    folder: UploadFolder
    stop: threading.Event


@dataclass
class _Plan:
    """The plan of this import: its digest, and the rows that change. `wanted`: the digest that it must have.

    `submission`: begins once the plan is known to be the wanted one.
    """

    source: str
    wanted: str | None
    submission: Submission | None = None
    changed: ChangedRows = field(default_factory=ChangedRows)
    digest: str = ""

    def take(self, directory: Callable[[], Iterable[Json]], rows: Iterable[PlannedRow]) -> None:
        """See `Course.planned`. Raises `PlanChanged`."""
        self.digest = plan_digest(self.source, self.changed.note(rows), directory())
        if self.wanted is not None and self.digest != self.wanted:
            raise PlanChanged(CHANGED)
        if self.submission is not None:
            self.submission.begin(self.digest)


def import_file(job: JobRow, upload: UploadRow, sources: ReviewableSources, tools: Tools) -> None:
    """Preview the file, submit what it would release, or import it as the preview said.

    Raises `TongyuanError`, `OSError` before the first row; `Conflict` for a run whose gates are open.
    """
    settings, folder = settings_of(job), tools.folder.of_job(upload.id, job.id or 0)
    path = tools.folder.path(upload.id, upload.name)
    if not path.is_file():
        raise NotFound("上传的文件已不在，请重新上传 (the uploaded file is gone: upload it again)")
    if job.kind == JobKind.RUN:
        _require_reviewed(job, sources, tools)
    file = settings.file(path, folder, job.by_title)
    wanted = tools.store.job(job.of_preview).digest if job.of_preview else None
    plan = _Plan(settings.source_name, wanted)
    submits = job.kind == JobKind.SUBMISSION
    options = settings.options(dry_run=job.kind != JobKind.RUN, submit=submits)
    paths = [folder / name for name in (JobFile.REJECTS, JobFile.WARNINGS, JobFile.REPORT)]
    with opened(*paths) as files, spooling(folder) as spool:
        run = FileImport(file, file.origin(), options, sources, files, spool)
        if submits:
            plan.submission = Submission(sources, run.course.desk, settings.note)
        directory = partial(_directory, run)
        run.course.planned = partial(plan.take, directory)
        stopped = _carried_out(run, job.id or 0, tools)
        reviews = _submitted(plan.submission, stopped)
        run.end(stopped)
        write_all_findings(run, folder)
    # After a run, what was before is no longer in force; its preview has it.
    values = [_values(one, sources) for one in plan.changed.rows] if job.kind == JobKind.PREVIEW and not stopped else []
    outcome = orjson.dumps({**of_import(run, values, plan.changed.total), **reviews}).decode()
    state = JobState.STOPPED if stopped else JobState.FINISHED
    rows, done = run.course.reading.rows, len(run.course.results)
    tools.store.end(
        job.id or 0, state, rows=rows, done=done, digest=plan.digest or None, problem=stopped, outcome=outcome
    )


def _submitted(submission: Submission | None, stopped: str | None) -> Json:
    """Open the gates of what was gathered, or take it back when the job stopped before its end."""
    if submission is None:
        return {}
    if stopped:
        submission.take_back()
        return {"reviews": {}}
    return {"reviews": submission.end()}


def _require_reviewed(job: JobRow, sources: ReviewableSources, tools: Tools) -> None:
    """Raises `Conflict` before anything is sent unless the gates at both sources have passed what is imported."""
    if not demands_review(sources):
        return
    same = [one for one in tools.store.jobs([job.upload]) if one.of_preview == job.of_preview]
    done = [one for one in same if one.kind == JobKind.SUBMISSION and one.state == JobState.FINISHED and one.outcome]
    if not done:
        raise Conflict(NOT_SUBMITTED)
    require_approved(sources, orjson.loads(done[-1].outcome or "{}")["reviews"])


def undo(job: JobRow, upload: UploadRow, sources: Sources, tools: Tools) -> None:
    """Take the import of the file back, or say what would be taken back. Raises `TongyuanError`."""
    source = settings_of(job).source_name
    told = take_back(sources, source, upload.sha256, preview=job.kind == JobKind.UNDO_PREVIEW)
    tools.store.end(job.id or 0, JobState.FINISHED, outcome=orjson.dumps(told).decode())


def _carried_out(run: FileImport, job: int, tools: Tools) -> str | None:
    """Return why it stopped before its end, None if it did not. Raises what makes the file unreadable as a whole."""
    reading = run.course.reading
    try:
        for rows in _until_stopped(run.read(run.file.outcomes()), tools.stop):
            tools.store.progress(job, done=rows)
        tools.store.progress(job, done=0, rows=reading.rows)
        for _ in _until_stopped(run.execute(), tools.stop, every_step=True):
            tools.store.progress(job, done=len(run.course.results))
    except _Stopping:
        return STOPPING
    except TongyuanError as error:
        if reading.rows == 0:
            raise
        return str(error)
    return None


def _until_stopped(steps: Iterator[int], stop: threading.Event, *, every_step: bool = False) -> Iterator[int]:
    """Yield from `steps` now and then. Raises `_Stopping` between two of them."""
    told = time.monotonic()
    for step in steps:
        if stop.is_set():
            raise _Stopping
        if every_step or time.monotonic() - told > TOLD_EVERY_SECONDS:
            told = time.monotonic()
            yield step


class _Stopping(Exception):
    """The process is to end."""


def _directory(run: FileImport) -> Iterator[Json]:
    return (row.model_dump(mode="json") for row in run.course.reading.directory.values())


def _values(row: ChangedRow, sources: Sources) -> Json:
    """Return a changed row with its fields' values, before the import and after it."""
    item, guide = _in_force(sources, CATALOG, "items", row.code), _in_force(sources, GUIDES, "guides", row.code)
    shown = {ITEM: item, GUIDE: guide}
    place = {"sheet": row.sheet, "row": row.number, "code": row.code, "name": (item or {}).get("task_name")}
    return {**place, "fields": field_changes(row, shown)}


def _in_force(sources: Sources, service: str, what: str, code: str) -> Json | None:
    try:
        found: Json | None = sources.get(service, f"{what}/{code}")["in_force"]
    except NotFound:
        return None
    return found and found["body"]
