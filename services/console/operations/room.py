"""What the pages and the JSON of this folder share: the picture, actions, jobs, and who may act."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path

from services.console.accounts.rights import may
from services.console.desk import Desk
from services.console.operations.actions import Action, Actions, Record
from services.console.operations.jobs import Jobs
from services.console.operations.observatory import Observatory
from shared.errors import NotFound
from shared.tokens.person import Person, StaffRole

Reader = Annotated[Person, Depends(may())]
"""Everybody of the staff may look: how the county runs is no secret within it."""

Operator = Annotated[Person, Depends(may(StaffRole.OPERATOR))]
Editor = Annotated[Person, Depends(may(StaffRole.EDITOR, StaffRole.OPERATOR))]
"""Answers what readers say about guides."""

CASE_ROLES = (
    StaffRole.OPERATOR,
    StaffRole.AUDITOR,
    StaffRole.EDITOR,
    StaffRole.RELEASER,
    StaffRole.DUTY_OFFICER,
)
CaseReader = Annotated[Person, Depends(may(*CASE_ROLES))]
"""Reads lists with case numbers, of their own departments."""

Channel = Annotated[str, Path(pattern=r"^[a-z]{1,16}$")]
PARKED_ACTIONS = (Action.REPLAY, Action.DROP)
JOB_ACTIONS = (Action.REBUILD, Action.DRILL)


@dataclass(frozen=True)
class Room:
    """The parts of this folder, made once a process."""

    desk: Desk
    observatory: Observatory
    actions: Actions
    jobs: Jobs

    @classmethod
    def of(cls, desk: Desk) -> "Room":
        """Return the room of a desk."""
        record = Record(desk.db)
        return cls(
            desk,
            Observatory(desk.services, desk.channel_titles),
            Actions(desk.services, record),
            Jobs(desk.services, record),
        )

    def require(self, channel: str) -> str:
        """Return the channel's title. Raises `NotFound` if there is no such channel."""
        if channel not in self.desk.channel_titles:
            raise NotFound(f"there is no channel {channel}")
        return self.desk.channel_titles[channel]
