"""A county with one case, and an app's backend that subscribes to it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from services.channels.mobile.news import NewsPusher
from shared.webhooks.addresses import resolved
from tests.harness.county import wait_for
from tests.harness.pipeline import PROJECT_NO, QUERY_CODE, Pipeline, progress

QUICK = (0.0,) * 3
"""Seconds after each failure."""

PATIENCE = 60.0
"""Seconds that a receiver may take; generous, because a busy machine is not a slow receiver."""

GIVES_UP = 1.0
"""Seconds, for receivers that never answer."""


class App:
    """A county with one case, and an app's backend that subscribes to it."""

    def __init__(self, county: Pipeline) -> None:
        self.county, self.version = county, 0
        self.advance("1")

    def allow(self, *hosts: str, private: bool = True) -> None:
        """Allow these hosts, as an operator does before the start."""
        changed = {"hook_hosts": ",".join(hosts), "hook_private": private}
        self.county.settings = self.county.settings.model_copy(update=changed)
        self.county.serve_anew()

    def advance(self, stage: str | None) -> None:
        """Move the case on; None: it is no longer shown."""
        self.version += 1
        self.county.release_case(None if stage is None else progress(stage=stage), self.version)
        self.county.flow()

    def asked(self, url: str, **more: Any) -> httpx.Response:
        """Request a subscription."""
        wanted = {"project_no": PROJECT_NO, "query_code": QUERY_CODE, "url": url, **more}
        answer: httpx.Response = self.county.http.post("/mobile/v1/hooks", json=wanted)
        return answer

    def subscribe(self, url: str, **more: Any) -> Any:
        """Subscribe. Return id, secret and expiry."""
        answer = self.asked(url, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def standing(self, hook: Any) -> Any:
        """Return the state of a subscription."""
        headers = {"Webhook-Secret": hook["secret"]}
        return self.county.http.get(f"/mobile/v1/hooks/{hook['id']}", headers=headers).json()

    @contextmanager
    def calling(
        self, resolve: Any = resolved, rests: Sequence[float] = QUICK, patience: float = PATIENCE
    ) -> Iterator[None]:
        """Call subscribers meanwhile."""
        stop = threading.Event()
        hooks, settings = self.county.case_hooks, self.county.settings
        pusher = NewsPusher(self.county.dbs["mobile"], hooks.over_http(settings))
        sender = hooks.sender(settings, resolve, rests, patience)
        threads = [threading.Thread(target=one.run, args=(stop,)) for one in (pusher, sender)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for the condition while subscribers are called."""
        with self.calling():
            return wait_for(condition, what)


def heard(app: App, hook: Any) -> bool:
    """Whether the subscriber has been told the newest state."""
    newest = "SELECT d.version FROM hook h JOIN document d ON d.key = 'application:' || h.case_ref WHERE h.id = :id"
    (known,) = app.county.execute("mobile", newest, id=hook["id"])
    (row,) = app.county.execute("subscriptions", "SELECT told FROM case_hook WHERE id = :id", id=hook["id"])
    return bool(row.told == str(known.version))
