"""Background tasks of the mobile channel."""

from services.channels.mobile.webhook_delivery import WebhookSender
from shared.config import Settings
from shared.database.engine import Database
from shared.timers import Background


def background(db: Database, settings: Settings) -> dict[str, Background]:
    """Return the webhook sender, if the county allows any host."""
    return {"mobile-hooks": WebhookSender(db, settings).run} if settings.hook_hosts else {}
