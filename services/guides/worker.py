"""guides as a nameko worker: hides and shows guides with their items, and stores readers' feedback."""

from collections.abc import Sequence

from nameko.timer import timer

from contracts.topology import FEEDBACK_QUEUE, GUIDES_QUEUE
from services.guides.feedback import FeedbackStore
from services.guides.files.upkeep import UPKEEP_SECONDS, FileUpkeep
from services.guides.following import ItemWatch
from services.guides.model import SOURCE
from shared.messaging.consumer import batch
from shared.messaging.delivery import Message, Refusal
from shared.timers import quietly

RECONCILE_SECONDS = 30.0


def make_worker(watch: ItemWatch) -> type:
    """Return the nameko service class."""
    feedback, files = FeedbackStore(watch.db), FileUpkeep(watch.db, SOURCE)

    class GuidesWorker:
        name = "guides"

        @batch(GUIDES_QUEUE)
        def take(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            return watch.take(messages)

        @batch(FEEDBACK_QUEUE)
        def take_feedback(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            return feedback.take(messages)

        @timer(interval=RECONCILE_SECONDS, eager=True)  # type: ignore[untyped-decorator]  # nameko has no types
        def reconcile(self) -> None:
            quietly(watch.reconcile, "reconcile")

        @timer(interval=UPKEEP_SECONDS)  # type: ignore[untyped-decorator]  # likewise
        def remove_unused_files(self) -> None:
            quietly(files.step, "files")

    return GuidesWorker
