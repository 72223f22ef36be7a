"""What is known of one code when an entry about it is judged. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope.publication import Op
from shared.publishing.editions import EditionState, EditionSummary, Version
from shared.publishing.imports.request import ImportEntry
from shared.publishing.imports.statement import Statement
from shared.text.local_midnight import begin


@dataclass(frozen=True, slots=True)
class CodeHistory:
    """Everything known of one code at one moment. `imported(version)`: whether a version came with an import."""

    entry: ImportEntry
    said: Statement | None
    standing: EditionSummary | None
    conversion: str
    now: datetime
    imported: Callable[[int], bool] = lambda _version: False

    @property
    def in_force(self) -> Version | None:
        """The version shown now."""
        current = self.standing.now.in_force if self.standing else None
        return current if current is not None and current.shows(self.now) else None

    @property
    def own_plan(self) -> Version | None:
        """The version planned because this source gave a date for it."""
        if self.said is None or self.said.starts is None:
            return None
        start = begin(self.said.starts)
        return next((one for one in self.waiting if one.op == Op.RELEASE and one.period.effective_at == start), None)

    @property
    def waiting(self) -> list[Version]:
        """The planned versions."""
        return list(self.standing.now.waiting) if self.standing else []

    @property
    def hidden(self) -> bool:
        """Whether it is hidden only because what it belongs to is not shown."""
        return self.standing is not None and self.standing.state == EditionState.HIDDEN

    @property
    def was_released(self) -> bool:
        """Whether it ever had a version."""
        return self.standing is not None and self.standing.version > 0
