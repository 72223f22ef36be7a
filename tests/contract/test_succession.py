"""A code that was succeeded leads to its successor: its pages, the API, printed papers; on every channel."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.verify_address import page_address, printed_address
from shared.publishing.editions import EditionState
from tests.harness.county import CHANNELS
from tests.harness.pipeline import ADMIN, Pipeline, code_of, guide, item, pipeline

EDITOR = {"Authorization": f"Bearer {ADMIN}"}
NOTE = "机构改革，已并入新的事项。"
OLD, NEW, NEWEST = 1, 2, 3
FOLLOWS = "现在按下面的事项办理"


def succeed(county: Pipeline, old: int, *new: int, note: str | None = NOTE) -> None:
    """Withdraw an item, naming its successors."""
    why = {"reason": "succession", "note": note, "successors": [f"item:{code_of(number)}" for number in new]}
    county.http.post(f"/catalog/v1/items/{code_of(old)}/withdraw", json=why, headers=EDITOR).raise_for_status()
    county.flow()


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Item 1 was succeeded by 2, which was succeeded by 3 later."""
    with pipeline(tmp_path_factory.mktemp("succession")) as made:
        made.first = made.release(item(OLD, "旧的事项"))
        made.release(guide(OLD, "旧的事项"))
        for number, name in ((NEW, "新的事项"), (NEWEST, "最新的事项")):
            made.release(item(number, name))
        made.flow()
        succeed(made, OLD, NEW)
        succeed(made, NEW, NEWEST, note=None)
        yield made


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_page_of_the_old_code_says_who_follows(county: Pipeline, channel: str) -> None:
    page = county.get(f"{channel}/items/{code_of(OLD)}")

    assert page.status_code == 410
    assert FOLLOWS in page.text
    assert NOTE in page.text
    assert f'href="/{channel}/items/{code_of(NEWEST)}"' in page.text
    assert f"/items/{code_of(NEW)}" not in page.text, "it was succeeded itself"


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("kind", ["items", "guides"])
def test_a_program_that_asks_for_the_old_code_is_told_who_follows(county: Pipeline, channel: str, kind: str) -> None:
    """A guide ends with its item."""
    if kind == "guides":
        county.withdraw(guide(OLD), EditionState.WITHDRAWN)
        county.flow()
    answer = county.get(f"{channel}/v1/{kind}/{code_of(OLD)}")

    assert answer.status_code == 410
    assert answer.json()["successors"] == [f"item:{code_of(NEWEST)}"]
    assert answer.json()["note"] == NOTE
    assert answer.headers["link"] == f'</{channel}/v1/items/{code_of(NEWEST)}>; rel="successor-version"'
    assert county.get(answer.headers["link"].partition(">")[0][2:]).status_code == 200


def test_search_engines_are_sent_to_the_successor_alone(county: Pipeline) -> None:
    for address in ("portal/sitemap.xml", "portal/feed.atom"):
        listed = county.get(address).text
        assert code_of(NEWEST) in listed
        assert code_of(OLD) not in listed


@pytest.mark.parametrize("kind", ["item", "guide"])
def test_the_printed_paper_of_the_old_code_leads_to_the_successor(county: Pipeline, kind: str) -> None:
    page = county.http.get(page_address(kind, code_of(OLD), 1), follow_redirects=True)
    printed = county.http.get(
        printed_address(county.first.key, county.first.version, county.first.digest), follow_redirects=True
    )

    for one in (page, printed):
        assert one.status_code == 200
        assert FOLLOWS in one.text
        assert re.findall(r'href="/web/items/([^"]*)"', one.text)[0] == code_of(NEWEST)
        assert "最新的事项" in one.text


def test_a_successor_that_a_channel_does_not_show_is_named_by_its_code(tmp_path) -> None:
    with pipeline(tmp_path, channels=["kiosk"]) as county:
        county.release(item(OLD))
        county.release(item(NEW, is_entry_center=False))
        county.flow()
        succeed(county, OLD, NEW)
        page = county.get(f"kiosk/items/{code_of(OLD)}").text

    assert f"<code>{code_of(NEW)}</code>" in page
    assert f"/kiosk/items/{code_of(NEW)}" not in page


def test_an_item_that_is_released_again_has_no_successor(tmp_path) -> None:
    with pipeline(tmp_path, channels=["web"]) as county:
        for number in (OLD, NEW):
            county.release(item(number))
        county.flow()
        succeed(county, OLD, NEW)
        county.release(item(OLD, "又恢复的事项"))
        county.flow()
        assert county.get(f"web/items/{code_of(OLD)}").status_code == 200

        county.withdraw(item(OLD))
        county.flow()
        again = county.get(f"web/v1/items/{code_of(OLD)}")
        paper = county.http.get(page_address("item", code_of(OLD), 1)).text

    assert again.status_code == 410
    assert "successors" not in again.json(), "this withdrawal names nobody"
    assert FOLLOWS not in paper


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline(tmp_path_factory.mktemp("ring"), channels=["web"]) as made:
        yield made


@settings(max_examples=6, deadline=None)
@given(
    st.dictionaries(
        st.integers(1, 5), st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True), min_size=1, max_size=5
    )
)
def test_whoever_follows_whom_the_answer_ends_and_names_nobody_who_was_succeeded(ring: Pipeline, named) -> None:
    """Also in a ring, where a code names one that names it: a mistake of the editors must not hang a page."""
    for number in range(1, 7):
        ring.release(item(number, f"第{len(ring.get('ledger/v1/entries', limit=1000).json()['entries'])}次"))
    for old, new in named.items():
        if others := [number for number in new if number != old]:
            succeed(ring, old, *others)
    ring.flow()
    for old in named:
        answer = ring.get(f"web/v1/items/{code_of(old)}")
        paper = ring.http.get(page_address("item", code_of(old)))
        followers = answer.json().get("successors", []) if answer.status_code == 410 else []
        assert all(ring.get(f"web/v1/{key.replace(':', 's/')}").status_code == 200 for key in followers)
        assert {f"item:{code}" for code in re.findall(r'href="/web/items/([^"]*)"', paper.text)} >= set(followers)
