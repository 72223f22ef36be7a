"""Queries that found nothing are counted without who asked, and told only when they were asked often."""

import pytest

from services.channels.search.unanswered import UnansweredQueries
from tests.harness.pipeline import ADMIN, item, pipeline


def told(counted):
    return [(one["query"], one["count"]) for one in counted.told()["queries"]]


def test_a_query_is_told_after_it_was_asked_five_times():
    counted = UnansweredQueries()
    for _ in range(4):
        counted.add("领养小猫")
    assert told(counted) == []

    counted.add("领养小猫")
    assert told(counted) == [("领养小猫", 5)]


def test_spellings_of_one_query_count_together():
    counted = UnansweredQueries(enough=3)
    for query in ("領養小貓", "领养小猫 ", "　领养小猫"):
        counted.add(query)

    assert told(counted) == [("领养小猫", 3)]


@pytest.mark.parametrize("query", [
    "440232198501011234", "13812345678", "张三13812345678", "办件20261130", "a@example.org 的事", "!!!",
    "猫", "猫" * 31, "",
])  # fmt: skip
def test_what_may_be_personal_or_is_no_word_is_not_counted(query):
    counted = UnansweredQueries(enough=1)
    counted.add(query)

    assert told(counted) == []


def test_a_flood_of_invented_queries_removes_no_count_that_is_told():
    counted = UnansweredQueries(enough=2, most=50)
    for _ in range(2):
        counted.add("领养小猫")
    for number in range(200):
        counted.add(f"胡乱{number}")

    assert told(counted) == [("领养小猫", 2)]


def test_the_page_and_the_api_count_what_finds_nothing_and_nothing_else(tmp_path):
    with pipeline(tmp_path, channels=["web"]) as county:
        county.release(item(1))
        county.flow()
        for _ in range(3):
            county.get("web/search", q="领养小猫")
            county.get("web/v1/search", q="领养小猫")
            county.get("web/search", q=item(1).task_name)
            county.get("web/search", q="领养小猫", person_themes="生育收养")

        told = county.get("web/v1/unanswered", ADMIN).json()
    assert told["least"] == 5
    assert [one["query"] for one in told["queries"]] == ["领养小猫"]
    assert told["queries"][0]["count"] >= 6
