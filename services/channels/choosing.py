"""Facets of the JSON API: the parameters by name, and a refusal that names the one that asks for what is not."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query

from contracts.base import Json
from services.channels.directory import Listing
from services.channels.facets import FACETS, MOST_VALUES, Filter, wanted
from shared.errors import Invalid

Values = Annotated[Sequence[str], Query(max_length=MOST_VALUES)]


def _chosen(
    audience: Values = (),
    serve: Values = (),
    event: Values = (),
    theme: Values = (),
    visit: Values = (),
    depth: Values = (),
    department: Values = (),
) -> Filter:
    """Raises `Invalid`. Several values of one parameter widen, several parameters narrow what is shown."""
    given = (audience, serve, event, theme, visit, depth, department)
    named = dict(zip(("audience", "serve", "event", "theme", "visit", "depth", "department"), given, strict=True))
    chosen, wrong = wanted((name, value) for name in FACETS for value in named[name])
    if wrong:
        raise Invalid(*wrong)
    return chosen


Chosen = Annotated[Filter, Depends(_chosen)]
"""What the caller chose by facets."""


def counts(listing: Listing) -> Json:
    """Facet → its values with words and numbers; those of one facet are counted as if nothing of it were chosen."""
    return {
        group.facet.name: [{"value": one.value, "label": one.zh, "count": one.count} for one in group.options]
        for group in listing.groups
    }
