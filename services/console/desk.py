"""What the desk's pages and routes are made with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.console.upstream.services import Services
from shared.config import Settings
from shared.database.engine import Database


@dataclass(frozen=True)
class Desk:
    """The desk's own store, the county's settings, and the other services. `demo`: the county is a demonstration.

    `channels`: names of the county's channels; `channel_titles`: name → Chinese title, in the same order.
    """

    db: Database
    settings: Settings
    services: Services
    demo: bool = False
    channels: tuple[str, ...] = ()
    channel_titles: Mapping[str, str] = field(default_factory=dict)
