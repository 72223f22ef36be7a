"""What one tab of a browser requests, and what it complains of."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.harness.bidi import Bidi
from tests.harness.county import public_authorities

PATIENCE = 180.0
ICONS = ("/favicon.ico", "/icon.svg")
"""Browsers request these at any time, the first whatever the page says, so it may be missing."""
UNREACHED = "establish a connection to the server"
NEEDED = ("style", "script")
"""Resources that block rendering: Chromium reports them as aborted also for a wrong type."""
LEFT_BEHIND = "Failed to load ‘’."
"""Firefox's message for a request that a service worker was answering when the page was left.
With an address in it, it is an error.
"""
OFFLINE = ("NS_ERROR_OFFLINE", "net::ERR_INTERNET_DISCONNECTED")
"""Errors that only `Page.offline` makes; some are reported once the tab is connected again."""

Change = Callable[[bytes], bytes]


@dataclass
class Traffic:
    """Hears a tab's events. `offline`: its servers are unreachable on purpose, so failures are no complaints.

    `requests`: addresses requested, in order, without the icon. `statuses`: of the documents that were opened.
    `waiting`: requests without a response, with what they are for.
    """

    bidi: Bidi
    tab: str
    origin: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, str | None] = field(default_factory=dict)
    offline: bool = False

    def __post_init__(self) -> None:
        self._unreached: set[str] = set()
        self._changes: dict[str, Change] = {}
        self._hearing = {
            "log.entryAdded": self._logged,
            "network.beforeRequestSent": self._requested,
            "network.responseStarted": self._answered,
            "network.fetchError": self._failed,
        }

    def hear(self, name: str, event: Mapping[str, Any]) -> None:
        """Handle an event of the browser; events of other tabs are ignored."""
        if name in self._hearing and event.get("context", event.get("source", {}).get("context")) == self.tab:
            self._hearing[name](event)

    def complaints_but_of_being_offline(self) -> list[str]:
        """Return the complaints without those that a stream of the disconnected tab found nobody."""
        return [one for one in self.complaints if not (UNREACHED in one and any(url in one for url in self._unreached))]

    def alter(self, path: str, change: Change) -> None:
        """From now on alter the response to `path`, whatever its query, with `change`."""
        if path not in self._changes:
            parts = urlsplit(self.origin)
            pattern = {
                "type": "pattern",
                "protocol": parts.scheme,
                "hostname": parts.hostname,
                "port": str(parts.port),
                "pathname": path,
            }
            self.bidi.send(
                "network.addIntercept", phases=["beforeRequestSent"], urlPatterns=[pattern], contexts=[self.tab]
            )
        self._changes[path] = change

    def _logged(self, event: Mapping[str, Any]) -> None:
        if event["level"] == "error" and not self.offline and not event["text"].startswith(LEFT_BEHIND):
            self.complaints.append(f"console: {event['text']}")

    def _requested(self, event: Mapping[str, Any]) -> None:
        url = str(event["request"]["url"])
        if not urlsplit(url).path.endswith(ICONS):
            self.requests.append(url)
        if event["navigation"] is not None:
            self._leave()
        self.waiting[event["request"]["request"]] = event["request"].get("destination")
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.complaints.append(f"a request to another origin: {url}")
        if event["isBlocked"]:
            self._answer(str(event["request"]["request"]), url)

    def _leave(self) -> None:
        """Wait no longer for what scripts of the page that is left were fetching: Chromium reports no end of it."""
        self.waiting = {request: purpose for request, purpose in self.waiting.items() if purpose != ""}

    def _answer(self, request: str, url: str) -> None:
        real = httpx.get(url, trust_env=False, timeout=PATIENCE, verify=public_authorities())
        media_type = {"type": "string", "value": real.headers.get("content-type", "")}
        changed = self._changes[urlsplit(url).path](real.content)
        self.bidi.send(
            "network.provideResponse",
            request=request,
            statusCode=real.status_code,
            reasonPhrase=real.reason_phrase,
            headers=[{"name": "Content-Type", "value": media_type}],
            body={
                "type": "base64",
                "value": base64.b64encode(changed).decode(),
            },
        )

    def _answered(self, event: Mapping[str, Any]) -> None:
        self.waiting.pop(event["request"]["request"], None)
        url, status = str(event["request"]["url"]), int(event["response"]["status"])
        if event["navigation"] is not None:  # a script of the page may fetch the same address later
            self.statuses[url] = status
        if status >= 400 and event["navigation"] is None and not urlsplit(url).path.endswith(ICONS[0]):
            self.complaints.append(f"{status} for {url}")

    def _failed(self, event: Mapping[str, Any]) -> None:
        self.waiting.pop(event["request"]["request"], None)
        aborted = event["errorText"].rpartition("_")[2] == "ABORTED"  # by leaving the page, or by a script
        if event["errorText"] in OFFLINE:
            self._unreached.add(event["request"]["url"])
        elif not self.offline and not (aborted and event["request"].get("destination") not in NEEDED):
            self.complaints.append(f"{event['errorText']} for {event['request']['url']}")
