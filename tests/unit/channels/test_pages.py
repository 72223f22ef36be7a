"""The pages: complete without JavaScript, with their source, safe, and helpful when there is nothing to show."""

import html
import re
from html.parser import HTMLParser

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from contracts.verify_address import printed_address
from services.channels.core.port import adapters
from services.channels.pages.reader import Freshness, Gone
from services.channels.pages.rendering import link, secure
from services.channels.pages.routes import pages_of
from shared.config import Settings
from shared.errors import Unavailable
from shared.text.bilingual import t
from shared.web.edge import make_api
from tests.harness.projecting import CODE, county, guide, item, of_case, of_guide, of_item, progress
from tests.harness.shelf import HEAD_TIME, PAIR, Shelf

CHANNELS = sorted(adapters())
every_channel = pytest.mark.parametrize("channel", CHANNELS)
NASTY = "<script>alert('x')</script>\"'>"
OTHER = "11339921003991014U4000709901002"


@pytest.fixture
def shelf(channel, tmp_path):
    return stocked(channel, tmp_path)


@pytest.fixture
def client(channel, shelf):
    return browser(channel, shelf)


@every_channel
def test_the_home_page_leads_to_search_themes_units_and_cases(channel, client):
    page = client.get(f"/{channel}/").text

    assert f'action="/{channel}/search"' in page
    if channel == "kiosk":  # a kiosk offers a choice in two touches, not a hundred links
        assert 'href="/kiosk/items?event=papers"' in page
        page += "".join(client.get(f"/kiosk/browse/{by}").text for by in ("person", "departments"))
    assert "证件办理" in page
    assert "云溪县公安局" in page
    assert f'href="/{channel}/progress"' in page


@every_channel
def test_an_item_page_shows_item_and_guide_with_their_source_marks(channel, client, shelf):
    page = client.get(f"/{channel}/items/{CODE}").text

    for document in (shelf.item(CODE), shelf.guide(CODE)):
        mark = document["source"]
        assert (
            f'data-key="{mark["key"]}" data-version="{mark["version"]}" '
            f'data-position="{mark["position"]}" data-digest="{mark["digest"]}"'
        ) in page
    for text in ("居民身份证办理", "云溪县公安局", "居民户口簿", "A01窗口", "5个工作日"):
        assert text in page


@every_channel
def test_an_item_without_a_guide_has_a_page(channel, tmp_path):
    client = browser(channel, Shelf(channel, tmp_path, [of_item(item(is_entry_center=True))]))

    answer = client.get(f"/{channel}/items/{CODE}")

    assert answer.status_code == 200
    assert "居民身份证办理" in answer.text


@every_channel
def test_the_least_item_and_the_least_guide_have_a_page(channel, tmp_path):
    least = [of_item(item(is_entry_center=True)), of_guide(guide(windows=[{"address": "一楼"}]))]

    answer = browser(channel, Shelf(channel, tmp_path, least)).get(f"/{channel}/items/{CODE}")

    assert answer.status_code == 200
    assert "None" not in text_of(answer.text)


@every_channel
def test_every_page_of_the_demonstration_county_renders(channel, tmp_path):
    publications = [made for one, its in county() for made in (of_item(one), of_guide(its))]
    client = browser(channel, Shelf(channel, tmp_path, publications))
    codes = [one.code for one, _ in county() if channel != "kiosk" or one.is_entry_center]

    pages = [client.get(f"/{channel}/items/{code}") for code in codes]

    assert {page.status_code for page in pages} == {200}
    assert not [page.url for page in pages if "None" in text_of(page.text)]


@every_channel
def test_search_lists_the_best_first(channel, client):
    page = client.get(f"/{channel}/search", params={"q": "sfz"}).text

    assert re.findall(rf'href="/{channel}/items/(\w+)"', page)[0] == CODE


@every_channel
def test_a_search_without_results_says_what_to_try(channel, client):
    answer = client.get(f"/{channel}/search", params={"q": "zzzz"})

    assert answer.status_code == 200
    assert "没有找到" in answer.text


