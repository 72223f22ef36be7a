"""An attacker between the auditor and a channel cannot make wrong content look right."""

import httpx
import orjson
import pytest
import zstandard

from tests.harness.auditing import GENTLE, Answer, Audited, Lie, auditor_of, edited, spoilt
from tests.harness.pipeline import code_of, guide, item, pipeline

CODE = code_of(1)
KEY = f"item:{CODE}"
ITEM, GUIDE, PAGE = f"/web/v1/items/{CODE}", f"/web/v1/guides/{CODE}", f"/web/items/{CODE}"
ERROR_PAGE = {
    "headers": {"content-type": "text/html; charset=utf-8"},
    "body": "<html>系统繁忙，请稍后再试</html>".encode(),
}


@pytest.fixture
def audited(tmp_path):
    """A county with one channel and two items with guides, and its auditor after a first round without findings."""
    with pipeline(tmp_path, channels=["web"], **GENTLE) as county:
        for number in (1, 2):
            county.release(item(number))
            county.release(guide(number))
        county.flow()
        with auditor_of(county, tmp_path) as made:
            made.round()
            assert made.findings() == []
            yield made


def test_an_error_page_with_status_200_is_no_document_no_page_and_no_list(audited: Audited) -> None:
    for path in (ITEM, PAGE, "/web/v1/items", "/web/v1/changes", "/web/v1/source"):
        audited.between.lies[path] = spoilt(status=200, **ERROR_PAGE)
    audited.round()

    assert audited.found(only_open=True) == {
        ("web", "document", "different", KEY),
        ("web", "page", "different", KEY),
        ("web", "list", "different", "*"),
        ("web", "changes", "different", "*"),
        ("web", "digests", "different", "*"),
    }


def test_an_error_page_that_says_it_is_json_is_none(audited: Audited) -> None:
    audited.between.lies[ITEM] = spoilt(body=ERROR_PAGE["body"])
    audited.round()

    assert audited.found(only_open=True) == {("web", "document", "different", KEY)}


def test_a_document_that_nobody_can_read_is_not_right(audited: Audited) -> None:
    for status, verdict in ((404, "missing"), (410, "missing"), (500, "different"), (302, "different")):
        audited.between.lies[ITEM] = spoilt(status=status, headers={"location": "/web/"})
        audited.round()

        assert audited.found(only_open=True) == {("web", "document", verdict, KEY)}, status


def test_a_cache_that_keeps_an_old_version_is_found_and_told_from_a_wrong_store(audited: Audited) -> None:
    for path in (ITEM, PAGE):
        old = httpx.Response(200, content=audited.county.http.get(path).content)
        headers = dict(audited.county.http.get(path).headers)
        audited.between.lies[path] = lambda _answer, old=old, headers=headers: Answer(200, headers, old.content)
    audited.county.release(item(1, "新的名字"))
    audited.county.flow()
    audited.round()
    document = next(one for one in audited.findings(only_open=True) if one["surface"] == "document")

    assert {"path": "name", "expected": "新的名字", "found": "居民身份证办理"} in document["differences"]
    assert {"path": "source.version", "expected": "2", "found": "1"} in document["differences"]
    assert "something in front" in document["problem"]
    assert ("web", "page", "different", KEY) in audited.found(only_open=True)
    audited.between.lies.clear()
    audited.round()
    assert audited.found(only_open=True) == set()


def test_every_question_asks_for_a_fresh_answer_and_names_nobody(audited: Audited) -> None:
    assert len(audited.between.asked) > 10
    for headers in audited.between.asked:
        assert headers["cache-control"] == "no-cache"
        assert "if-none-match" not in headers
        assert "authorization" not in headers


def packed(tag_ends: str, coding: str = "zstd") -> Lie:
    def lie(answer: Answer) -> Answer:
        tag = answer.headers["etag"].strip('"')
        headers = {**answer.headers, "etag": f'"{tag}{tag_ends}"', **({"content-encoding": coding} if coding else {})}
        return Answer(answer.status, headers, zstandard.compress(answer.body) if coding else answer.body)

    return lie


def test_a_document_that_comes_packed_is_the_same_under_the_tag_of_its_packing(audited: Audited) -> None:
    audited.between.lies[ITEM] = packed("+zstd")
    audited.round()

    assert audited.findings() == []


@pytest.mark.parametrize(("ends", "coding"), [("+zstd", ""), ("+", ""), ("+gzip", "zstd"), ("x", "zstd")])
def test_the_tag_of_a_packing_that_it_does_not_have_is_found(audited: Audited, ends: str, coding: str) -> None:
    audited.between.lies[ITEM] = packed(ends, coding)
    audited.round()

    assert audited.found(only_open=True) == {("web", "document", "different", KEY)}


