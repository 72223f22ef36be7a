"""People of the demonstration, one of every role. They exist in no county that is not a demonstration."""

from services.console.accounts.model import AccountRow
from services.console.accounts.people import new_account
from services.console.accounts.rights import REVIEWERS
from shared.database.engine import Database
from shared.tokens.person import Person, StaffRole

DEMO_PASSWORD = "yunxi-demo-2026"  # noqa: S105  # everybody may know it: it opens a fictional county
DEMO_PEOPLE = (
    Person("bianji", "林编辑", frozenset({StaffRole.EDITOR})),
    Person("shenhe", "周审核", frozenset(REVIEWERS[:3])),
    Person("fushen", "吴复审", frozenset(REVIEWERS[3:])),
    Person("fabu", "郑发布", frozenset({StaffRole.RELEASER})),
    Person("zhiban", "王值班", frozenset({StaffRole.DUTY_OFFICER, StaffRole.RELEASER})),
    Person("yunwei", "冯运维", frozenset({StaffRole.OPERATOR})),
    Person("shenji", "陈审计", frozenset({StaffRole.AUDITOR})),
    Person("guanli", "褚管理", frozenset({StaffRole.ADMINISTRATOR})),
)


def make_demo_people(db: Database) -> None:
    """Create those that are missing. Somebody may have changed the others."""
    with db.write() as session:
        for person in DEMO_PEOPLE:
            if session.get(AccountRow, person.name) is None:
                session.add(new_account(person, DEMO_PASSWORD, one_time=False))
