"""What runs beside HTTP where everything is one process: the deadlines."""

from services.applications.commands import Applications
from services.applications.upkeep import UPKEEP_SECONDS
from shared.serve import Background, periodically


def background(applications: Applications) -> dict[str, Background]:
    """Periodic work by name of its thread."""
    name = "applications-deadlines"
    return {name: periodically(UPKEEP_SECONDS, applications.keep_up, name=name)}
