"""What an import of the command line does in a county of five gates: its plan is submitted, or has its review.

The plan's digest is the one that a preview at the desk has: whoever submitted it, the same plan has the same review.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from contracts.base import Json
from services.cli.terminal import RunningCounty, say
from services.importing.engine.import_run import PlannedRow
from services.importing.engine.submission import Submission, demands_review, require_approved, reviews_of
from services.importing.file_import import FileImport
from services.importing.jobs.plan_digest import plan_digest
from shared.errors import Conflict

NOT_SUBMITTED = (
    "this county reviews before it releases, and no review has exactly this plan, so nothing was changed: submit it "
    "with --submit, or at the desk (导入, 送审); import again once the five gates have signed"
)
WITHOUT_REVIEWS = "this county was born without reviews: import without --submit; nothing was changed"


@dataclass
class ImportGates:
    """The reviews of one import. `source`: its name; `reviews`: by service, the number of what was submitted.

    `refused`: why nothing was done.
    """

    source: str
    submit: bool = False
    preview: bool = False
    note: str | None = None
    reviews: dict[str, int | None] = field(default_factory=dict)
    refused: str = ""
    _submission: Submission | None = None

    def guard(self, run: FileImport, running: RunningCounty) -> None:
        """Look at the plan before the first change. A preview needs no review."""
        if not self.preview:
            run.course.planned = self._taken(run, running)

    def _taken(self, run: FileImport, running: RunningCounty) -> Callable[[Iterable[PlannedRow]], None]:
        def directory() -> Iterator[Json]:
            return (row.model_dump(mode="json") for row in run.course.reading.directory.values())

        def take(rows: Iterable[PlannedRow]) -> None:
            try:
                judged(rows)
            except Conflict as error:
                self.refused = str(error)
                raise

        def judged(rows: Iterable[PlannedRow]) -> None:
            """Submit the plan, or raise `Conflict` unless its gates are passed."""
            needed = demands_review(running)
            if self.submit and not needed:
                raise Conflict(WITHOUT_REVIEWS)
            if not needed:
                return
            digest = plan_digest(self.source, rows, directory())
            if self.submit:
                self._submission = Submission(running, run.course.desk, self.note)
                self._submission.begin(digest)
                return
            found = reviews_of(running, digest)
            if not found:
                raise Conflict(NOT_SUBMITTED)
            require_approved(running, found)

        return take

    def end(self, stopped: str | None) -> None:
        """Open the gates of what was gathered, or take it back when it stopped before its end."""
        if self._submission is None:
            return
        if stopped:
            self._submission.take_back()
        else:
            self.reviews = self._submission.end()

    def told(self) -> Json:
        """Return what `--json` says of it."""
        return {"reviews": self.reviews} if self.submit else {}

    def say(self) -> None:
        """Tell where the reviews are, and what comes next."""
        if not self.submit or not self.reviews:
            return
        for service, number in self.reviews.items():
            say(f"{service}: {'nothing to review' if number is None else f'review {service}/{number}'}")
        say("[bold]submitted[/]: once the five gates have signed, run the same command without --submit")
