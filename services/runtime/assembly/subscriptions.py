"""Assembles subscriptions: own store and key; the ledger is read as anybody may read it, without a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI

from contracts.topology import SUBSCRIPTIONS
from services.runtime.wiring import Wiring
from services.subscriptions import api
from services.subscriptions.amqp import queue_watch
from services.subscriptions.amqp.broker import Broker, broker_of
from services.subscriptions.amqp.feeder import QueueFeeder
from services.subscriptions.amqp.queue_watch import QueueWatch
from services.subscriptions.case_hooks.addresses import HostRules
from services.subscriptions.case_hooks.queue import HookCalling, HookQueue
from services.subscriptions.case_hooks.sealing import HookSeals
from services.subscriptions.case_hooks.store import CaseHookStore
from services.subscriptions.feed.hub import Hub
from services.subscriptions.keys import MasterKey
from services.subscriptions.log.ledger_reading import LedgerReading, PublicLedger
from services.subscriptions.log.public_ledger import HttpPublicLedger
from services.subscriptions.log.store import LogStore
from services.subscriptions.webhooks.calling import Calling, Keeping
from services.subscriptions.webhooks.queue import DeliveryQueue
from services.subscriptions.webhooks.sender import WebhookSender
from services.subscriptions.webhooks.standstill import LOOK_SECONDS, STILL, StandstillWatch
from shared.config import Settings
from shared.feeds.upstream import client
from shared.timers import Background, periodically
from shared.webhooks.addresses import AddressRules
from shared.webhooks.schedule import RESTS

HOOK_SECONDS = 5.0
"""For one call of a hook: what is sent is small, and what it asks for is one look-up later."""

THIS_MACHINE = "127.0.0.0/8,::1/128"
"""Where the receivers of a demonstration are."""


@dataclass(frozen=True)
class SubscriptionsWiring:
    """The parts of the service."""

    api: FastAPI
    reading: LedgerReading
    sender: WebhookSender
    hub: Hub
    watch: StandstillWatch
    log: LogStore
    hooks: CaseHookStore
    feeder: QueueFeeder | None
    queue_watch: QueueWatch | None

    def background(self) -> Mapping[str, Background]:
        """Return what runs beside HTTP, by name."""
        found: dict[str, Background] = {
            "subscriptions-log": self.reading.run,
            "subscriptions-hub": self.hub.run,
            "subscriptions-webhooks": self.sender.run,
            "subscriptions-standstill": periodically(LOOK_SECONDS, self.watch.look, name="subscriptions-standstill"),
        }
        if self.feeder is not None and self.queue_watch is not None:
            look = periodically(queue_watch.LOOK_SECONDS, self.queue_watch.look, name="subscriptions-queue-watch")
            found |= {"subscriptions-amqp": self.feeder.run, "subscriptions-queue-watch": look}
        return found


def subscriptions(wiring: Wiring) -> SubscriptionsWiring:
    """Return the parts in a process of their own."""
    settings = wiring.settings
    ledger = HttpPublicLedger(client(settings.url_for("ledger"), "", settings.tls))
    return assembled(wiring, ledger, broker=broker_of(settings))


def assembled(
    wiring: Wiring,
    ledger: PublicLedger,
    calling: Calling | None = None,
    still: timedelta = STILL,
    *,
    demo: bool = False,
    broker: Broker | None = None,
) -> SubscriptionsWiring:
    """Return the parts over a ledger. `calling`: how webhooks are called; `demo`: also on this machine.

    `broker`: None where everything is one process, without queues for integrators.
    """
    settings, db = wiring.settings, wiring.database(SUBSCRIPTIONS)
    networks = settings.webhook_networks or (THIS_MACHINE if demo else "")
    keeping = Keeping(timedelta(days=settings.webhook_text_days), timedelta(days=settings.webhook_log_days))
    calls = calling or Calling(AddressRules.of(networks), RESTS, keeping=keeping)
    log, key = LogStore(db), MasterKey(settings.webhook_key)
    hub, hooks = Hub(log), CaseHookStore(db, HookSeals(key), HostRules.of(settings))
    app = api.make(api.Subscriptions(log, key, calls.rules, hub, hooks, broker is not None), settings)
    return SubscriptionsWiring(
        app,
        LedgerReading(log, ledger),
        _sender(log, key, calls, settings),
        hub,
        StandstillWatch(db, still),
        log,
        hooks,
        QueueFeeder(log, broker) if broker else None,
        QueueWatch(db, broker, still) if broker else None,
    )


def _sender(log: LogStore, key: MasterKey, calls: Calling, settings: Settings) -> WebhookSender:
    calling = HookCalling(HostRules.of(settings), calls.rests, HOOK_SECONDS, calls.keeping.rows)
    hooks = HookQueue(log.db, HookSeals(key), calling)
    return WebhookSender(log.db, DeliveryQueue(log, key, calls), hooks, calls.resolve)
