"""Facets of the JSON API as query parameters; an invalid value is refused with the parameter's name."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Query

from contracts.base import Json
from services.channels.search.directory import Listing
from services.channels.search.facets import FACETS, MOST_VALUES, Filter, wanted
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
    """Values of one parameter widen the result, parameters narrow it. Raises `Invalid`."""
    given = (audience, serve, event, theme, visit, depth, department)
    named = dict(zip(("audience", "serve", "event", "theme", "visit", "depth", "department"), given, strict=True))
    chosen, wrong = wanted((name, value) for name in FACETS for value in named[name])
    if wrong:
        raise Invalid(*wrong)
    return chosen


Chosen = Annotated[Filter, Depends(_chosen)]
"""The caller's choice of facets."""


def counts(listing: Listing) -> Json:
    """Return facet → its values with labels and counts. A facet is counted as if none of its own values were chosen."""
    return {
        group.facet.name: [{"value": one.value, "label": one.zh, "count": one.count} for one in group.options]
        for group in listing.groups
    }
