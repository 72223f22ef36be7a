"""Hooks of cases at subscriptions, as mobile asks for them over HTTP and as they are called."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from services.channels.mobile.case_hooks import CaseHooks, HttpCaseHooks
from services.subscriptions import api
from services.subscriptions.case_hooks.addresses import HostRules
from services.subscriptions.case_hooks.queue import HookCalling, HookQueue
from services.subscriptions.case_hooks.sealing import HookSeals
from services.subscriptions.case_hooks.store import CaseHookStore
from services.subscriptions.feed.hub import Hub
from services.subscriptions.keys import MasterKey
from services.subscriptions.log.store import LogStore
from services.subscriptions.webhooks.calling import Calling
from services.subscriptions.webhooks.queue import DeliveryQueue
from services.subscriptions.webhooks.sender import WebhookSender
from shared.config import Settings
from shared.database.engine import Database
from shared.web.server.process import mount
from shared.webhooks.addresses import AddressRules, Resolve


class HookService:
    """Subscriptions over a store of its own. The settings may change between two starts, as an operator does."""

    def __init__(self, db: Database, key_file: Any) -> None:
        self.db, self._key = db, MasterKey(key_file)
        self._key.make()
        self._log = LogStore(db)

    def api(self, settings: Settings) -> FastAPI:
        """Return the HTTP app with these settings."""
        hooks = CaseHookStore(self.db, HookSeals(self._key), HostRules.of(settings))
        parts = api.Subscriptions(self._log, self._key, AddressRules(), Hub(self._log), hooks)
        made = api.make(parts, settings)
        # Routes are built when they are first needed; two threads at once would meet warnings that FastAPI suppresses.
        made.openapi()
        return made

    def over_http(self, settings: Settings) -> HttpCaseHooks:
        """Return what mobile has of it."""
        token = settings.admin_token.get_secret_value() if settings.admin_token else ""
        app = mount({"subscriptions": self.api(settings)})
        headers = {"Authorization": f"Bearer {token}"}
        return HttpCaseHooks(lambda: TestClient(app, headers=headers, raise_server_exceptions=False))

    def sender(self, settings: Settings, resolve: Resolve, rests: Sequence[float], patience: float) -> WebhookSender:
        """Return the sender, which calls webhooks and hooks."""
        calling = HookCalling(HostRules.of(settings), rests, patience, timedelta(days=30))
        hooks = HookQueue(self.db, HookSeals(self._key), calling)
        queue = DeliveryQueue(self._log, self._key, Calling(AddressRules(), rests))
        return WebhookSender(self.db, queue, hooks, resolve)


class CaseHooksWhenAsked:
    """Builds subscriptions when something is first asked of it: most tests of mobile ask nothing."""

    def __init__(self, make: Callable[[], CaseHooks]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> CaseHooks:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        """Return the method of the real one."""
        return getattr(self._made, name)
