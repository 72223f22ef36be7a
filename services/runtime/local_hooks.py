"""Hooks of cases within one process: the same interface as over HTTP, asking the store of subscriptions directly."""

from contracts.base import Json
from services.subscriptions.case_hooks.requests import CaseHook, News
from services.subscriptions.case_hooks.store import CaseHookStore
from shared.text.validation import parse


class LocalCaseHooks:
    """Subscriptions in this process, see `services.channels.mobile.case_hooks.CaseHooks`."""

    def __init__(self, store: CaseHookStore) -> None:
        self._store = store

    def put(self, hook: str, content: Json) -> None:
        """See `CaseHooks`."""
        self._store.put(hook, parse(CaseHook, content))

    def news(self, hook: str, content: Json) -> str | None:
        """See `CaseHooks`."""
        return self._store.news(hook, parse(News, content))

    def state(self, hook: str, secret: str) -> Json:
        """See `CaseHooks`."""
        return self._store.state(hook, secret)

    def end(self, hook: str, secret: str | None) -> None:
        """See `CaseHooks`."""
        self._store.end(hook, secret)
