"""What a channel is: a name and a pure function from a publication to what people see. Found by its folder."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol

from contracts.base import Json
from contracts.publication import Publication


class Adapter(Protocol):
    """One channel. `project` must be pure: the same publication gives the same bytes, today and after a rebuild."""

    name: str
    title: str

    def project(self, publication: Publication) -> Json | None:
        """What the channel shows for a released version; None when it does not show such a thing.

        Any exception means that this entry cannot be shown: it is parked with the reason, other keys go on.
        """

    def summary(self, document: Json) -> Json:
        """The short form of an item for lists and search results."""


@cache
def adapters() -> Mapping[str, Adapter]:
    """Every channel, by name: the folders beside this file that have an `adapter.py`."""
    folder = Path(__file__).parent
    names = sorted(path.parent.name for path in folder.glob("*/adapter.py"))
    return {name: import_module(f"services.channels.{name}.adapter").ADAPTER for name in names}


def source_of(publication: Publication) -> Json:
    """What each served document says about where it comes from."""
    return {
        "key": publication.key,
        "version": publication.version,
        "position": publication.position,
        "digest": publication.digest,
    }
