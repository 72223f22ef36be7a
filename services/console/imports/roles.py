"""Who may do what with imports: editors prepare, releasers import and undo."""

from typing import Annotated

from fastapi import Depends

from services.console.accounts.rights import REVIEWERS, Area, may
from shared.tokens.person import Person, StaffRole

WRITERS = (StaffRole.EDITOR, StaffRole.RELEASER)
READERS = (*WRITERS, *REVIEWERS, StaffRole.AUDITOR)
AREA = Area("imports", "导入", frozenset(READERS))

Reader = Annotated[Person, Depends(may(*READERS))]
Writer = Annotated[Person, Depends(may(*WRITERS))]
Releaser = Annotated[Person, Depends(may(StaffRole.RELEASER))]
