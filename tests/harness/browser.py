"""A person at a browser: opens pages of one county, clicks, types, reads. The same for Chromium and Firefox.

What no page of ours may do is noted while the test goes on and fails it in the end: errors on the console, requests to
another origin, files that do not come, and what the content policy had to stop.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.harness import browser_programs
from tests.harness.bidi import Bidi, BidiError

PHONE, NARROWEST, DESK, HALL = (390, 844), (320, 640), (1920, 1080), (1080, 1920)
PATIENCE = 60.0
SETTLE_SECONDS = 3.0
EVENTS = ("log.entryAdded", "network.beforeRequestSent", "network.responseStarted", "network.fetchError")
ICONS = ("/favicon.ico", "/icon.svg")
"""A browser asks for them when it likes: the first whatever the page says, so that it need not be there."""
NEEDED = ("style", "script")
"""What a page waits for: Chromium calls it aborted as well when it came with the wrong type."""
GONE = ("no such frame", "no such node", "stale element reference", "unknown error")

TELL_WHAT_IS_STOPPED = """() => addEventListener("securitypolicyviolation", (event) =>
    console.error(`content policy: ${event.violatedDirective} stopped ${event.blockedURI}`))"""
"""Only Firefox tells by itself."""

Change = Callable[[bytes], bytes]


class Browser:
    """One started browser; `page` gives everybody a fresh profile in it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.program = browser_programs.start(name, folder)
        try:
            self.bidi = Bidi(self.program.address())
            self.bidi.send("session.new", capabilities={"alwaysMatch": self.program.capabilities})
            self.bidi.send("session.subscribe", events=list(EVENTS))
            self.bidi.send("script.addPreloadScript", functionDeclaration=TELL_WHAT_IS_STOPPED)
        except BaseException:
            self.program.stop()
            raise

    @contextmanager
    def page(self, origin: str, size: tuple[int, int] = DESK) -> Iterator["Page"]:
        """A tab that remembers nothing of others; in the end all complaints about what it did are a failure."""
        profile = self.bidi.send("browser.createUserContext")["userContext"]
        try:
            tab = self.bidi.send("browsingContext.create", type="tab", userContext=profile)["context"]
            page = Page(self.bidi, tab, origin)
            self.bidi.listeners.append(page.hear)
            page.resize(*size)
            yield page
            page.settle()
            assert not page.complaints, "\n".join(page.complaints)
        finally:
            self.bidi.listeners.clear()
            self.bidi.send("browser.removeUserContext", userContext=profile)

    def close(self) -> None:
        """End the browser."""
        try:
            self.bidi.send("session.end" if self.name == "chromium" else "browser.close")
            self.bidi.close()
        except (BidiError, OSError, TimeoutError):
            pass
        finally:
            self.program.stop()


