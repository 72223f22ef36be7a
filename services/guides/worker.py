"""guides as a nameko worker: a guide goes and comes with its item, and what readers say of it is kept."""

from collections.abc import Sequence

from nameko.timer import timer

from contracts.topology import FEEDBACK_QUEUE, GUIDES_QUEUE
from services.guides import feedback
from services.guides.following import ItemWatch
from shared.delivery import Message, Refusal
from shared.messaging import batch
from shared.timers import quietly

RECONCILE_SECONDS = 30.0


def make_worker(watch: ItemWatch) -> type:
    """The nameko service class."""

    class GuidesWorker:
        name = "guides"

        @batch(GUIDES_QUEUE)
        def take(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            return watch.take(messages)

        @batch(FEEDBACK_QUEUE)
        def take_feedback(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            return feedback.take(watch.db, messages)

        @timer(interval=RECONCILE_SECONDS, eager=True)  # type: ignore[untyped-decorator]  # nameko has no types
        def reconcile(self) -> None:
            quietly(watch.reconcile, "reconcile")

    return GuidesWorker
