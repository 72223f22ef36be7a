"""What the shown items state about online service, visits and time, in pages; what nobody has stated stays unknown."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.harness.pipeline import ADMIN, code_of, item, pipeline


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as made:
        yield made


def figures(county, **params):
    return county.get("catalog/v1/figures/items", ADMIN, **params).json()


def test_a_row_holds_what_the_item_states_and_null_where_nobody_has(county):
    county.release(item(1, is_online=True, online_handle_depth=["4", "5"], limit_scene_num=1))
    county.release(item(2, is_online=None, limit_scene_num=None))
    first, second = figures(county)["items"]

    assert (first["is_online"], first["online_handle_depth"], first["limit_scene_num"]) == (True, ["4", "5"], 1)
    assert (second["is_online"], second["limit_scene_num"]) == (None, None)
    assert first["unit"] == code_of(1)[:18]
    assert first["parent"] == code_of(1)[:31]


def test_only_what_is_shown_now_is_counted(county):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for number in range(1, 5):
        county.release(item(number, limit_scene_num=2))
    county.withdraw(item(1))
    county.release(item(2, limit_scene_num=0), effective_at=tomorrow)
    county.release(item(5), effective_at=tomorrow)

    assert [(one["code"], one["limit_scene_num"]) for one in figures(county)["items"]] == [
        (code_of(number), 2) for number in (2, 3, 4)
    ]


def test_pages_follow_one_another_until_the_last(county):
    for number in range(1, 6):
        county.release(item(number))
    seen, after = [], ""
    while after is not None:
        page = figures(county, limit=2, after=after)
        seen += [one["code"] for one in page["items"]]
        after = page["next"]

    assert seen == [code_of(number) for number in range(1, 6)]
