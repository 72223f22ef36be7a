"""Any change to a channel's document or its page is detected; a document that is only late is reported as late."""

import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope.publication import Op
from services.auditor.inspection.expectation import Expectation
from services.auditor.inspection.page_markup import seen
from services.auditor.model import ExpectedDocument, Verdict, judge
from services.channels.core.digests import bucket_of
from services.channels.core.port import adapters
from services.runtime.auditor import sight
from shared.transparency.comparison import Log, differences
from tests.harness import projecting
from tests.harness.projecting import MOMENT, any_guide, any_item, of_case, of_guide, of_item, published

CHANNELS = sorted(adapters())
ORIGIN = "http://127.0.0.1:8080"
SIGHTS = {name: sight(name, "云溪县", ORIGIN) for name in CHANNELS}
ALLOWED = timedelta(seconds=60)
anything = any_item.map(of_item) | any_guide.map(of_guide) | st.just(of_case(projecting.progress()))
other_values = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5) | st.just([]) | st.just({})


def document(channel: str, publication: Any) -> Any:
    content = SIGHTS[channel].row(publication)["content"]
    return None if content is None else orjson.loads(content)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of values that can be altered."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(place for key, one in inner for place in places(one, (*path, key)))]


def parent(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        value = value[step]
    return value


def written(path: tuple[Any, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


@given(anything, st.sampled_from(CHANNELS), st.data())
def test_any_altered_field_of_any_document_of_any_channel_is_found(publication, channel, data) -> None:
    wanted = document(channel, publication)
    if wanted is None:
        return
    place = data.draw(st.sampled_from(places(wanted)))
    shown = deepcopy(wanted)
    before = parent(shown, place)[place[-1]]
    value = data.draw(other_values.filter(lambda one: differences(before, one)))
    parent(shown, place)[place[-1]] = value
    found = judge(ExpectedDocument(wanted, publication.version, MOMENT), shown, datetime.now(UTC), ALLOWED)

    assert found.verdict == Verdict.DIFFERENT
    assert all(one["path"].startswith(written(place)) for one in found.differences)


@given(anything, st.sampled_from(CHANNELS), st.data())
def test_any_field_that_is_taken_away_or_added_is_found(publication, channel, data) -> None:
    wanted = document(channel, publication)
    if wanted is None:
        return
    shown = deepcopy(wanted)
    if data.draw(st.booleans()):
        place = data.draw(st.sampled_from(places(wanted)))
        del parent(shown, place)[place[-1]]
    else:
        shown["added"] = None
    found = judge(ExpectedDocument(wanted, publication.version, MOMENT), shown, datetime.now(UTC), ALLOWED)

    assert found.verdict == Verdict.DIFFERENT
    assert found.differences


@given(anything, st.sampled_from(CHANNELS))
def test_the_same_document_written_otherwise_is_equal(publication, channel) -> None:
    wanted = document(channel, publication)
    if wanted is None:
        return
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    shown = orjson.loads(orjson.dumps(wanted, option=options))

    assert judge(ExpectedDocument(wanted, 1, MOMENT), shown, datetime.now(UTC), ALLOWED).verdict == Verdict.EQUAL


@given(any_item, any_guide, st.sampled_from(CHANNELS), st.data())
def test_any_letter_that_is_altered_in_a_page_is_found_and_white_space_is_not(item, guide, channel, data) -> None:
    shown_item, shown_guide = document(channel, of_item(item)), document(channel, of_guide(guide))
    if shown_item is None:
        return
    html = SIGHTS[channel].page(shown_item, shown_guide)
    begin, end = html.index("<main"), html.index("</main>")
    letters = [at.start() for at in re.finditer(r"(?<=>)[一-龥]", html) if begin < at.start() < end]
    place = data.draw(st.sampled_from(letters))

    assert differences(seen(html), seen(f"{html[:place]}囧{html[place + 1 :]}"))
    assert differences(seen(html), seen(f"{html[:place]}{html[place + 1 :]}"))
    assert not differences(seen(html), seen(re.sub(r">\s*\n\s*<", ">\n\n\t <", html)))


@pytest.mark.parametrize("html", ["", "<p>系统繁忙", "<html><body>502</body></html>", "<main", "\x00<main><main>"])
def test_what_is_no_page_of_ours_is_not_seen_as_one(html: str) -> None:
    item = document("web", of_item(projecting.item()))

    assert differences(seen(SIGHTS["web"].page(item, None)), seen(html))


NOW = MOMENT + timedelta(days=1)
OLD, NEW = {"source": {"version": 1}}, {"source": {"version": 2}}
JUST = NOW - timedelta(seconds=59)
LONG_AGO = NOW - timedelta(seconds=61)


@pytest.mark.parametrize(
    ("wanted", "shown", "verdict"),
    [
        (ExpectedDocument(NEW, 2, JUST), OLD, Verdict.STALE),
        (ExpectedDocument(NEW, 2, LONG_AGO), OLD, Verdict.DIFFERENT),
        (ExpectedDocument(NEW, 2, JUST), None, Verdict.STALE),
        (ExpectedDocument(NEW, 2, LONG_AGO), None, Verdict.MISSING),
        (ExpectedDocument(None, 2, JUST), OLD, Verdict.STALE),
        (ExpectedDocument(None, 2, LONG_AGO), OLD, Verdict.ORPHAN),
        (ExpectedDocument(None, 2, JUST, ended=True), NEW, Verdict.STALE),
        (ExpectedDocument(None, 2, LONG_AGO, ended=True), NEW, Verdict.ORPHAN),
        (ExpectedDocument(None), OLD, Verdict.ORPHAN),
        (ExpectedDocument(None), None, Verdict.EQUAL),
        (ExpectedDocument(NEW, 2, JUST), {**NEW, "name": "x"}, Verdict.DIFFERENT),
        (ExpectedDocument(NEW, 2, JUST), {"source": "none"}, Verdict.DIFFERENT),
        (ExpectedDocument(NEW, 2, JUST), {"source": {"version": 3}}, Verdict.DIFFERENT),
        (ExpectedDocument(None, 2, JUST), NEW, Verdict.ORPHAN),
    ],
)
def test_only_what_lags_behind_may_be_late_and_only_for_so_long(
    wanted: ExpectedDocument, shown: Any, verdict: Verdict
) -> None:
    assert judge(wanted, shown, NOW, ALLOWED).verdict == verdict


def test_numbers_booleans_and_texts_that_python_takes_for_equal_are_not() -> None:
    assert [one["path"] for one in differences({"a": 1, "b": "1", "c": 0}, {"a": True, "b": 1, "c": False})] == list(
        "abc"
    )


def test_differences_are_short_few_and_without_anybodys_number() -> None:
    found = differences({"a": "x" * 999, "b": "13812345678"}, {"a": "y" * 999, "b": "11010519491231002X"})

    assert all(len(side) <= 201 for one in found for side in (one["expected"], one["found"]))
    assert "13812345678" not in str(found)
    assert "11010519491231002X" not in str(found)
    assert len(differences(list(range(99)), list(range(1, 100)))) == 50


def test_a_case_whose_body_is_withheld_is_left_out_and_does_not_count_as_gone() -> None:
    expectation = Expectation(SIGHTS)
    case = of_case(projecting.progress())
    expectation.take(case.model_copy(update={"body": None}))
    expectation.turn(NOW)

    assert list(expectation.lines("web", NOW)) == []
    assert list(expectation.doubtful("web", 1, NOW, ALLOWED)) == [case.key]
    assert expectation.wanted("web", case.key, NOW) is None


def test_of_a_case_version_and_digests_are_kept_and_its_next_version_counts() -> None:
    expectation = Expectation(SIGHTS)
    first = of_case(projecting.progress())
    expectation.take(first)
    assert expectation.turn(NOW) == {first.key}
    assert expectation.log.newest == {}, "there may be millions of cases"
    (before,) = expectation.lines("web", NOW)
    assert expectation.keys_in(f"application {bucket_of(first.key)}", bucket_of) == [first.key]
    assert list(expectation.doubtful("web", 0, first.released_at, ALLOWED)) == [first.key]
    assert list(expectation.doubtful("web", 1, first.released_at, ALLOWED)) == []

    second = first.model_copy(update={"version": 2, "position": 2})
    expectation.take(second)
    expectation.turn(NOW)
    (after,) = expectation.lines("web", NOW)
    assert (after.version, after.position) == (2, 2)
    assert after.content_digest != before.content_digest
    expectation.take(first.model_copy(update={"position": 3}))
    assert expectation.turn(NOW) == set(), "an older version never comes back"


def test_an_entry_that_nobody_can_show_is_not_asked_for() -> None:
    expectation = Expectation(SIGHTS)
    expectation.take(published("item:bad", {"task_name": 7}))
    expectation.turn(NOW)

    assert all(expectation.wanted(name, "item:bad", NOW) is None for name in CHANNELS)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), max_size=12))
def test_the_newest_version_in_effect_counts_in_whatever_order_pages_turn(releases) -> None:
    """Compare with the plain definition: of the versions in effect, the highest of each key."""
    log, entries, versions = Log(), [], dict[str, int]()
    for position, (number, days) in enumerate(releases, 1):
        key = f"item:{number}"
        versions[key] = versions.get(key, 0) + 1
        when = NOW + timedelta(days=days)
        entry = published(key, None, versions[key], position, op=Op.WITHDRAW, effective_at=when)
        entries.append(entry)
        assert list(log.take(entry)) == []
    for moment in (NOW - timedelta(days=1), NOW, NOW + timedelta(days=3)):
        log.turn_pages(moment)
        due = [entry for entry in entries if entry.effective_at is not None and entry.effective_at <= moment]
        assert {key: entry.version for key, entry in log.newest.items()} == {
            key: max(entry.version for entry in due if entry.key == key) for key in {entry.key for entry in due}
        }