@every_channel
@pytest.mark.parametrize("query", [NASTY, "办" * 3_000, "", "\0", "%"])
def test_whatever_is_searched_for_is_text(channel, client, query):
    answer = client.get(f"/{channel}/search", params={"q": query})

    assert answer.status_code == 200
    assert not Elements.of(answer.text).inline


@every_channel
def test_whatever_was_released_is_text(channel, tmp_path):
    dirty = [
        of_item(item(task_name=NASTY, keywords=[NASTY], dept_name=NASTY, result_name=NASTY, is_entry_center=True)),
        of_guide(
            guide(
                accept_condition=NASTY,
                materials=[{"material_name": NASTY}],
                windows=[{"address": NASTY, "window_no": NASTY}],
                questions=[{"question": NASTY, "answer": NASTY}],
            )
        ),
    ]
    client = browser(channel, Shelf(channel, tmp_path, dirty))

    pages = [client.get(f"/{channel}{path}").text for path in ("/", "/items", f"/items/{CODE}", "/search?q=script")]

    assert not any(Elements.of(page).inline for page in pages)
    assert "alert('x')" in html.unescape(pages[2])


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/x",
        "vbscript:x",
        "/\\evil.example",
        " ",
        "http:",
        "https://[x",
    ],
)
def test_an_address_that_could_do_harm_is_no_link(address):
    assert link(address) is None


@pytest.mark.parametrize(
    "address", ["https://zwfw.yunxi.example/apply?x=1#y", "http://a.example/", "/demo/forms/a.html"]
)
def test_an_ordinary_address_is_a_link(address):
    assert link(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://zwfw.yunxi.example/apply",
        "/apply",
        "https://zwfw.yunxi.example@evil.example/",
        "https://a:b@zwfw.yunxi.example/",
        "https://zwfw.yunxi.example\\@evil.example/",
        "https://zwfw.yunxi.example/a b",
        "https:///apply",
    ],
)
def test_nobody_is_led_to_apply_where_it_is_not_safe(tmp_path, address):
    one = item(is_online=True, online_handle_url=address)

    page = browser("web", Shelf("web", tmp_path, [of_item(one)])).get(f"/web/items/{CODE}").text

    assert secure(address) is None
    assert "在线办理</span>" not in page
    assert "evil.example" not in page


def test_the_list_of_materials_is_ticked_without_script_and_sends_nothing(tmp_path):
    page = browser("web", stocked("web", tmp_path)).get(f"/web/items/{CODE}").text
    box = re.search(r'<input type="checkbox"[^>]*>', page).group()

    assert 'value="居民户口簿"' in box
    assert "name=" not in box  # no form can submit it
    assert "data-list-tools data-keep hidden" in page  # buttons only where they work


def test_what_is_printed_carries_the_address_that_proves_it(tmp_path):
    shelf = stocked("web", tmp_path)
    mark = shelf.guide(CODE)["source"]

    page = browser("web", shelf).get(f"/web/items/{CODE}").text

    assert f"http://testserver{printed_address(mark['key'], mark['version'], mark['digest'])}" in page
    assert re.search(r'<div class="paper">\s*<svg [^>]*class="qr"', page)


def test_only_web_and_mobile_lead_into_an_online_form(tmp_path):
    one = item(
        is_entry_center=True,
        is_online=True,
        online_handle_url="https://zwfw.yunxi.example/apply",
        mobile_terminal_url="https://m.yunxi.example/apply",
    )

    pages = {
        channel: browser(channel, Shelf(channel, tmp_path, [of_item(one)])).get(f"/{channel}/items/{CODE}").text
        for channel in CHANNELS
    }

    assert 'href="https://zwfw.yunxi.example/apply"' in pages["web"]
    assert 'href="https://m.yunxi.example/apply"' in pages["mobile"]
    assert "yunxi.example" not in pages["kiosk"] + pages["portal"]


