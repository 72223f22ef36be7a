"""Screens keep up with every channel by cursor: deltas with tombstones, one answer each, and validators for caches."""

from itertools import pairwise

import pytest

from shared.publishing.editions import EditionState
from tests.harness.pipeline import code_of, guide, item, progress

CODE = code_of(1)


def test_a_cursor_brings_what_changed_since_and_nothing_else(county, channel):
    county.release(item(1))
    county.flow()
    cursor = changes(county, channel)["cursor"]
    county.release(item(2))
    county.release(guide(2))
    county.flow()

    answer = changes(county, channel, cursor)
    assert {change["key"] for change in answer["changes"]} == {f"item:{code_of(2)}", f"guide:{code_of(2)}"}
    assert changes(county, channel, answer["cursor"])["changes"] == []


def test_a_change_holds_the_document_as_it_is_served(county, channel):
    county.release(item(1))
    county.flow()
    (change,) = changes(county, channel)["changes"]

    assert change["document"] == county.get(f"{channel}/v1/items/{CODE}").json()
    assert (change["key"], change["version"], change["position"]) == (f"item:{CODE}", 1, 1)


def test_many_changes_of_one_key_are_one(county, channel):
    for name in ("第一版", "第二版", "第三版"):
        county.release(item(1, name))
        county.flow()

    (change,) = changes(county, channel)["changes"]
    assert (change["version"], change["document"]["name"]) == (3, "第三版")


def test_pages_lead_to_the_same_as_one_look(county, channel):
    for number in range(1, 8):
        county.release(item(number))
    county.flow()
    county.withdraw(item(3), EditionState.WITHDRAWN)
    county.release(item(5, "改了名"))
    county.flow()

    paged, cursor, more = [], "0", True
    while more:
        answer = changes(county, channel, cursor, limit=2)
        paged += answer["changes"]
        cursor, more = answer["cursor"], answer["more"]
    assert paged == changes(county, channel)["changes"]
    assert all(earlier["change"] < later["change"] for earlier, later in pairwise(paged))
    assert [change["key"] for change in paged if change["document"] is None] == [f"item:{code_of(3)}"]


def test_cases_are_in_no_delta(county, channel):
    county.release_case(progress())
    county.flow()
    answer = changes(county, channel)

    assert answer["changes"] == []
    assert changes(county, channel, answer["cursor"])["changes"] == []


@pytest.mark.parametrize("cursor", ["deadbeef.1", "deadbeef.0", ".1"])
def test_a_cursor_of_another_life_must_start_over(county, channel, cursor):
    answer = county.get(f"{channel}/v1/changes", since=cursor)

    assert (answer.status_code, answer.headers["content-type"]) == (410, "application/problem+json")
    assert answer.json()["snapshot"] == "changes?since=0"


def test_a_cursor_ahead_of_the_channel_must_start_over(county, channel):
    county.release(item(1))
    county.flow()
    epoch = changes(county, channel)["cursor"].partition(".")[0]

    assert county.get(f"{channel}/v1/changes", since=f"{epoch}.99").status_code == 410


@pytest.mark.parametrize("cursor", ["x", "1.x", "1.-1", "1.²", "9" * 30, "1." + "9" * 19, "1.1\x00"])
def test_what_is_no_cursor_is_refused_by_field(county, channel, cursor):
    answer = county.get(f"{channel}/v1/changes", since=cursor)

    assert answer.status_code in (410, 422)
    assert answer.status_code == 410 or answer.json()["errors"][0]["field"] == "since"


@pytest.mark.parametrize("path", ["items", "items/{code}", "guides/{code}", "changes", "source"])
def test_who_has_it_already_is_told_so_and_no_more(county, channel, path):
    county.release(item(1))
    county.release(guide(1))
    county.flow()
    address = f"/{channel}/v1/{path.format(code=CODE)}"
    first = county.http.get(address)
    again = county.http.get(address, headers={"If-None-Match": first.headers["etag"]})

    assert first.status_code == 200
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert county.http.get(address, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'}).status_code == 304


@pytest.mark.parametrize("path", ["items", "items/{code}", "changes", "source"])
def test_a_change_has_another_validator(county, channel, path):
    county.release(item(1))
    county.flow()
    address = f"/{channel}/v1/{path.format(code=CODE)}"
    before = county.http.get(address).headers["etag"]
    county.release(item(1, "改了名"))
    county.flow()

    assert county.http.get(address, headers={"If-None-Match": before}).status_code == 200


def test_a_new_head_has_another_validator(county, channel):
    county.flow()
    before = county.http.get(f"/{channel}/v1/source")
    county.flow()
    after = county.http.get(f"/{channel}/v1/source", headers={"If-None-Match": before.headers["etag"]})

    assert after.status_code == 200
    assert after.json()["head"]["time"] > before.json()["head"]["time"]


def test_two_pages_of_a_list_are_not_the_same_thing(county, channel):
    county.release(item(1))
    county.release(item(2))
    county.flow()

    assert county.get(f"{channel}/v1/items", limit=1).json() != county.get(f"{channel}/v1/items", after=CODE).json()


@pytest.mark.parametrize(
    "query", ["after=%E4%BA%8B", "after=%00", "after=%0d%0aX-Y:z", "limit=0", "limit=501", "limit=x"]
)
def test_what_cannot_be_asked_of_a_list_is_refused_by_field(county, channel, query):
    answer = county.http.get(f"/{channel}/v1/items?{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def changes(county, channel, since="0", **params):
    answer = county.get(f"{channel}/v1/changes", since=since, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()
