"""Absence: a reviewer names a colleague for a gate, from and until. The colleague signs as a person of their own.

The signature says on whose behalf it is given and counts as that of the person who gives it, so a delegation never
makes two persons of one. What was delegated is not delegated further.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from contracts.base import Json, format_time
from contracts.content.gates import GATES, Gate
from services.console.accounts import changes
from services.console.accounts.model import AccountRow
from services.console.accounts.people import roles_of
from services.console.reviews.model import DelegationRow
from shared.database.engine import Database
from shared.errors import Invalid, NotAllowed, NotFound, Violation
from shared.tokens.person import Actor, Person, StaffRole

LONGEST = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Signer:
    """In whose name a gate is signed: the person with the gate's role. `on_behalf_of`: who is away, None: nobody."""

    person: Person
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Delegations:
    """The delegations in the desk's store."""

    db: Database

    def give(self, giver: Person, gate: Gate, taker: str, starts_at: datetime, ends_at: datetime) -> Json:
        """Name a colleague for a gate. Raises `NotAllowed` without the gate's role, `Invalid` naming the field."""
        if StaffRole.reviewer_of(gate) not in giver.roles:
            raise NotAllowed(f"您没有{GATES[gate]}的审核角色，不能委托")
        now = datetime.now(UTC)
        if not max(now, starts_at) < ends_at <= starts_at + LONGEST:
            raise Invalid(
                Violation("ends_at", "period", f"须晚于开始和现在，至多{LONGEST.days}天", format_time(ends_at))
            )
        with self.db.write() as session:
            row = session.get(AccountRow, taker)
            if row is None or row.locked_at or taker == giver.name:
                raise Invalid(Violation("taker", "colleague", "须是另一位没有锁定的同事的账户名", taker))
            if StaffRole.reviewer_of(gate) in roles_of(row.roles):
                message = f"这位同事自己就有{GATES[gate]}的审核角色，不需要委托"
                raise Invalid(Violation("taker", "has_the_role", message, taker))
            made = DelegationRow(
                gate=gate,
                giver=giver.name,
                taker=taker,
                starts_at=format_time(starts_at),
                ends_at=format_time(ends_at),
                created_at=format_time(now),
            )
            session.add(made)
            session.flush()
            told = _told(session, made)
            changes.note(session, Actor(giver.name, giver, giver.address), "delegation.given", taker, None, told)
            return told

    def revoke(self, giver: Person, number: int) -> Json:
        """End a delegation now. Raises `NotFound` for one of somebody else."""
        with self.db.write() as session:
            row = session.get(DelegationRow, number, with_for_update=True)
            if row is None or row.giver != giver.name:
                raise NotFound(f"there is no delegation {number} of yours")
            before = _told(session, row)
            if row.revoked_at is None:
                row.revoked_at = format_time(datetime.now(UTC))
                session.add(row)
                session.flush()
                by = Actor(giver.name, giver, giver.address)
                changes.note(session, by, "delegation.revoked", row.taker, before, _told(session, row))
            return _told(session, row)

    def of(self, person: Person) -> list[Json]:
        """Return what the person has given or holds and what has not ended, in order of beginning."""
        query = select(DelegationRow).where(
            (col(DelegationRow.giver) == person.name) | (col(DelegationRow.taker) == person.name),
            col(DelegationRow.revoked_at).is_(None),
            col(DelegationRow.ends_at) > format_time(datetime.now(UTC)),
        )
        with self.db.read() as session:
            return [_told(session, row) for row in session.exec(query.order_by(col(DelegationRow.starts_at)))]

    def signers(self, person: Person) -> Mapping[Gate, Signer]:
        """Return the gates that the person may sign now: by a role of their own, else on behalf of who is away."""
        own = {gate: Signer(person) for gate in GATES if StaffRole.reviewer_of(gate) in person.roles}
        return {**self._held(person), **own}

    def _held(self, person: Person) -> dict[Gate, Signer]:
        now = format_time(datetime.now(UTC))
        query = select(DelegationRow).where(
            DelegationRow.taker == person.name,
            col(DelegationRow.revoked_at).is_(None),
            col(DelegationRow.starts_at) <= now,
            col(DelegationRow.ends_at) > now,
        )
        found = {}
        with self.db.read() as session:
            for row in session.exec(query.order_by(col(DelegationRow.id))):
                giver, gate = session.get(AccountRow, row.giver), Gate(row.gate)
                role = StaffRole.reviewer_of(gate)
                # Who has lost the role, or is locked, has nothing to delegate any more.
                if giver is not None and not giver.locked_at and role in roles_of(giver.roles):
                    found[gate] = Signer(replace(person, roles=person.roles | {role}), row.giver)
        return found


def _told(session: Session, row: DelegationRow) -> Json:
    titles = {
        name: account.display_name if (account := session.get(AccountRow, name)) else name
        for name in (row.giver, row.taker)
    }
    return {
        "number": row.id,
        "gate": row.gate,
        "giver": row.giver,
        "giver_title": titles[row.giver],
        "taker": row.taker,
        "taker_title": titles[row.taker],
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "revoked_at": row.revoked_at,
    }
