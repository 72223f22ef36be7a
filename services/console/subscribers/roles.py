"""Who may do what with subscribers: operators keep them going, administrators decide who is one."""

from typing import Annotated

from fastapi import Depends

from services.console.accounts.rights import Area, may, may_in_person
from shared.tokens.person import Person, StaffRole

READERS = (StaffRole.OPERATOR, StaffRole.ADMINISTRATOR, StaffRole.AUDITOR)
SENDERS = (StaffRole.OPERATOR, StaffRole.ADMINISTRATOR)
AREA = Area("subscribers", "订阅", frozenset(READERS))

Reader = Annotated[Person, Depends(may(*READERS))]
Sender = Annotated[Person, Depends(may(*SENDERS))]
"""Pauses, resumes, sends again and tests: nothing that changes who is told what."""
Administrator = Annotated[Person, Depends(may(StaffRole.ADMINISTRATOR))]
KeyGiver = Annotated[Person, Depends(may_in_person(StaffRole.ADMINISTRATOR))]
"""Is shown keys and secrets; an API token must not make itself another credential."""