@every_channel
def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(channel, client):
    for path in ("/", "/items", f"/items/{CODE}", "/search?q=sfz", "/progress"):
        answer = client.get(f"/{channel}{path}")
        found = Elements.of(answer.text)

        assert not found.inline
        assert not [name for name in found.attributes if name == "style" or name.startswith("on")]
        assert all(address.startswith(f"/{channel}/static/") for address in found.loaded)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy


@every_channel
def test_every_file_named_by_a_page_is_served_and_may_be_kept_for_ever(channel, client):
    files = Elements.of(client.get(f"/{channel}/").text).loaded

    assert {file.partition("?")[0].rpartition(".")[2] for file in files} >= {"css", "js"}
    for file in files:
        answer = client.get(file)
        kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[
            file.partition("?")[0].rpartition(".")[2]
        ]
        assert answer.headers["content-type"].startswith(kind)
        assert "immutable" in answer.headers["cache-control"]


@every_channel
def test_what_a_script_imports_is_served_too_and_asked_for_again_each_time(channel, client):
    script = client.get(f"/{channel}/static/live.js").text

    imported = re.findall(r'from "\./(\w+\.js)"', script)

    assert imported
    for name in imported:
        assert client.get(f"/{channel}/static/{name}").headers["cache-control"] == "no-cache"


@every_channel
def test_a_page_loads_idiomorph_before_the_script_that_calls_it(channel, client):
    scripts = [
        file.partition("?")[0].rpartition("/")[2] for file in Elements.of(client.get(f"/{channel}/").text).loaded
    ]

    assert scripts.index("idiomorph.min.js") < scripts.index("live.js")


@every_channel
@pytest.mark.parametrize("name", ["nothing.css", "..%2Fpages.py", "%2Fetc%2Fpasswd"])
def test_no_other_file_is_served(channel, client, name):
    assert client.get(f"/{channel}/static/{name}").status_code == 404


@every_channel
def test_what_is_no_page_of_its_own_is_kept_out_of_search_engines_and_an_item_is_in_them_once(channel, client):
    paths = ("", "items", f"items/{CODE}", "search?q=x", "progress")
    found = {path: client.get(f"/{channel}/{path}").text for path in paths}
    unlisted = {path for path, page in found.items() if '<meta name="robots" content="noindex">' in page}

    assert unlisted == (set(found) if channel == "kiosk" else {"search?q=x", "progress"})
    canonical = re.findall('<link rel="canonical" href="http://testserver(.*?)">', found[f"items/{CODE}"])
    assert canonical == ([] if channel == "kiosk" else [f"/portal/items/{CODE}"])


