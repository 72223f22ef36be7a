"""The port that a channel implements: a name and a pure function from a publication to what people see."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol

from contracts.base import Json, format_time
from contracts.envelope.publication import NoBody, Publication
from shared.errors import UpstreamDown
from shared.transparency.timeline import Timed


class Adapter(Protocol):
    """One channel. `project` must be pure: the same publication gives the same bytes, also after a rebuild."""

    name: str
    title: str

    def project(self, publication: Publication) -> Json | None:
        """Return what the channel shows of a released version; None if it does not show such content.

        Any exception means that the entry cannot be shown: it is parked with the reason, and other keys continue.
        """

    def summary(self, document: Json) -> Json:
        """Return the short form of an item for lists and search results."""


@cache
def adapters() -> Mapping[str, Adapter]:
    """Return every channel by name: the folders beside this one that have an `adapter.py`."""
    folder = Path(__file__).parent.parent
    names = sorted(path.parent.name for path in folder.glob("*/adapter.py"))
    return {name: import_module(f"services.channels.{name}.adapter").ADAPTER for name in names}


def source_of(publication: Publication) -> Json:
    """Return the provenance that every served document carries; for a backdated one also its three dates."""
    mark = {
        "key": publication.key,
        "version": publication.version,
        "position": publication.position,
        "digest": publication.digest,
    }
    effective_at, released_at = publication.effective_at, publication.released_at
    if effective_at is None or effective_at >= released_at:
        return mark
    dates = {"released_at": released_at, "effective_at": effective_at, "shown_from": Timed.of(publication).starts}
    return {**mark, "dates": {name: format_time(moment) for name, moment in dates.items()}}


def require_readable(channel: str, entry: Publication) -> None:
    """Raise `UpstreamDown` for an entry whose body the ledger withholds, as it does from callers without a token."""
    if entry.no_body == NoBody.WITHHELD:
        raise UpstreamDown(f"{channel}: the ledger withholds bodies from it: set TONGYUAN_CALLER_KEY")
