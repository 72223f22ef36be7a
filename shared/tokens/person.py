"""People: whom a caller acts for. The desk signs in people and states in its tokens who they are.

A callee believes a person only from a caller whose manifest says that it speaks for people.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contracts.content.gates import Gate
from shared.errors import Forbidden

CLAIM = "person"
NAME_PATTERN = "[a-z][a-z0-9._-]{1,31}"
LONGEST_DISPLAY_NAME = 40
LONGEST_ADDRESS = 64
MOST_DEPARTMENTS = 20


class StaffRole(StrEnum):
    """What a person may do. One person may have several; each gate has a reviewer's role of its own."""

    EDITOR = "editor"
    RELEASER = "releaser"
    DUTY_OFFICER = "duty_officer"
    """Withdraws alone in an emergency, with a reason; others withdraw in pairs."""
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    REVIEWER_POLITICAL = "reviewer.political"
    REVIEWER_LEGAL = "reviewer.legal"
    REVIEWER_POLICY = "reviewer.policy"
    REVIEWER_SECRECY = "reviewer.secrecy"
    REVIEWER_TEXT = "reviewer.text"

    @classmethod
    def reviewer_of(cls, gate: Gate) -> "StaffRole":
        """Return the role that may sign for this gate."""
        return cls(f"reviewer.{gate}")


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the county's staff. `name`: the account; `display_name`: as colleagues write it.

    `departments`: 统一社会信用代码 of the units whose content is theirs; empty: every unit. `address`: where they sit.
    """

    name: str
    display_name: str
    roles: frozenset[StaffRole]
    departments: frozenset[str] = frozenset()
    address: str = ""

    def claim(self) -> Mapping[str, Any]:
        """Return the person as a claim of a token."""
        return {
            "name": self.name,
            "display_name": self.display_name,
            "roles": sorted(self.roles),
            "departments": sorted(self.departments),
            "address": self.address,
        }

    @classmethod
    def of_claim(cls, claim: Any) -> "Person":
        """Return the person of a claim. Raises `Forbidden` for a claim of another shape, or a role nobody knows."""
        try:
            person = cls(
                name=claim["name"],
                display_name=claim["display_name"],
                roles=frozenset(StaffRole(role) for role in claim["roles"]),
                departments=frozenset(claim["departments"]),
                address=claim["address"],
            )
            well_formed = (
                re.fullmatch(NAME_PATTERN, person.name)
                and 0 < len(person.display_name) <= LONGEST_DISPLAY_NAME
                and len(person.departments) <= MOST_DEPARTMENTS
                and all(isinstance(one, str) for one in person.departments)
                and len(person.address) <= LONGEST_ADDRESS
            )
        except (KeyError, TypeError, ValueError):
            well_formed = None
        if not well_formed:
            raise Forbidden("the token names a person in a form that this version does not know: update both services")
        return person


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, or a machine by the name of its caller. `address`: where the request came from."""

    name: str
    person: Person | None = None
    address: str = ""

    @classmethod
    def of(cls, person: Person) -> "Actor":
        """Return a person as the one who acts."""
        return cls(person.name, person, person.address)

    @property
    def title(self) -> str:
        """The name for display: of a machine, its name."""
        return self.person.display_name if self.person else self.name

    def has(self, role: StaffRole) -> bool:
        """Whether it is a person with this role. A machine has none."""
        return self.person is not None and role in self.person.roles


BOOTSTRAP = "bootstrap"
"""The machine that holds the county's admin token."""

COMMAND_LINE = Actor("command_line")
"""Whoever runs a command that opens a store itself: the operating system knows who, we do not."""

SYSTEM = Actor("system")
"""What acts by itself: timers, and what follows from another release."""
