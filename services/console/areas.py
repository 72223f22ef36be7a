"""The navigation of the desk. A folder that has pages adds its line here."""

from services.console.accounts.rights import REVIEWERS, Area
from services.console.imports.roles import AREA as IMPORTS
from services.console.subscribers.roles import AREA as SUBSCRIBERS
from shared.tokens.person import StaffRole

RELEASE_READERS = (
    StaffRole.EDITOR,
    StaffRole.RELEASER,
    StaffRole.DUTY_OFFICER,
    StaffRole.OPERATOR,
    StaffRole.AUDITOR,
    *REVIEWERS,
)
"""Who sees what is released and planned."""

AREAS: tuple[Area, ...] = (
    Area("", "工作台"),
    Area("content", "事项和指南"),
    Area("reviews", "审核"),
    Area("release", "发布", frozenset(RELEASE_READERS)),
    IMPORTS,
    Area("operations", "运行"),
    SUBSCRIBERS,
    Area("indicators", "指标"),
    Area("audit", "审计", frozenset({StaffRole.AUDITOR, StaffRole.ADMINISTRATOR})),
    Area("people", "人员", frozenset({StaffRole.ADMINISTRATOR})),
)
"""In the order in which pages show them."""
