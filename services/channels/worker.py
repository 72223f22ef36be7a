"""A channel as a nameko worker: consumes its queue, shows what has become due, and reconciles with the ledger."""

from collections.abc import Sequence
from functools import partial

from nameko.timer import timer

from contracts.topology import publications_queue
from services.channels.core.channel import Channel
from shared.config import Settings
from shared.messaging.consumer import batch
from shared.messaging.delivery import Message, Refusal
from shared.timers import quietly

PAGE_SECONDS = 0.1


def make_worker(channel: Channel, settings: Settings) -> type:
    """Return the nameko service class of one channel."""

    class ChannelWorker:
        name = channel.service

        @batch(publications_queue(channel.service))
        def take(self, messages: Sequence[Message]) -> Sequence[Refusal]:
            return channel.take(messages)

        @timer(interval=PAGE_SECONDS)  # type: ignore[untyped-decorator]  # nameko has no types
        def turn_pages(self) -> None:
            quietly(channel.turn_pages, "pages")

        @timer(interval=settings.reconcile_interval, eager=True)  # type: ignore[untyped-decorator]  # likewise
        def reconcile(self) -> None:
            quietly(partial(channel.reconcile, patient=True), "reconcile")

    return ChannelWorker
