"""A user at a browser: opens pages of one county, clicks, types, reads. The same for Chromium and Firefox.

Anything that our pages must not do is recorded during the test and fails it at the end: console errors, requests to
another origin, files that fail to load, and violations of the content policy.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import browser_programs
from tests.harness.bidi import Bidi, BidiError
from tests.harness.browser_traffic import PATIENCE, Change, Traffic

PHONE, NARROWEST, DESK, HALL = (390, 844), (320, 640), (1920, 1080), (1080, 1920)
SETTLE_SECONDS = 3.0
EVENTS = ("log.entryAdded", "network.beforeRequestSent", "network.responseStarted", "network.fetchError")
CLICK_TRIES = 5
OUT_OF_VIEW = "move target out of bounds"
GONE = ("no such frame", "no such node", "stale element reference", "unknown error")

TELL_WHAT_IS_STOPPED = """() => addEventListener("securitypolicyviolation", (event) =>
    console.error(`content policy: ${event.violatedDirective} stopped ${event.blockedURI}`))"""
"""Only Firefox reports violations by itself."""


class Browser:
    """A running browser; `page` opens tabs with fresh profiles."""

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
        """Open a tab with a fresh profile; at the end, any complaint recorded is a failure."""
        profile = self.bidi.send("browser.createUserContext")["userContext"]
        try:
            tab = self.bidi.send("browsingContext.create", type="tab", userContext=profile)["context"]
            page = Page(self.bidi, tab, origin)
            self.bidi.listeners.append(page.traffic.hear)
            page.resize(*size)
            yield page
            page.settle()
            complaints = page.traffic.complaints_but_of_being_offline()
            assert not complaints, "\n".join(complaints)
        finally:
            self.bidi.listeners.clear()
            self.bidi.send("browser.removeUserContext", userContext=profile)

    def close(self) -> None:
        """Close the browser."""
        try:
            self.bidi.send("session.end" if self.name == "chromium" else "browser.close")
            self.bidi.close()
        except (BidiError, OSError, TimeoutError):
            pass
        finally:
            self.program.stop()


STAND_STILL = """(selector) => new Promise((done) => {
    const element = document.querySelector(selector);
    element.scrollIntoView({block: 'center', behavior: 'instant'});
    const place = () => JSON.stringify(element.getBoundingClientRect());
    const look = (before) => setTimeout(() => place() === before ? done(true) : look(place()), 20);
    look(place());
})"""
"""Scrolls to an element and waits until two looks find it at the same place."""


@dataclass
class Page:
    """One tab. Addresses without a host are relative to `origin`; elements are found by CSS selectors."""

    bidi: Bidi
    tab: str
    origin: str

    def __post_init__(self) -> None:
        self.traffic = Traffic(self.bidi, self.tab, self.origin)

    @property
    def complaints(self) -> list[str]:
        """Return what our pages must not have done so far."""
        return self.traffic.complaints

    @property
    def requests(self) -> list[str]:
        """Return the addresses requested, in order, without the icon."""
        return self.traffic.requests

    def open(self, address: str, status: int | None = 200) -> None:
        """Open the address and wait until it is loaded; the document must have `status` (None: any)."""
        url = address if "://" in address else self.origin + address
        arrived = self.bidi.send("browsingContext.navigate", context=self.tab, url=url, wait="complete")["url"]
        came = self.traffic.statuses.get(arrived.partition("#")[0])
        came = 200 if came == 304 else came  # the browser had the document, and it still holds
        assert status in (None, came), f"{arrived} came with {came}"

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Return the value of a JavaScript function, or of its promise: anything that JSON can express."""
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
        """Run a script in the page, regardless of its content policy."""
        self.bidi.send("script.evaluate", expression=script, target={"context": self.tab}, awaitPromise=False)

    def wait(self, function: str, *arguments: Any, seconds: float = PATIENCE) -> Any:
        """Return the function's value as soon as it is truthy, also across navigation."""
        deadline = time.monotonic() + seconds
        while True:
            value = self._peek(function, *arguments)
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {function} {arguments}\n{self.text('body')[:2000]}")
            time.sleep(0.05)

    def arrive(self, path: str) -> None:
        """Wait until the tab has loaded `path`."""
        self.wait("(path) => location.pathname === path && document.readyState === 'complete'", path)

    def settle(self) -> None:
        """Wait until the browser has reported the response to each request; it reports some late."""
        deadline = time.monotonic() + SETTLE_SECONDS
        self.evaluate("() => 0")
        while self.traffic.waiting and time.monotonic() < deadline:
            time.sleep(0.02)
            self.evaluate("() => 0")

    def forgive(self, status: int) -> None:
        """Wait for the complaint about an expected error status, and drop it."""
        deadline = time.monotonic() + PATIENCE
        while not any(str(status) in each for each in self.complaints):
            assert time.monotonic() < deadline, f"no answer came with {status}"
            time.sleep(0.05)
            self.evaluate("() => 0")
        self.settle()
        self.traffic.complaints[:] = [each for each in self.complaints if str(status) not in each]

    def text(self, selector: str = "body") -> str:
        """Return the visible text of the first matching element. Fails if there is none."""
        found = self.evaluate("(selector) => document.querySelector(selector)?.innerText ?? null", selector)
        assert found is not None, f"no {selector} in {self.path}"
        return str(found)

    def texts(self, selector: str) -> list[str]:
        """Return the visible text of each matching element."""
        return list(self.evaluate("(s) => [...document.querySelectorAll(s)].map((e) => e.innerText)", selector))

    @property
    def path(self) -> str:
        """Return the path of the current address."""
        return str(self.evaluate("() => location.pathname"))

    def click(self, selector: str) -> None:
        """Click the centre of the first matching element, once it stands still: a click beside it does nothing.

        A browser may still scroll to where the last key was typed, and take the element out of view again: then it
        refuses the click before anything is pressed, and the click is tried again.
        """
        element = self._element(selector)
        move = {"type": "pointerMove", "x": 0, "y": 0, "origin": {"type": "element", "element": element}}
        press = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        for tries_left in reversed(range(CLICK_TRIES)):
            self.evaluate(STAND_STILL, selector)
            try:
                self._act({"type": "pointer", "id": "mouse", "actions": press})
                break
            except BidiError as error:
                if error.kind != OUT_OF_VIEW or not tries_left:
                    raise

    def type(self, selector: str, text: str) -> None:
        """Click into the first matching element and type."""
        self.click(selector)
        self.wait("(s) => document.activeElement === document.querySelector(s)", selector)
        self.keys(text)

    def keys(self, text: str) -> None:
        """Press keys one after another; special keys as in WebDriver, `\\ue007` is Enter."""
        strokes = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": strokes})

    def resize(self, width: int, height: int) -> None:
        """Set the size of the viewport in CSS pixels."""
        self.bidi.send("browsingContext.setViewport", context=self.tab, viewport={"width": width, "height": height})

    def screenshot(self, file: Path, *, whole: bool = False) -> Path:
        """Save the viewport, or the whole page, as PNG."""
        origin = "document" if whole else "viewport"
        shot = self.bidi.send("browsingContext.captureScreenshot", context=self.tab, origin=origin)
        file.write_bytes(base64.b64decode(shot["data"]))
        return file

    def unreachable(self, on: bool) -> None:
        """Note that the servers are unreachable by other means. Failures meanwhile are not complaints."""
        self.traffic.offline = on
        if not on:
            self.traffic.waiting.clear()  # not every browser reports requests that were cut off

    def offline(self, on: bool) -> None:
        """Disconnect the tab from every server, or reconnect it. Failures meanwhile are not complaints."""
        conditions = {"type": "offline"} if on else None
        self.traffic.offline = on
        self.bidi.send("emulation.setNetworkConditions", contexts=[self.tab], networkConditions=conditions)

    def alter(self, path: str, change: Change) -> None:
        """From now on alter the response to `path`, whatever its query, with `change`."""
        self.traffic.alter(path, change)

    def _peek(self, function: str, *arguments: Any) -> Any:
        try:
            return self.evaluate(function, *arguments)
        except BidiError as error:
            if error.kind not in GONE:
                raise
            return None  # the page is being replaced by the next one

    def _element(self, selector: str) -> dict[str, Any]:
        locator = {"type": "css", "value": selector}
        found = self.bidi.send("browsingContext.locateNodes", context=self.tab, locator=locator, maxNodeCount=1)
        assert found["nodes"], f"no {selector} in {self.path}"
        return {"sharedId": found["nodes"][0]["sharedId"]}

    def _act(self, source: Mapping[str, Any]) -> None:
        self.bidi.send("input.performActions", context=self.tab, actions=[source])
