"""Filters of subscriptions: exact, prefix, any, all, not."""

from typing import Any

import pytest

from services.subscriptions.registry.filters import matches, require_filters
from shared.errors import Invalid

ITEM = {"kind": "item", "op": "release", "type": "tongyuan.item.released", "item": "A1", "department": "11339921"}
ACT: dict[str, str | None] = {"kind": "act", "op": "release", "item": None, "department": None}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        ({"exact": {"kind": "item"}}, True),
        ({"exact": {"kind": "item", "op": "withdraw"}}, False),
        ({"prefix": {"department": "1133"}}, True),
        ({"prefix": {"department": "1144"}}, False),
        ({"any": [{"exact": {"op": "withdraw"}}, {"exact": {"kind": "item"}}]}, True),
        ({"all": [{"exact": {"op": "withdraw"}}, {"exact": {"kind": "item"}}]}, False),
        ({"not": {"exact": {"op": "withdraw"}}}, True),
        ({"not": {"any": [{"prefix": {"type": "tongyuan.item"}}]}}, False),
    ],
)
def test_each_dialect_decides_as_cloudevents_says(one: dict[str, Any], expected: bool) -> None:
    assert matches([one], ITEM) is expected


def test_all_filters_must_match_and_none_takes_everything() -> None:
    assert matches([], ITEM)
    assert not matches([{"exact": {"kind": "item"}}, {"exact": {"item": "B2"}}], ITEM)


def test_an_attribute_that_an_event_lacks_matches_neither_exact_nor_prefix() -> None:
    assert not matches([{"exact": {"department": "11339921"}}], ACT)
    assert not matches([{"prefix": {"department": "1"}}], ACT)
    assert matches([{"not": {"exact": {"department": "11339921"}}}], ACT)


@pytest.mark.parametrize(
    ("filters", "field", "rule"),
    [
        ({}, "filters", "form"),
        ([1], "filters.0", "form"),
        ([{"exact": {"kind": "item"}, "not": {}}], "filters.0", "form"),
        ([{"sql": "1=1"}], "filters.0", "dialect"),
        ([{"any": []}], "filters.0.any", "form"),
        ([{"all": [{"exact": {}}]}], "filters.0.all.0.exact", "form"),
        ([{"exact": {"body": "x"}}], "filters.0.exact", "attribute"),
        ([{"exact": {"kind": 1}}], "filters.0.exact.kind", "value"),
        ([{"prefix": {"kind": ""}}], "filters.0.prefix.kind", "value"),
        ([{"not": {"not": {"not": {"not": {"not": {"not": {"exact": {"kind": "item"}}}}}}}}], None, "size"),
        ([{"exact": {"kind": "item"}}] * 201, "filters.200", "size"),
    ],
)
def test_a_wrong_filter_is_refused_by_its_place(filters: Any, field: str | None, rule: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_filters(filters)

    (violation,) = refused.value.violations
    assert violation.rule == rule
    assert field in (None, violation.field)
