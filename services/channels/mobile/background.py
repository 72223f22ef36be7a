"""Background tasks of the mobile channel."""

from services.channels.mobile.case_hooks import CaseHooks
from services.channels.mobile.news import NewsPusher
from shared.database.engine import Database
from shared.timers import Background


def background(db: Database, hooks: CaseHooks) -> dict[str, Background]:
    """Return what pushes the news of cases to subscriptions."""
    return {"mobile-hooks": NewsPusher(db, hooks).run}
