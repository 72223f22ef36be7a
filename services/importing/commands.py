"""What a client of the importing service asks for: uploads, previews, runs, undos, and what they left."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.base import Json
from services.importing.formats.file_kinds import FileKind, kind_of
from services.importing.formats.rows import opened
from services.importing.jobs import views
from services.importing.jobs.keeping import Keeping
from services.importing.jobs.outcome import JobFile
from services.importing.jobs.refusals_zh import bilingual
from services.importing.jobs.settings import ImportSettings, RunRequest, SubmitSettings, UndoSettings
from services.importing.jobs.store import Asked, JobStore, NewUpload, require_kept, settings_of
from services.importing.jobs.suggestion import JSON, suggestion
from services.importing.jobs.upload_folder import LARGEST_UPLOAD, Received, UploadFolder
from services.importing.model import JobKind, JobRow, JobState, UploadRow
from shared.errors import Conflict, Invalid, NotFound, TooLarge, Violation
from shared.tokens.person import Actor

MOST_BESIDE = 20
"""Files beside one list."""


@dataclass(frozen=True)
class Imports:
    """Uploads and jobs. `wake`: called when a job waits."""

    store: JobStore
    folder: UploadFolder
    keeping: Keeping
    wake: Callable[[], None] = lambda: None

    def keep(self, received: Received, number: str, beside: str | None, name: str, by: Actor) -> Json:
        """Keep a file that has arrived completely.

        Raises `Invalid`, `TooLarge` for a foreign or hostile one, `NotFound`, `Conflict`, `OSError`; then nothing is
        kept.
        """
        try:
            kind = sniffed(received.part, name)
            if beside is not None:
                self._require_room_beside(beside, name)
            self.folder.place(received, number, beside, name)
        except BaseException:
            received.part.unlink(missing_ok=True)
            raise
        try:
            self.store.add_upload(NewUpload(number, name, received.size, received.sha256, kind, beside), by)
        except BaseException:
            self.folder.remove(number)
            raise
        return self.told(beside or number)

    def listed(self, before: str | None, limit: int) -> list[Json]:
        """Return uploaded lists, newest first. `before`: `uploaded_at` of the last one of the previous page."""
        return self._views(self.store.uploads(before, limit))

    def told(self, upload: str) -> Json:
        """Return one list. Raises `NotFound`."""
        return self._views([self.store.upload(upload)])[0]

    def suggestion(self, upload: str) -> Json:
        """Suggest how to read a list. Raises `NotFound`, `Invalid`, `TooLarge`."""
        row = self.store.upload(upload)
        with _in_chinese():
            return suggestion(self._path(row), row.kind)

    def preview(self, upload: str, settings: ImportSettings, by: Actor) -> Json:
        """Ask for a preview. Raises `Invalid`, `NotFound`, `Conflict`."""
        settings.require_sound()
        return self._ask(Asked(upload, JobKind.PREVIEW, settings), by)

    def run(self, upload: str, request: RunRequest, by: Actor) -> Json:
        """Ask that a preview be carried out. Raises `Conflict` unless it is finished and was not carried out before."""
        preview = self._preview(upload, request)
        return self._ask(Asked(upload, JobKind.RUN, settings_of(preview), preview.id), by)

    def submit(self, upload: str, request: SubmitSettings, by: Actor) -> Json:
        """Ask that what a preview would release be submitted to the five gates. Raises as `run` does."""
        preview = self._preview(upload, request)
        settings = settings_of(preview).model_copy(update={"note": request.note})
        return self._ask(Asked(upload, JobKind.SUBMISSION, settings, preview.id), by)

    def undo(self, upload: str, request: UndoSettings, by: Actor) -> Json:
        """Ask that the import of this file be taken back. Raises `Invalid`, `NotFound`, `Conflict`."""
        kind = JobKind.UNDO_PREVIEW if request.preview else JobKind.UNDO
        return self._ask(Asked(upload, kind, self._settings_of_undo(upload, request)), by)

    def job(self, number: int) -> Json:
        """Return a job with its outcome. Raises `NotFound`."""
        row = self.store.job(number)
        ahead = self.store.ahead_of(row) if row.state == JobState.WAITING else 0
        return views.job(row, with_outcome=True) | {"ahead": ahead}

    def cancel(self, number: int) -> Json:
        """Cancel a job that has not begun. Raises `NotFound`, `Conflict`."""
        return views.job(self.store.stop_waiting(number), with_outcome=True)

    def file(self, number: int, name: JobFile) -> Path:
        """Return where a file of a job is, or would be. Raises `NotFound` for no job."""
        row = self.store.job(number)
        return self.folder.job_path(row.upload, number) / name

    def _views(self, rows: Sequence[UploadRow]) -> list[Json]:
        numbers = [row.id for row in rows]
        all_beside, all_jobs = self.store.beside(numbers), self.store.jobs(numbers)
        found = []
        for row in rows:
            beside = [one for one in all_beside if one.beside == row.id]
            jobs = [job for job in all_jobs if job.upload == row.id]
            here = self.folder.path(row.id, row.name).is_file()
            found.append(views.upload(row, beside, jobs, keep_until=self.keeping.until(row, beside, jobs), here=here))
        return found

    def _preview(self, upload: str, request: RunRequest) -> JobRow:
        preview = self.store.job(request.preview)
        if preview.upload != upload or preview.kind != JobKind.PREVIEW:
            raise NotFound("这个文件没有这次预览 (this is no preview of this file)")
        if preview.state != JobState.FINISHED or preview.digest is None:
            raise Conflict("预览没有完成，请重新预览 (the preview is not finished: preview it again)")
        if preview.digest != request.digest:
            raise Conflict("确认的不是这次预览的内容，请重新预览 (the digest is not that of this preview)")
        of_preview = [job for job in self.store.jobs([upload]) if job.of_preview == preview.id]
        if any(job.state == JobState.FINISHED and job.kind == JobKind.RUN for job in of_preview):
            raise Conflict("这次预览已经导入过了 (this preview has been imported)")
        return preview

    def _ask(self, asked: Asked, by: Actor) -> Json:
        row = self.store.ask(asked, by)
        self.wake()
        return views.job(row, with_outcome=False) | {"ahead": self.store.ahead_of(row)}

    def _path(self, row: UploadRow) -> Path:
        path = self.folder.path(row.id, row.name)
        if not path.is_file():
            raise NotFound("上传的文件已不在，请重新上传 (the uploaded file is gone: upload it again)")
        return path

    def _require_room_beside(self, upload: str, name: str) -> None:
        row = self.store.upload(upload)
        require_kept(row)
        list_name = row.name
        if name == list_name:
            raise Invalid(Violation("name", "taken", "清单自己就叫这个名字 (the list has this name)", name))
        others = [one for one in self.store.beside([upload]) if one.name != name]
        if len(others) >= MOST_BESIDE:
            raise Conflict(f"一个清单旁边至多{MOST_BESIDE}个文件 (a list has at most {MOST_BESIDE} files beside it)")

    def _settings_of_undo(self, upload: str, request: UndoSettings) -> ImportSettings:
        runs: list[JobRow] = [job for job in self.store.jobs([upload]) if job.kind == JobKind.RUN]
        newest = settings_of(runs[-1]) if runs else None
        source = request.source or (newest.source_name if newest else "")
        if not source:
            message = "这个文件在这里没有导入过；如果是用命令行导入的，请写明来源 (state the source of the import)"
            raise Invalid(Violation("source", "required", message))
        return ImportSettings(format=newest.format if newest else "table", source=source)


def sniffed(path: Path, name: str) -> str:
    """Return what a file is by its content: xlsx, xls, csv or json. Raises `Invalid` and `TooLarge`, which name it."""
    with _in_chinese(path.name, name):
        with path.open("rb") as file:
            beginning = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        if beginning.startswith((b"{", b"[")) and not beginning.startswith(b"{\\rtf"):
            opened(path, LARGEST_UPLOAD).close()
            return JSON
        kind = kind_of(path, LARGEST_UPLOAD)
        return "csv" if kind == FileKind.TEXT else str(kind)


@contextmanager
def _in_chinese(stored: str = "", name: str = "") -> Iterator[None]:
    """Give the refusal of a file its Chinese sentence, and the file the name that its sender gave it."""

    def named(text: str) -> str:
        return text.replace(stored, name) if stored else text

    try:
        yield
    except Invalid as error:
        told = [(one, bilingual(one.message), one.value and named(one.value)) for one in error.violations]
        raise Invalid(*(replace(one, message=message, value=value) for one, message, value in told)) from None
    except TooLarge as error:
        raise TooLarge(bilingual(named(str(error)))) from None
