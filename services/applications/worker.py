"""applications as a nameko worker: records halls' reports, and handles what falls due."""

from collections.abc import Sequence

from nameko.timer import timer

from contracts.topology import INTAKE_QUEUE
from services.applications.commands import Applications
from services.applications.intake.batches import BATCH, handle_intake
from services.applications.lifecycle.timers import UPKEEP_SECONDS
from shared.messaging.consumer import batch
from shared.messaging.delivery import Message, Refusal
from shared.timers import quietly


def make_worker(applications: Applications) -> type:
    """Return the nameko service class."""

    class ApplicationsWorker:
        name = "applications"

        @batch(INTAKE_QUEUE, size=BATCH)
        def take(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            return handle_intake(applications, messages)

        @timer(interval=UPKEEP_SECONDS, eager=True)  # type: ignore[untyped-decorator]  # nameko has no types
        def keep_up(self) -> None:
            quietly(applications.keep_up, "deadlines")

    return ApplicationsWorker
