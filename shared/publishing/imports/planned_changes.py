"""What an import is about to do: bodies to release, and codes that leave the channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.base import Json
from contracts.envelope.publication import Op
from shared.publishing.editions import BodyToRelease, EditionState, Period
from shared.publishing.editions.steps import NextVersion
from shared.publishing.imports.judgement import Judgement
from shared.publishing.imports.regrouping import Regrouping, leaving_at


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """`leaving`: by the state afterwards, the codes that leave, each with its moment (None: at once)."""

    releases: Sequence[BodyToRelease]
    leaving: Mapping[EditionState, Mapping[str, datetime | None]]

    @classmethod
    def of(
        cls, judgements: Mapping[str, Judgement], bodies: Mapping[str, Json], regrouped: Sequence[Regrouping]
    ) -> "PlannedChanges":
        """Return what the judgements amount to."""
        releases = [
            BodyToRelease(code, bodies[code], one.period, one.replaces)
            for code, one in judgements.items()
            if one.releases
        ]
        since: dict[str, datetime | None] = {}
        for one in regrouped:
            since |= dict.fromkeys(one.goes, leaving_at(one, judgements))
        leaving = {
            state: {code: since.get(code) for code, one in judgements.items() if one.leaves == state}
            for state in (EditionState.SUSPENDED, EditionState.WITHDRAWN)
        }
        return cls(releases, {state: codes for state, codes in leaving.items() if codes})

    def steps(self) -> dict[str, NextVersion]:
        """Return the step of each code, as its review names it."""
        released = {
            one.code: NextVersion(Op.RELEASE, one.body, one.period, EditionState.RELEASED) for one in self.releases
        }
        left = {
            code: NextVersion(Op.WITHDRAW, None, Period(at), state)
            for state, codes in self.leaving.items()
            for code, at in codes.items()
        }
        return {**released, **left}
