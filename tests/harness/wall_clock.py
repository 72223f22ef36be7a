"""A wall clock within this process that a test can advance, for the modules that read the time."""

from datetime import datetime, timedelta, tzinfo
from types import ModuleType
from typing import Any

import pytest


class WallClock:
    """The true time plus an offset, as these modules see it."""

    def __init__(self, patch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
        self._ahead = timedelta(0)
        clock = self

        class Ahead(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return datetime.now(tz) + clock._ahead

        for module in modules:
            patch.setattr(module, "datetime", Ahead)

    def forward(self, span: timedelta) -> None:
        """Advance the clock by `span`."""
        self._ahead += span