@dataclass
class Page:
    """One tab. Addresses without a host are below `origin`; elements are named by CSS selectors."""

    bidi: Bidi
    tab: str
    origin: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Addresses asked for, in order, without the icon."""

    def __post_init__(self) -> None:
        self._offline = False
        self._changes: dict[str, Change] = {}
        self._statuses: dict[str, int] = {}
        self._waiting: set[str] = set()
        self._hearing = {
            "log.entryAdded": self._logged,
            "network.beforeRequestSent": self._requested,
            "network.responseStarted": self._answered,
            "network.fetchError": self._failed,
        }

    def hear(self, name: str, event: Mapping[str, Any]) -> None:
        """An event of the browser; those of other tabs are not for this one."""
        if name in self._hearing and event.get("context", event.get("source", {}).get("context")) == self.tab:
            self._hearing[name](event)

    def open(self, address: str, status: int | None = 200) -> None:
        """Go there and wait until all is loaded; the document must have come with `status` (None: whatever)."""
        url = address if "://" in address else self.origin + address
        arrived = self.bidi.send("browsingContext.navigate", context=self.tab, url=url, wait="complete")["url"]
        came = self._statuses.get(arrived.partition("#")[0])
        assert status in (None, came), f"{arrived} came with {came}"

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """What a function in JavaScript returns, or its promise: anything that JSON can say."""
        declared = f"async (given) => JSON.stringify(await ({function})(...JSON.parse(given))) ?? 'null'"
        answer = self.bidi.send(
            "script.callFunction",
            functionDeclaration=declared,
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self.tab},
            awaitPromise=True,
            userActivation=False,
        )
        if answer["type"] == "exception":
            raise AssertionError(f"{function}: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"]["value"])

    def run(self, script: str) -> None:
        """Run a script in the page, whatever its content policy says."""
        self.bidi.send("script.evaluate", expression=script, target={"context": self.tab}, awaitPromise=False)

    def wait(self, function: str, *arguments: Any, seconds: float = PATIENCE) -> Any:
        """The function's value as soon as it is true, also beyond a change of pages."""
        deadline = time.monotonic() + seconds
        while True:
            value = self._peek(function, *arguments)
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {function} {arguments}\n{self.text('body')[:2000]}")
            time.sleep(0.05)

    def arrive(self, path: str) -> None:
        """Until the tab shows `path`, all loaded."""
        self.wait("(path) => location.pathname === path && document.readyState === 'complete'", path)

    def settle(self) -> None:
        """Until the browser has told how each request began to be answered; some it tells late."""
        deadline = time.monotonic() + SETTLE_SECONDS
        self.evaluate("() => 0")
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.02)
            self.evaluate("() => 0")

    def text(self, selector: str = "body") -> str:
        """What a person reads in the first such element. Fails when there is none."""
        found = self.evaluate("(selector) => document.querySelector(selector)?.innerText ?? null", selector)
        assert found is not None, f"no {selector} in {self.path}"
        return str(found)

    def texts(self, selector: str) -> list[str]:
        """What a person reads in each such element."""
        return list(self.evaluate("(s) => [...document.querySelectorAll(s)].map((e) => e.innerText)", selector))

    @property
    def path(self) -> str:
        """Path of the address that is shown."""
        return str(self.evaluate("() => location.pathname"))

    def click(self, selector: str) -> None:
        """Press the first such element in its middle, as a finger or a mouse does."""
        element = self._element(selector)
        self.evaluate("(s) => document.querySelector(s).scrollIntoView({block: 'center'})", selector)
        move = {"type": "pointerMove", "x": 0, "y": 0, "origin": {"type": "element", "element": element}}
        press = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": "mouse", "actions": press})

    def type(self, selector: str, text: str) -> None:
        """Click into the first such element and type."""
        self.click(selector)
        self.keys(text)

    def keys(self, text: str) -> None:
        """Press keys one after the other; special ones as WebDriver numbers them, `\\ue007` is Enter."""
        strokes = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": strokes})

    def resize(self, width: int, height: int) -> None:
        """Size of the visible part, in CSS pixels."""
        self.bidi.send("browsingContext.setViewport", context=self.tab, viewport={"width": width, "height": height})

    def screenshot(self, file: Path, *, whole: bool = False) -> Path:
        """What is visible, or the whole page, as PNG."""
        origin = "document" if whole else "viewport"
        shot = self.bidi.send("browsingContext.captureScreenshot", context=self.tab, origin=origin)
        file.write_bytes(base64.b64decode(shot["data"]))
        return file

    def unreachable(self, on: bool) -> None:
        """The servers are cut off by other means, or are there again. What fails meanwhile is no complaint."""
        self._offline = on
        if not on:
            self._waiting.clear()  # of what was cut in the middle not every browser tells

    def offline(self, on: bool) -> None:
        """Cut the tab off from every server, or connect it again. What fails meanwhile is no complaint."""
        conditions = {"type": "offline"} if on else None
        self._offline = on
        self.bidi.send("emulation.setNetworkConditions", contexts=[self.tab], networkConditions=conditions)

    def alter(self, path: str, change: Change) -> None:
        """From now on the answer to `path`, whatever its query, reaches the page as `change` makes it."""
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

    def _peek(self, function: str, *arguments: Any) -> Any:
        try:
            return self.evaluate(function, *arguments)
        except BidiError as error:
            if error.kind not in GONE:
                raise
            return None  # the page is just being replaced by the next one

    def _element(self, selector: str) -> dict[str, Any]:
        locator = {"type": "css", "value": selector}
        found = self.bidi.send("browsingContext.locateNodes", context=self.tab, locator=locator, maxNodeCount=1)
        assert found["nodes"], f"no {selector} in {self.path}"
        return {"sharedId": found["nodes"][0]["sharedId"]}

    def _act(self, source: Mapping[str, Any]) -> None:
        self.bidi.send("input.performActions", context=self.tab, actions=[source])

    def _logged(self, event: Mapping[str, Any]) -> None:
        if event["level"] == "error" and not self._offline:
            self.complaints.append(f"console: {event['text']}")

    def _requested(self, event: Mapping[str, Any]) -> None:
        url = str(event["request"]["url"])
        if not urlsplit(url).path.endswith(ICONS):
            self.requests.append(url)
        self._waiting.add(event["request"]["request"])
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.complaints.append(f"a request to another origin: {url}")
        if event["isBlocked"]:
            self._answer(str(event["request"]["request"]), url)

    def _answer(self, request: str, url: str) -> None:
        real = httpx.get(url, trust_env=False, timeout=PATIENCE)
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
        self._waiting.discard(event["request"]["request"])
        url, status = str(event["request"]["url"]), int(event["response"]["status"])
        self._statuses[url] = status
        if status >= 400 and event["navigation"] is None and not urlsplit(url).path.endswith(ICONS[0]):
            self.complaints.append(f"{status} for {url}")

    def _failed(self, event: Mapping[str, Any]) -> None:
        self._waiting.discard(event["request"]["request"])
        aborted = event["errorText"].rpartition("_")[2] == "ABORTED"  # by a page that is left, or a script
        if not self._offline and not (aborted and event["request"].get("destination") not in NEEDED):
            self.complaints.append(f"{event['errorText']} for {event['request']['url']}")
