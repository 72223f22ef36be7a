"""Chromium and Firefox ESR as packaged by Debian, run without a screen and controlled over WebDriver BiDi.

Firefox speaks BiDi itself; Chromium needs its driver. Neither needs anything that Debian 12 does not have.
"""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.county import wait_for
from tests.harness.packages import require, require_file

START_SECONDS = 180.0
ENDED = "the browser has ended"
GUARD = ("sh", "-c", f'{{ "$@"; echo "{ENDED}"; }} </dev/null & cat >/dev/null; kill -9 0', "guard")
"""Runs a command and kills its whole process group when the other end of its input is closed, so also when
the test run was killed and could not clean up.
"""

CHINESE_FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")

CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the tests may run as root, where Chromium has no sandbox
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",  # as on a touch screen: a screenshot has the requested width
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--lang=zh-CN",
)

FIREFOX_PREFERENCES: dict[str, str | bool] = {
    "intl.accept_languages": "zh-CN, zh",
    "services.settings.server": "data:,#remote-settings-dummy/v1",  # no updates from the network
    "app.normandy.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


@dataclass
class Program:
    """A running browser or its driver: its process group, and where it listens."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    listening: re.Pattern[str]
    capabilities: dict[str, Any] = field(default_factory=dict)

    def address(self) -> str:
        """Return the web socket of its BiDi sessions, as soon as it listens."""
        port = wait_for(self._port, f"{self.name} listens", START_SECONDS, self.said)
        return f"ws://127.0.0.1:{port}/session"

    def said(self) -> str:
        """Return the end of its output."""
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        """Kill it and everything that it started: its profile is temporary, so nothing is lost."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _port(self) -> str | None:
        said = self.log.read_text(errors="replace")
        if ENDED in said:
            raise AssertionError(f"{self.name} ended at once:\n{self.said()}")
        found = self.listening.search(said)
        return found[1] if found else None


def chromium(folder: Path) -> Program:
    """Start Chromium's driver; a session starts the browser. `folder` is empty and receives all its files."""
    binary, driver = require("chromium", "chromium"), require("chromedriver", "chromium-driver")
    options = {"binary": str(binary), "args": [*CHROMIUM_FLAGS, f"--user-data-dir={folder / 'profile'}"]}
    process, log = _spawn([str(driver), "--port=0"], folder)
    listening = re.compile(r"started successfully on port (\d+)")
    return Program("chromium", process, log, listening, {"goog:chromeOptions": options})


def firefox(folder: Path) -> Program:
    """Start Firefox ESR."""
    binary = require("firefox-esr", "firefox-esr")
    profile = folder / "profile"
    profile.mkdir()
    lines = [f'user_pref("{name}", {_literal(value)});\n' for name, value in FIREFOX_PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [str(binary), "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    process, log = _spawn(command, folder)
    return Program("firefox", process, log, re.compile(r"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)"))


PROGRAMS: dict[str, Callable[[Path], Program]] = {"chromium": chromium, "firefox": firefox}


def start(name: str, folder: Path) -> Program:
    """Start a browser by name. Raises `MissingPackageError` if it is missing and cannot be installed."""
    require_file(CHINESE_FONT, "fonts-noto-cjk")
    folder.mkdir(parents=True, exist_ok=True)
    return PROGRAMS[name](folder)


def _spawn(command: list[str], folder: Path) -> tuple["subprocess.Popen[bytes]", Path]:
    log = folder / "browser.log"
    environment = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder)}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*GUARD, *command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    return process, log


def _literal(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'
