"""Uploads and jobs in the service's database. Each function is one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from contracts.base import format_time
from services.importing.jobs.settings import ImportSettings
from services.importing.model import JobKind, JobRow, JobState, UploadRow
from shared.database.engine import Database
from shared.errors import Conflict, NotFound
from shared.tokens.person import Actor, Person

MOST_WAITING = 20
_OPEN = (JobState.WAITING, JobState.RUNNING)
_LONGEST_TITLE = 64
NEED_THE_FILE = (JobKind.PREVIEW, JobKind.RUN)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for: a job of this kind on an upload."""

    upload: str
    kind: JobKind
    settings: ImportSettings
    of_preview: int | None = None


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file that is complete on the disk; see `UploadRow`."""

    id: str
    name: str
    size: int
    sha256: str
    kind: str
    beside: str | None


class JobStore:
    """Stores uploads and jobs; threads and processes may share the database."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def add_upload(self, new: NewUpload, actor: Actor) -> None:
        """Store an upload that is complete on the disk. A file beside a list replaces one of its name."""
        name, title, address = _by(actor)
        row = UploadRow(**asdict(new), uploaded_at=_now(), by_name=name, by_title=title, by_address=address)
        with self.db.write() as session:
            if new.beside is not None:
                require_kept(_upload(session, new.beside, for_update=True))
                same = (UploadRow.beside == new.beside, UploadRow.name == new.name)
                for old in session.exec(select(UploadRow).where(*same)):
                    session.delete(old)
                session.flush()
            session.add(row)

    def upload(self, upload: str) -> UploadRow:
        """Return an upload. Raises `NotFound`."""
        with self.db.read() as session:
            return _upload(session, upload)

    def beside(self, uploads: Collection[str]) -> Sequence[UploadRow]:
        """Return the files beside these lists, by name."""
        with self.db.read() as session:
            return session.exec(select(UploadRow).where(col(UploadRow.beside).in_(uploads)).order_by("name")).all()

    def uploads(self, before: str | None, limit: int) -> Sequence[UploadRow]:
        """Return uploaded lists, newest first. `before`: `uploaded_at` of the last one of the previous page."""
        query = select(UploadRow).where(col(UploadRow.beside).is_(None))
        if before is not None:
            query = query.where(col(UploadRow.uploaded_at) < before)
        with self.db.read() as session:
            return session.exec(query.order_by(col(UploadRow.uploaded_at).desc()).limit(limit)).all()

    def known_uploads(self) -> Collection[str]:
        """Return the ids of all uploads."""
        with self.db.read() as session:
            return set(session.exec(select(UploadRow.id)))

    def unused_since(self, moment: str) -> Sequence[UploadRow]:
        """Return the lists that nothing has used since: no upload, no file beside them, and no job, open or ended."""
        with self.db.read() as session:
            return session.exec(_unused_since(moment)).all()

    def stop_keeping(self, upload: str, moment: str) -> bool:
        """Store that the files of a list are no longer kept, unless it was used since. Return whether they are not."""
        with self.db.write() as session:
            # A job that is asked for meanwhile waits for this row, and is refused.
            _upload(session, upload, for_update=True)
            if session.exec(_unused_since(moment).where(UploadRow.id == upload)).first() is None:
                return False
            both = (col(UploadRow.id) == upload) | (col(UploadRow.beside) == upload)
            for row in session.exec(select(UploadRow).where(both, col(UploadRow.removed_at).is_(None))):
                row.removed_at = _now()
                session.add(row)
        return True

    def ask(self, asked: Asked, actor: Actor) -> JobRow:
        """Store a job. Raises `Conflict` when the upload has an open job, too many jobs wait, or its file is needed
        and no longer kept; `NotFound`.
        """
        name, title, address = _by(actor)
        row = JobRow(
            upload=asked.upload,
            kind=asked.kind,
            state=JobState.WAITING,
            settings=asked.settings.model_dump_json(),
            of_preview=asked.of_preview,
            person=None if actor.person is None else orjson.dumps(actor.person.claim()).decode(),
            by_name=name,
            by_title=title,
            by_address=address,
            asked_at=_now(),
        )
        with self.db.write() as session:
            row_of_file = _upload(session, asked.upload, for_update=True)
            if asked.kind in NEED_THE_FILE:
                require_kept(row_of_file)
            _require_room(session, asked)
            session.add(row)
            session.flush()
        return row

    def job(self, number: int) -> JobRow:
        """Return a job. Raises `NotFound`."""
        with self.db.read() as session:
            row = session.get(JobRow, number)
        if row is None:
            raise NotFound(f"没有第{number}号任务 (there is no job {number})")
        return row

    def jobs(self, uploads: Collection[str]) -> Sequence[JobRow]:
        """Return the jobs on these uploads, in the order in which they were asked for."""
        with self.db.read() as session:
            return session.exec(select(JobRow).where(col(JobRow.upload).in_(uploads)).order_by("id")).all()

    def ahead_of(self, job: JobRow) -> int:
        """Return how many open jobs were asked for before."""
        with self.db.read() as session:
            query = select(func.count()).where(col(JobRow.state).in_(_OPEN), col(JobRow.id) < job.id)
            return session.exec(query).one()

    def open_jobs(self) -> int:
        """Return how many jobs wait or run."""
        with self.db.read() as session:
            return session.exec(select(func.count()).where(col(JobRow.state).in_(_OPEN))).one()

    def running(self) -> Sequence[JobRow]:
        """Return the jobs that run, or that ran when their process died."""
        with self.db.read() as session:
            return session.exec(select(JobRow).where(JobRow.state == JobState.RUNNING)).all()

    def begin_next(self) -> JobRow | None:
        """Return the job that waits longest, now running; None if none waits, or one runs."""
        with self.db.write() as session:
            if session.exec(select(JobRow.id).where(JobRow.state == JobState.RUNNING)).first() is not None:
                return None
            row = session.exec(select(JobRow).where(JobRow.state == JobState.WAITING).order_by("id")).first()
            if row is not None:
                row.state, row.began_at = JobState.RUNNING, _now()
                session.add(row)
        return row

    def progress(self, number: int, *, done: int, rows: int | None = None) -> None:
        """Store how far a job is."""
        self._change(number, done=done, **({} if rows is None else {"rows": rows}))

    def end(self, number: int, state: JobState, **found: Any) -> None:
        """Store a job's end and what it found: `digest`, `problem`, `outcome`, `done`, `rows`."""
        self._change(number, state=state, ended_at=_now(), **found)

    def stop_waiting(self, number: int) -> JobRow:
        """End a job that has not begun. Raises `Conflict` when it has, `NotFound`."""
        with self.db.write() as session:
            row = session.get(JobRow, number)
            if row is None:
                raise NotFound(f"没有第{number}号任务 (there is no job {number})")
            if row.state != JobState.WAITING:
                raise Conflict("任务已经开始，不能取消；它结束后可以撤销 (the job has begun; undo it after its end)")
            row.state, row.ended_at, row.problem = JobState.STOPPED, _now(), "在开始前取消 (cancelled before it began)"
            session.add(row)
        return row

    def _change(self, number: int, **values: Any) -> None:
        with self.db.write() as session:
            row = session.get(JobRow, number)
            if row is not None:
                for name, value in values.items():
                    setattr(row, name, value)
                session.add(row)


