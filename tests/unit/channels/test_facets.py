"""Filtering by facets: counts equal the results, every address can be bookmarked, invalid values are named."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.channels.core.port import adapters
from services.channels.pages.listing import Browse
from services.channels.search.directory import Directory
from services.channels.search.facets import FACETS, MOST_VALUES, Filter, wanted
from services.channels.text import english_documents, english_labels
from tests.harness.projecting import county, item, of_item
from tests.harness.shelf import Shelf
from tests.unit.channels.test_pages import browser, text_of

DEPARTMENTS = ("云溪县公安局", "云溪县民政局", "云溪县医疗保障局")
OFFERED = {
    "audience": ["person", "business"],
    "serve": list("129"),
    "theme": ["证件办理", "设立变更"],
    "visit": ["none", "once"],
    "depth": list("157"),
    "department": list(DEPARTMENTS),
    "event": ["papers", "found"],
}


def test_a_damaged_row_takes_no_list_with_it():
    sound = adapters()["web"].project(of_item(item()))

    shown = Directory([{"code": "FORGED"}, sound])

    assert [one["code"] for one in shown.listing(Filter(), 0, 10).items] == [sound["code"]]
    assert shown.facets.departments == [(sound["dept_name"], 1)]


@st.composite
def directories(draw):
    """Draw items of the service platform with every facet."""
    drawn = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "serve_type": st.lists(st.sampled_from("1297"), unique=True),
                    "user_topic_type": st.lists(st.sampled_from(["090", "035"]), unique=True),
                    "corp_topic_type": st.lists(st.sampled_from(["005", "010"]), unique=True),
                    "online_handle_depth": st.lists(st.sampled_from("1578"), unique=True),
                    "limit_scene_num": st.none() | st.integers(0, 3),
                    "dept_name": st.sampled_from(DEPARTMENTS),
                }
            ),
            max_size=12,
        )
    )
    made = (item(code=f"11339921003991014U4000709901{at:05}", **fields) for at, fields in enumerate(drawn))
    return Directory(adapters()["web"].project(of_item(one)) for one in made)


filters = st.dictionaries(st.sampled_from(list(OFFERED)), st.integers(0, 7)).map(
    lambda bits: Filter(
        {name: tuple(v for at, v in enumerate(OFFERED[name]) if mask >> at & 1) for name, mask in bits.items()}
    )
)


@given(directories(), filters)
def test_the_number_beside_a_value_is_what_it_alone_would_show_beside_the_other_facets(directory, chosen):
    listing = directory.listing(chosen, 0, 100)

    for group in listing.groups:
        name = group.facet.name
        assert directory.listing(chosen.choosing(name), 0, 100).total == group.without
        for option in group.options:
            assert directory.listing(chosen.choosing(name, option.value), 0, 100).total == option.count


@given(directories(), filters)
def test_pages_of_a_list_are_the_list(directory, chosen):
    whole = [one["code"] for one in directory.listing(chosen, 0, 100).items]

    assert [one["code"] for at in range(0, 12, 5) for one in directory.listing(chosen, at, 5).items] == whole
    assert directory.after(chosen, "", 100) == whole
    if whole:
        assert directory.after(chosen, whole[0], 100) == whole[1:]


@given(filters)
def test_an_address_brings_back_the_same_choice(chosen):
    again, wrong = wanted(parse_qsl(chosen.query()))

    assert (again.pairs(), wrong) == (chosen.pairs(), [])


@given(directories(), filters)
def test_every_chip_takes_away_one_thing_and_touching_a_value_twice_changes_nothing(directory, chosen):
    browse = Browse("/web/items", "证", chosen, directory.listing(chosen, 0, 20), 1, 20)

    assert len(list(browse.chips())) == len(chosen.pairs()) + 1
    for name, value in chosen.pairs():
        assert sorted(chosen.toggled(name, value).toggled(name, value).pairs()) == sorted(chosen.pairs())
        left, _ = wanted(parse_qsl(urlsplit(browse.toggled(name, value)).query))
        assert sorted(left.pairs()) == sorted(pair for pair in chosen.pairs() if pair != (name, value))


@pytest.mark.parametrize(
    ("name", "value"), [("serve", "77"), ("depth", "x"), ("visit", "2"), ("theme", "没有"), ("department", "局" * 201)]
)
def test_a_value_that_is_none_is_named(name, value):
    chosen, wrong = wanted([(name, value), ("audience", "person"), ("no-facet", "x")])

    assert chosen.pairs() == [("audience", "person")]
    assert [one.field for one in wrong] == [name]


def test_an_address_without_end_is_bounded():
    chosen, wrong = wanted(("department", f"{number}局") for number in range(MOST_VALUES + 3))

    assert len(chosen.values("department")) == MOST_VALUES
    assert len(wrong) == 3


def test_a_list_narrows_step_by_step_by_plain_links(tmp_path):
    client = browser("web", Shelf("web", tmp_path, [of_item(one) for one, _ in county()]))
    page = client.get("/web/items").text

    for name in ("serve", "visit", "department"):
        link = next(address for address in links(page) if f"{name}=" in address.rpartition("&")[2])
        page = client.get(link).text

    expected = [one for one, _ in county() if fits(one, dict(parse_qsl(urlsplit(link).query)))]
    assert f"共 {len(expected)}" in " ".join(text_of(page).split())
    assert len(re.findall(r'<a href="[^"]*" rel="nofollow">(?=<span class="zh")', page)) >= 3  # one chip each


def test_the_question_stays_when_a_facet_is_chosen_and_the_facet_when_another_question_is_put(tmp_path):
    client = browser("web", Shelf("web", tmp_path, [of_item(one) for one, _ in county()]))

    page = client.get("/web/search", params={"q": "证", "serve": "1"}).text

    assert all("q=%E8%AF%81" in link for link in links(page) if "visit=" in link)
    assert '<input type="hidden" name="serve" value="1">' in page


def test_who_finds_nothing_is_told_which_condition_to_drop(tmp_path):
    client = browser("web", Shelf("web", tmp_path, [of_item(one) for one, _ in county()]))

    page = client.get("/web/search", params={"q": "身份证", "department": "云溪县民政局"}).text
    way = next(link for link in links(page) if "department" not in link and "q=" in link)

    assert "可以放宽一个条件" in page
    assert "居民身份证" in client.get(way).text


def test_a_channel_offers_only_what_its_documents_tell(tmp_path):
    page = browser("portal", Shelf("portal", tmp_path, [of_item(one) for one, _ in county()])).get("/portal/items").text

    offered = {name for name in FACETS if any(f"{name}=" in link for link in links(page))}
    assert offered == {"audience", "theme", "department"}


def links(page):
    return [unescape(address) for address in re.findall(r'<a href="([^"]+)" rel="nofollow"', page)]


def fits(one, chosen):
    return (
        chosen["serve"] in one.serve_type
        and (one.limit_scene_num is not None and one.limit_scene_num <= {"none": 0, "once": 1}[chosen["visit"]])
        and one.dept_name == chosen["department"]
    )


def test_short_answers_are_english_too_as_they_are_made_of_the_whole_item():
    for one, _ in county():
        document = adapters()["web"].project(of_item(one))

        assert english_documents.glance(document) == english_labels.glance(one)
    assert english_documents.glance({"kind": "item"}) == {}