@every_channel
def test_a_page_the_browser_has_is_not_sent_again(channel, client):
    first = client.get(f"/{channel}/items/{CODE}")

    again = client.get(f"/{channel}/items/{CODE}", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@every_channel
def test_a_reader_may_ask_for_the_head_alone(channel, client):
    answer = client.head(f"/{channel}/items/{CODE}")

    assert (answer.status_code, answer.content) == (200, b"")


@every_channel
def test_an_unknown_item_is_a_human_404(channel, client):
    answer = client.get(f"/{channel}/items/{OTHER}")

    assert answer.status_code == 404
    assert "没有找到这个事项" in answer.text
    assert f'action="/{channel}/search"' in answer.text


@every_channel
def test_a_withdrawn_item_is_a_human_410(channel, client, shelf):
    shelf.withdrawn[OTHER] = Gone(HEAD_TIME, None, [], [])

    answer = client.get(f"/{channel}/items/{OTHER}")

    assert answer.status_code == 410
    assert "停止公布" in answer.text


@pytest.mark.parametrize("channel", ["portal"])
def test_a_withdrawn_item_says_what_it_was_since_when_and_where_to_go(channel, client, shelf):
    was = shelf.item(CODE)
    shelf.withdrawn[OTHER] = Gone(HEAD_TIME, was, [], [was])

    page = client.get(f"/portal/items/{OTHER}").text

    for text in (was["name"], was["index_no"], was["publisher"], "2026年3月2日", "12345", f"/portal/items/{CODE}"):
        assert text in page


@pytest.mark.parametrize("channel", ["kiosk"])
def test_a_page_of_the_hall_leaves_it_to_the_browser_to_say_how_fresh_it_is(channel, client, shelf):
    before = client.get(f"/{channel}/").text
    shelf.fresh = Freshness(head_time=HEAD_TIME, late=True)

    assert client.get(f"/{channel}/").text == before
    assert HEAD_TIME.isoformat() not in before


@pytest.mark.parametrize("channel", [channel for channel in CHANNELS if channel != "kiosk"])
def test_each_page_says_how_fresh_it_is(channel, client, shelf):
    """When it was checked changes with every head: the stream tells it. An old head is told by the page itself."""
    page = client.get(f"/{channel}/").text
    assert "数据为最新" in page
    assert '<span id="checked"></span>' in page

    shelf.fresh = Freshness(head_time=HEAD_TIME, late=True)
    late = client.get(f"/{channel}/").text
    said = t("2026年3月2日 09:05", "2 March 2026, 09:05")
    assert "可能不是最新的" in late
    assert f'<time datetime="{HEAD_TIME.isoformat()}">{said}</time>' in late

    shelf.fresh = Freshness()
    assert "正在同步" in client.get(f"/{channel}/").text


@every_channel
def test_a_case_is_shown_to_who_has_the_receipt_and_kept_nowhere(channel, client):
    answer = ask(client, channel, *PAIR)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    for text in ("正在办理", "需要补正", "2026年3月24日", "您暂时不需要做什么", "居民身份证办理"):
        assert text in answer.text
    assert re.search(r'aria-current="step"><span class="zh"[^>]*>办理中<', answer.text)
    assert not any(secret in answer.text for secret in PAIR)


@every_channel
@pytest.mark.parametrize(
    "pair", [(PAIR[0], "ZZZZZZZZZZZZ"), ("1", PAIR[1]), ("", ""), (NASTY, NASTY), ("x" * 9000, "x")]
)
def test_every_wrong_pair_gets_the_same_answer(channel, client, pair):
    wrong, other = ask(client, channel, *pair), ask(client, channel, "37-2020-1", "0000-0000-0000")

    same = untyped(other.text)
    assert (wrong.status_code, untyped(wrong.text)) == (other.status_code, same) == (404, same)
    assert wrong.headers["cache-control"] == "no-store"
    assert "没有查到" in wrong.text


@pytest.mark.parametrize("channel", ["mobile", "portal", "web"])
def test_what_was_typed_stays_after_an_error_and_in_no_cache(channel, client):
    answer = ask(client, channel, "37-2020-1", "7K2M<x")

    assert 'value="37-2020-1"' in answer.text
    assert 'value="7K2M&lt;x"' in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_shared_screen_repeats_nothing_that_was_typed(tmp_path):
    assert "37-2020-1" not in ask(browser("kiosk", stocked("kiosk", tmp_path)), "kiosk", "37-2020-1", "7K2M").text


@every_channel
def test_a_look_up_that_is_not_possible_now_says_so(channel, client, shelf, monkeypatch):
    def unavailable(*_: str) -> None:
        raise Unavailable("the database is away")

    monkeypatch.setattr(shelf, "lookup", unavailable)
    answer = ask(client, channel, *PAIR)

    assert answer.status_code == 503
    assert "现在查不了" in answer.text


@every_channel
def test_who_tries_too_often_is_asked_to_wait(channel, client, shelf):
    shelf.patience = 0

    answer = ask(client, channel, *PAIR)

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "查询次数太多" in answer.text


@every_channel
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"a=1&" * 50, b"x" * 100_000])
def test_a_strange_form_is_a_wrong_pair(channel, client, body):
    headers = {"content-type": "application/x-www-form-urlencoded"}

    assert client.post(f"/{channel}/progress", content=body, headers=headers).status_code == 404


