"""The roles as pages name them, and what holding one demands."""

from collections.abc import Iterable, Mapping

from contracts.content.gates import GATES
from shared.errors import NotAllowed
from shared.publishing.reviews.roles import may_write
from shared.tokens.person import Person, StaffRole

ROLES: Mapping[StaffRole, tuple[str, str]] = {
    StaffRole.EDITOR: ("编辑", "起草和修改本单位的事项、指南"),
    **{
        StaffRole.reviewer_of(gate): (f"审核（{title}）", f"签署{title}，或者退回修改") for gate, title in GATES.items()
    },
    StaffRole.RELEASER: ("发布", "发布、定时发布、撤回"),
    StaffRole.DUTY_OFFICER: ("值班负责人", "紧急撤下，一人即可，须写明理由，事后审核"),
    StaffRole.OPERATOR: ("运维", "查看运行情况和订阅，处理故障"),
    StaffRole.AUDITOR: ("审计", "查看操作日志和全部内容，不能修改"),
    StaffRole.ADMINISTRATOR: ("系统管理员", "管理人员、权限和订阅"),
}
"""Title and what the role is for, in the order in which pages list them."""

NEED_SECOND_FACTOR = frozenset(
    {StaffRole.ADMINISTRATOR, StaffRole.RELEASER, StaffRole.DUTY_OFFICER, StaffRole.OPERATOR}
)
"""Who has one of these signs in with a second factor: what they do reaches the public or other people's rights."""


def titles(roles: Iterable[StaffRole]) -> list[str]:
    """Return the titles of roles in the usual order."""
    held = set(roles)
    return [title for role, (title, _) in ROLES.items() if role in held]


def needs_second_factor(person: Person, *, demo: bool) -> bool:
    """Whether the person must have a second factor. In a demonstration, whose passwords are public, nobody must."""
    return not demo and bool(person.roles & NEED_SECOND_FACTOR)


def require_own(person: Person, code: str) -> None:
    """Raise `NotAllowed` for a code of another department: 谁起草谁负责."""
    if not may_write(person, code):
        raise NotAllowed(f"{code} is of another department than {', '.join(sorted(person.departments))}")
