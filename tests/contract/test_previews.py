"""What a channel would show of content that is not released: by the same adapter and templates, and stored nowhere."""

import pytest

from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item

AUTHORISED = {"Authorization": f"Bearer {ADMIN}"}
CANARY = "尚未公开的金丝雀"
PUBLISHED = ("published_on", "published_at")


@pytest.fixture
def drafts():
    named = (item(1, CANARY), guide(1, CANARY))
    return [
        {"key": f"{kind}:{one.code}", "body": _body(one)} for kind, one in zip(("item", "guide"), named, strict=True)
    ]


def test_a_preview_says_that_it_is_one_and_shows_the_draft(county, channel, drafts):
    answer = ask(county, channel, {"versions": drafts, "page": code_of(1)})

    assert answer.status_code == 200
    html = answer.json()["html"]
    assert "预览·尚未发布" in html
    assert CANARY in html
    assert "<script" not in html
    assert "stylesheet" not in html


def test_a_preview_is_neither_stored_nor_cached(county, channel, drafts):
    answer = ask(county, channel, {"versions": drafts, "page": code_of(1)})

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert county.get(f"{channel}/v1/items/{code_of(1)}").status_code == 404
    assert CANARY not in county.get(f"{channel}/v1/changes").text


@pytest.mark.parametrize("token", [None, SERVICE])
def test_nobody_without_the_right_has_a_preview(county, channel, drafts, token):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = county.http.post(f"/{channel}/v1/preview", json={"versions": drafts}, headers=headers)

    assert answer.status_code in (401, 403)
    assert CANARY not in answer.text


def test_a_rehearsal_is_the_outcome_but_for_source_and_times(county, channel, drafts):
    rehearsed = ask(county, channel, {"versions": drafts}).json()["documents"]
    county.release(item(1, CANARY))
    county.release(guide(1, CANARY))
    county.flow()

    for kind in ("item", "guide"):
        shown = county.get(f"{channel}/v1/{kind}s/{code_of(1)}").json()
        outcome = {name: value for name, value in shown.items() if name not in ("source", *PUBLISHED)}
        assert {n: v for n, v in rehearsed[f"{kind}:{code_of(1)}"].items() if n not in PUBLISHED} == outcome


def test_what_a_channel_could_not_show_is_refused_with_its_key(county, channel):
    answer = ask(county, channel, {"versions": [{"key": f"item:{code_of(1)}", "body": {"code": "1"}}]})

    assert answer.status_code == 422
    assert f"item:{code_of(1)}" in answer.json()["errors"][0]["message"]


def ask(county, channel, asked):
    return county.http.post(f"/{channel}/v1/preview", json=asked, headers=AUTHORISED)


def _body(one):
    return one.model_dump(mode="json", exclude_none=True)