def test_lists_are_filtered_and_paged(tmp_path):
    publications = [of_item(one) for one, _ in county()]
    client = browser("web", Shelf("web", tmp_path, publications))
    wanted = [one.code for one, _ in county() if "090" in one.user_topic_type]

    page = client.get("/web/items", params={"audience": "person", "theme": "证件办理"}).text
    pages = [client.get("/web/items", params={"page": number}).text for number in range(1, 5)]

    assert codes_in(page) == wanted
    assert [code for each in pages for code in codes_in(each)] == [one.code for one, _ in county()]
    assert 'rel="prev"' not in pages[0]
    assert 'rel="next"' not in pages[-1]


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=99999", "audience=cat", "theme=%00", "page=１"])
def test_a_strange_address_is_still_a_page(tmp_path, query):
    client = browser("web", stocked("web", tmp_path))

    assert client.get(f"/web/items?{query}").status_code == 200


def test_the_portal_discloses_index_number_day_and_publisher(tmp_path):
    shelf = stocked("portal", tmp_path)
    page = browser("portal", shelf).get(f"/portal/items/{CODE}").text

    for text in (shelf.item(CODE)["index_no"], "2026年3月2日", "云溪县公安局", f"/portal/items/{CODE}"):
        assert text in page


def test_the_kiosk_says_at_a_glance_what_people_ask(tmp_path):
    page = browser("kiosk", stocked("kiosk", tmp_path)).get(f"/kiosk/items/{CODE}").text

    for question in ("带什么", "去哪里", "多久办好", "要不要钱", "在家能办吗"):
        assert question in page


def stocked(channel, folder):
    """Return a county with one item, its guide, and one case of it."""
    one = item(
        keywords=["身份证"],
        is_entry_center=True,
        promise_day=5,
        promise_type="1",
        is_fee=False,
        limit_scene_num=1,
        serve_type=["1"],
        user_topic_type=["090"],
        by_law=[{"law_name": "《中华人民共和国居民身份证法》", "article": "第十条", "content": "第一句。\n第二句。"}],
    )
    its_guide = guide(
        materials=[{"material_name": "居民户口簿", "form_url": "/demo/forms/a.html"}],
        windows=[{"address": "一楼A区", "window_no": "A01窗口", "hours": "工作日"}],
        steps=[{"name": "受理", "content": "核对材料。", "day": 1}],
        fees=[{"fee_name": "工本费", "fee_stand": "20元/证"}],
        questions=[{"question": "要本人去吗？", "answer": "要。"}],
    )
    return Shelf(channel, folder, [of_item(one), of_guide(its_guide), of_case(progress())])


def browser(channel, shelf):
    site, api = FastAPI(), make_api(channel, "pages", Settings(), dict)
    api.include_router(pages_of(channel, shelf, "云溪县"))
    site.mount(f"/{channel}", api)
    return TestClient(site)


def ask(client, channel, project_no, query_code):
    return client.post(f"/{channel}/progress", data={"project_no": project_no, "query_code": query_code})


def codes_in(page):
    return re.findall(r'<li>\s*<a href="/web/items/(\w+)"', page)


def untyped(page):
    """Return the page without the values that its fields repeat."""
    return re.sub(r'(<input id="(?:project_no|query_code)"[^>]*?) value="[^"]*"', r"\1", page)


def text_of(page):
    return re.sub(r"<[^>]*>", " ", page)


class Elements(HTMLParser):
    """Collects attributes, addresses of what a page loads, and inline scripts or styles."""

    def __init__(self):
        super().__init__()
        self.attributes, self.loaded, self.inline = set(), [], []

    @classmethod
    def of(cls, page):
        elements = cls()
        elements.feed(page)
        return elements

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.attributes |= values.keys()
        named = tag == "link" and values.get("rel") in ("canonical", "alternate")
        if tag in ("link", "img", "iframe", "source", "script") and not named:
            self.loaded.append(values.get("href") or values.get("src"))
        if tag == "style" or (tag == "script" and not values.get("src")):
            self.inline.append(tag)
