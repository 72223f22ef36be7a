"""Background work where one process runs everything: the deadlines."""

from services.applications.commands import Applications
from services.applications.lifecycle.timers import UPKEEP_SECONDS
from shared.timers import Background, periodically


def background(applications: Applications) -> dict[str, Background]:
    """Return the periodic work by the name of its thread."""
    name = "applications-deadlines"
    return {name: periodically(UPKEEP_SECONDS, applications.keep_up, name=name)}
