"""Does the jobs, one at a time: two imports at once would each plan without what the other does."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from services.importing.engine.files import earlier_run
from services.importing.jobs import steps
from services.importing.jobs.keeping import Keeping
from services.importing.jobs.outcome import JobFile, interrupted
from services.importing.jobs.refusals_zh import bilingual
from services.importing.jobs.sources_client import SourcesClient
from services.importing.jobs.steps import Tools
from services.importing.jobs.store import person_of
from services.importing.jobs.upload_folder import LOCK
from services.importing.model import JobKind, JobRow, JobState
from shared import failures, log
from shared.errors import TongyuanError, Unavailable
from shared.security.data_folder import make_private
from shared.tokens.person import Person

LOOK_SECONDS = 0.5
KEEPING_SECONDS = 3600.0
Connect = Callable[[Person | None], SourcesClient]
_log = log.get("importing")


class JobRunner:
    """Takes the job that waits longest, does it, and stores what became of it. `wake`: a job was asked for.

    If the process dies, the next start says of the job how many rows it had finished; a person repeats it.
    """

    def __init__(self, keeping: Keeping, connect: Connect) -> None:
        self._store, self._folder, self._keeping, self._connect = keeping.store, keeping.folder, keeping, connect
        self._wake = threading.Event()
        self._keeping_due = 0.0

    def wake(self) -> None:
        """Look for a job now."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Do jobs until `stop`. While the database does not answer, wait for it."""
        with self._alone(stop):
            recovered = False
            while not stop.is_set():
                try:
                    if not recovered:
                        self.recover()
                        recovered = True
                    while not stop.is_set() and self.do_next(stop):
                        pass
                    self._remove_unused()
                except Unavailable as error:
                    _log.warning("jobs wait for the database", reason=str(error))
                self._wake.wait(LOOK_SECONDS)
                self._wake.clear()

    def _remove_unused(self) -> None:
        """Between jobs, at the start and once an hour: remove files that are kept no longer."""
        if time.monotonic() >= self._keeping_due:
            self._keeping_due = time.monotonic() + KEEPING_SECONDS
            if removed := self._keeping.remove_unused():
                _log.info("uploaded files removed", count=removed, after_days=self._keeping.days)

    def recover(self) -> None:
        """Say of jobs whose process died how far they came, and remove files that never became an upload."""
        for job in self._store.running():
            report = self._folder.of_job(job.upload, job.id or 0) / JobFile.REPORT
            told = earlier_run(report, self._store.upload(job.upload).sha256)
            rows, settled = (told.rows, told.settled) if told else (job.rows or 0, 0)
            problem = interrupted(job.kind, rows, settled)
            self._store.end(job.id or 0, JobState.INTERRUPTED, rows=rows or job.rows, done=settled, problem=problem)
            _log.warning("import interrupted", job=job.id, kind=job.kind, rows=rows, settled=settled)
        if left := self._folder.sweep(self._store.known_uploads):
            _log.warning("incomplete uploads removed", count=left)

    def do_next(self, stop: threading.Event) -> bool:
        """Do one job; return False if none waits."""
        job = self._store.begin_next()
        if job is None:
            return False
        _log.info("import begins", job=job.id, kind=job.kind, by=job.by_name)
        try:
            self._do(job, Tools(self._store, self._folder, stop))
        except (TongyuanError, OSError) as error:
            reason = bilingual(failures.sentence(error) or type(error).__name__)
            self._store.end(job.id or 0, JobState.STOPPED, problem=reason)
        _log.info("import ends", job=job.id, state=self._store.job(job.id or 0).state)
        return True

    def _do(self, job: JobRow, tools: Tools) -> None:
        upload = self._store.upload(job.upload)
        with closing(self._connect(person_of(job))) as sources:
            if job.kind in (JobKind.PREVIEW, JobKind.SUBMISSION, JobKind.RUN):
                steps.import_file(job, upload, sources, tools)
            else:
                steps.undo(job, upload, sources, tools)

    @contextmanager
    def _alone(self, stop: threading.Event) -> Iterator[None]:
        """Wait until no other process works in this folder."""
        make_private(self._folder.folder)
        handle = os.open(self._folder.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not stop.is_set():
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    stop.wait(LOOK_SECONDS)
            yield
        finally:
            os.close(handle)
