"""Settings that note which of them are read; `python -m tests.harness.recorded_settings run NAME` starts a process
with them. It adds a line to the file NAME in the folder `RECORDED_SETTINGS` when a setting is read for the first time.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.config import Settings

FOLDER = "RECORDED_SETTINGS"


def recorded(settings: Settings, note: Callable[[str], None]) -> Settings:
    """Return the settings, which call `note` with the name of each that is read for the first time."""
    original = type(settings)
    names, seen = frozenset(original.model_fields), set[str]()

    class Recorded(original):  # type: ignore[valid-type, misc]  # the class has the services' settings
        def __getattribute__(self, name: str) -> Any:
            if name in names and name not in seen:
                seen.add(name)
                note(name)
            return super().__getattribute__(name)

    copy = settings.model_copy()
    object.__setattr__(copy, "__class__", Recorded)
    return copy


def main() -> None:
    """Start a process as `tongyuan` does."""
    name = sys.argv[2]
    if name.endswith("-worker"):
        from shared.messaging import eventlet_patch  # before anything else, as `services.__main__` does

        eventlet_patch.patch()
    from services import __main__ as tongyuan  # after the patch
    from services.runtime import manifests  # likewise

    file, held = Path(os.environ[FOLDER]) / name, manifests.held

    def note(setting: str) -> None:
        with file.open("a") as notes:
            notes.write(f"{setting}\n")

    manifests.held = lambda name, settings: recorded(held(name, settings), note)
    tongyuan.main()


if __name__ == "__main__":
    main()
