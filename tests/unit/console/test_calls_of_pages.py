"""How often a page of the desk asks other services: as often for forty items and cases as for four."""

import pytest

from tests.harness.desk_county import desk_county
from tests.harness.pipeline import code_of, guide, item

FEW, MANY = range(1, 5), range(5, 41)
PAGES = {
    "/": "bianji",
    "/content": "bianji",
    "/content?state=released": "bianji",
    f"/content/{code_of(1)}": "bianji",
    "/content/work": "bianji",
    "/blocks": "bianji",
    "/tables": "bianji",
    "/release": "fabu",
    "/release/plans": "fabu",
    "/release/withdraw": "fabu",
    "/reviews": "shenhe",
    "/operations": "yunwei",
    "/operations/feedback": "bianji",
    "/operations/deadlines": "yunwei",
    "/operations/searches": "yunwei",
    "/operations/screens": "yunwei",
    "/audit": "shenji",
    "/people": "guanli",
}
MOST = 40
"""Calls of one page at most, over sources, ledger, channels, auditor and imports."""


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Page → how many calls it made with few items, and with many."""
    with desk_county(tmp_path_factory.mktemp("calls")) as (made, desk):
        browsers = {name: desk.session(name) for name in set(PAGES.values())}
        few = released(made, FEW) or {path: calls(made, browsers[name], path) for path, name in PAGES.items()}
        many = released(made, MANY) or {path: calls(made, browsers[name], path) for path, name in PAGES.items()}
        yield {path: (few[path], many[path]) for path in PAGES}


def released(made, numbers):
    for number in numbers:
        made.county.release(item(number, f"事项{number}"))
        made.county.release(guide(number, f"事项{number}"))
    made.county.flow()


def calls(made, browser, path):
    made.asked.clear()
    answer = browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return len(made.asked)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_as_often_for_many_items_as_for_few(counted, path):
    few, many = counted[path]

    # Readings of the pipeline that a page has begun may still be on their way while the next one is counted.
    assert many - few < len(MANY) / 2
    assert many <= MOST