def test_an_etag_that_is_not_the_documents_own_is_found(audited: Audited) -> None:
    """A client with the old version would be told that nothing has changed."""
    audited.between.lies[ITEM] = spoilt(headers={"etag": f'"{"0" * 64}"'})
    audited.round()
    (finding,) = audited.findings(only_open=True)

    assert [one["path"] for one in finding["differences"]] == ["ETag"]


def test_a_wrong_source_mark_is_found_in_a_document_and_in_a_page(audited: Audited) -> None:
    source = audited.county.get(ITEM[1:]).json()["source"]
    for field, value in source.items():
        said = f'"{field}":{orjson.dumps(value).decode()}'
        wrong = f'"{field}":{orjson.dumps(value + 1 if isinstance(value, int) else "x").decode()}'
        audited.between.lies[ITEM] = edited(said, wrong)
        audited.between.lies[PAGE] = edited(f'data-{field}="{value}"', f'data-{field}="7"')
        audited.round()
        both = {("web", "document", "different", KEY), ("web", "page", "different", KEY)}
        assert audited.found(only_open=True) == both, field

        audited.between.lies.clear()
        audited.round()
        assert audited.found(only_open=True) == set()


def test_a_word_that_was_changed_in_a_page_with_the_right_mark_is_found(audited: Audited) -> None:
    audited.between.lies[PAGE] = edited("<h1>居民身份证办理</h1>", "<h1>居民身份证补办</h1>")
    audited.round()
    audited.round()
    (finding,) = audited.findings(only_open=True)

    assert (finding["surface"], finding["verdict"]) == ("page", "different")
    assert [(one["expected"], one["found"]) for one in finding["differences"]] == [("居民身份证办理", "居民身份证补办")]
    assert finding["attempts"] == 1
    assert "the document is correct" in finding["problem"]


def test_white_space_neither_makes_a_difference_nor_hides_one(audited: Audited) -> None:
    def indented(answer: Answer) -> Answer:
        body = orjson.dumps(orjson.loads(answer.body), option=orjson.OPT_INDENT_2) + b"\n"
        return Answer(answer.status, answer.headers, body)

    audited.between.lies[ITEM] = indented
    audited.between.lies[PAGE] = edited("<h1>", "\n   <h1>\n  ")
    audited.round()
    assert audited.found(only_open=True) == set()

    audited.between.lies[ITEM] = edited("居民身份证办理", "居民身份证 办理")
    audited.between.lies[PAGE] = edited("居民身份证办理", "居民身份证 办理")
    audited.round()
    assert audited.found(only_open=True) == {("web", "document", "different", KEY), ("web", "page", "different", KEY)}


def test_a_channel_that_lies_in_digests_and_lists_is_caught_at_the_documents_own_address(audited: Audited) -> None:
    """Every list and digest still shows the state before the damage."""
    for path in ("/web/v1/source", "/web/v1/changes", "/web/v1/items"):
        good = audited.county.http.get(path, params={"limit": 500} if "source" not in path else None)
        answer = Answer(200, dict(good.headers), good.content)
        audited.between.lies[path] = lambda _answer, answer=answer: answer
    forge = "UPDATE document SET content = replace(content, '居民身份证办理', '居民身份证办里') WHERE key = :key"
    audited.county.execute("web", forge, key=KEY)
    audited.round()

    assert ("web", "document", "different", KEY) in audited.found()
    assert ("web", "page", "different", KEY) in audited.found()
    assert {one[1] for one in audited.found()} == {"document", "page"}


def test_an_orphan_that_hides_from_every_list_is_found_at_its_old_address(audited: Audited) -> None:
    answer = audited.county.http.get(ITEM)
    audited.county.withdraw(item(1))
    audited.county.flow()
    audited.between.lies[ITEM] = lambda _answer: Answer(200, dict(answer.headers), answer.content)
    audited.round()

    assert audited.found(only_open=True) == {("web", "document", "orphan", KEY)}


def test_a_list_that_never_ends_is_no_list(audited: Audited) -> None:
    rows = audited.county.get("web/v1/changes", since="0").json()["changes"] * 100
    turns = iter(range(1, 10**6))

    def endless(_answer: Answer) -> Answer:
        body = orjson.dumps({"changes": rows, "more": True, "cursor": f"x.{next(turns)}"})
        return Answer(200, {"content-type": "application/json"}, body)

    audited.between.lies["/web/v1/changes"] = endless
    audited.round()

    assert ("web", "changes", "different", "*") in audited.found(only_open=True)


def test_a_channel_that_is_away_is_missing_as_a_whole_until_it_answers(audited: Audited) -> None:
    for status in (502, 503, 504):
        for path in ("/web/v1/source", ITEM):
            audited.between.lies[path] = spoilt(status=status)
        audited.round()
        assert audited.found(only_open=True) == {("web", "channel", "missing", "*")}, status

        audited.between.lies.clear()
        audited.round()
        assert audited.found(only_open=True) == set()
