"""What the county has released and shows now, as facts: read from the ledger without a token."""

from datetime import datetime

from services.exchange.items.released_items import ReleasedItems, changes_after
from services.exchange.services_over_http import Services
from services.exchange.standards.facts import Facts, facts_of


def released_now(services: Services, now: datetime) -> list[Facts]:
    """Return every item that is shown at `now`, with its guide, in the order of the codes.

    Raises `Refused`, `UpstreamDown`.
    """
    items = ReleasedItems(services, now)
    released = (items.read(code)[0] for code in sorted(changes_after(services, 0).codes))
    return [facts_of(one) for one in released if one is not None and not one.withdrawn]
