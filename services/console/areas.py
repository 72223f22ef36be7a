"""The navigation of the desk. A folder that has pages adds its line here."""

from services.console.accounts.rights import Area
from shared.tokens.person import StaffRole

AREAS: tuple[Area, ...] = (
    Area("", "工作台"),
    Area("people", "人员", frozenset({StaffRole.ADMINISTRATOR})),
)
"""In the order in which pages show them."""
