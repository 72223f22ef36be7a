"""Which role of a person a command needs, and whose content a code is (谁起草谁负责).

A machine with the right to write may use every command but those that sign: its manifest says so.
"""

from collections.abc import Iterable

from contracts.codes.identifiers import USCC
from shared.errors import NotAllowed
from shared.tokens.person import Actor, Person, StaffRole

SAVING = (StaffRole.EDITOR,)
SUBMITTING = (StaffRole.EDITOR, StaffRole.RELEASER)
RELEASING = (StaffRole.RELEASER,)
TAKING_OFF = (StaffRole.RELEASER, StaffRole.DUTY_OFFICER)


def may_write(person: Person, code: str) -> bool:
    """Whether content with this code is the person's: 谁起草谁负责. The code begins with its unit's code (USCC)."""
    return not person.departments or code[USCC] in person.departments


def require_role(by: Actor, roles: Iterable[StaffRole], codes: Iterable[str] = ()) -> None:
    """Raises `NotAllowed` for a person without one of the roles, or for a code of another unit."""
    person = by.person
    if person is None:
        return
    wanted = list(roles)
    if not person.roles.intersection(wanted):
        raise NotAllowed(f"{person.name} needs the role {' or '.join(wanted)} for this")
    require_unit(by, codes)


def require_unit(by: Actor, codes: Iterable[str]) -> None:
    """Raises `NotAllowed` for a person to whose units one of the codes does not belong."""
    person = by.person
    foreign = next((code for code in codes if not may_write(person, code)), None) if person else None
    if person is not None and foreign is not None:
        raise NotAllowed(
            f"{foreign} is content of the unit {foreign[USCC]}; {person.name} works for "
            f"{', '.join(sorted(person.departments))}"
        )
