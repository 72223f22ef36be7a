"""How long uploaded files stay: a number of days after the last use, and never shorter than a job needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contracts.base import format_time
from services.importing.jobs.store import JobStore
from services.importing.jobs.upload_folder import UploadFolder
from services.importing.model import JobRow, JobState, UploadRow


@dataclass(frozen=True)
class Keeping:
    """Removes files that were not used for `days`, with what their jobs wrote. Who imported what, and when, stays."""

    store: JobStore
    folder: UploadFolder
    days: int

    def until(self, row: UploadRow, beside: Sequence[UploadRow], jobs: Sequence[JobRow]) -> str | None:
        """Return until when the files of a list are kept; None while a job is open, or once they are removed."""
        if row.removed_at is not None or any(JobState(job.state).is_open for job in jobs):
            return None
        uploads = (one.uploaded_at for one in (row, *beside))
        last = max(*uploads, row.uploaded_at, *(job.ended_at or job.asked_at for job in jobs))
        return format_time(datetime.fromisoformat(last) + timedelta(days=self.days))

    def remove_unused(self, now: datetime | None = None) -> int:
        """Remove the files of lists that are kept no longer. Return of how many.

        If we die between the row and the folder, the next call removes the folder.
        """
        moment = format_time((now or datetime.now(UTC)) - timedelta(days=self.days))
        unused = [row for row in self.store.unused_since(moment) if row.removed_at is None or self.folder.has(row.id)]
        removed = [row.id for row in unused if self.store.stop_keeping(row.id, moment)]
        for upload in removed:
            self.folder.remove(upload)
        return len(removed)
