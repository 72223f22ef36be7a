"""What runs beside this channel's HTTP and no other's."""

from services.channels.mobile.calling import Caller
from shared.config import Settings
from shared.database import Database
from shared.serve import Background


def background(db: Database, settings: Settings) -> dict[str, Background]:
    """Telling subscribers, where the county allows any host."""
    return {"mobile-hooks": Caller(db, settings).run} if settings.hook_hosts else {}