def person_of(job: JobRow) -> Person | None:
    """Return the person who asked for a job; None for a machine."""
    return None if job.person is None else Person.of_claim(orjson.loads(job.person))


def settings_of(job: JobRow) -> ImportSettings:
    """Return the settings of a job."""
    return ImportSettings.model_validate_json(job.settings)


def _unused_since(moment: str) -> SelectOfScalar[UploadRow]:
    beside = select(UploadRow.beside).where(col(UploadRow.beside).is_not(None), col(UploadRow.uploaded_at) >= moment)
    used = func.coalesce(JobRow.ended_at, JobRow.asked_at) >= moment
    jobs = select(JobRow.upload).where(col(JobRow.state).in_(_OPEN) | used)
    return select(UploadRow).where(
        col(UploadRow.beside).is_(None),
        col(UploadRow.uploaded_at) < moment,
        col(UploadRow.id).not_in(beside),
        col(UploadRow.id).not_in(jobs),
    )


def require_kept(row: UploadRow) -> None:
    """Raise `Conflict` for an upload whose file is no longer kept."""
    if row.removed_at is not None:
        raise Conflict("这个文件已过保存期，不再保存：请重新上传 (the file is no longer kept: upload it again)")


def _upload(session: Session, upload: str, *, for_update: bool = False) -> UploadRow:
    row = session.get(UploadRow, upload, with_for_update=for_update or None)
    if row is None or row.beside is not None:
        raise NotFound("没有这个导入 (there is no import of this number)")
    return row


def _require_room(session: Session, asked: Asked) -> None:
    open_jobs = session.exec(select(JobRow.upload).where(col(JobRow.state).in_(_OPEN))).all()
    if asked.upload in open_jobs:
        raise Conflict("这个文件的上一个任务还没有结束 (the previous job on this file has not ended)")
    if len(open_jobs) >= MOST_WAITING:
        raise Conflict(f"已有{MOST_WAITING}个任务在等，请稍后再试 ({MOST_WAITING} jobs wait already: try again later)")


def _by(actor: Actor) -> tuple[str, str, str]:
    return actor.name[:_LONGEST_TITLE], actor.title[:_LONGEST_TITLE], actor.address[:_LONGEST_TITLE]


def _now() -> str:
    return format_time(datetime.now(UTC))
