"""The navigation of the desk. A folder that has pages adds its line here."""

from services.console.accounts.rights import Area

AREAS: tuple[Area, ...] = (Area("", "工作台"),)
"""In the order in which pages show them."""
