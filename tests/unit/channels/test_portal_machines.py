"""What machines read of the portal: metadata of a government site, microdata, sitemap, feed, pages as files."""

import json
import re
from html import escape
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree as ET

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.channels.pages.routes import pages_of
from services.operations.export import Export, policy_of_file
from shared.config import Settings
from shared.errors import Broken
from shared.web.edge import make_api
from tests.harness.projecting import county, of_guide, of_item
from tests.harness.shelf import Shelf

SITE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
ATOM = "{http://www.w3.org/2005/Atom}"
LIVE = "https://www.yunxi.example"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    publications = [made for one, its in county() for made in (of_item(one), of_guide(its))]
    return Shelf("portal", tmp_path_factory.mktemp("portal"), publications)


@pytest.fixture
def client(shelf):
    settings = Settings(public_url=LIVE, site_id="4402320001")
    site, api = FastAPI(), make_api("portal", "pages", settings, dict)
    api.include_router(pages_of("portal", shelf, "云溪县"))
    api.get("/v1/position")(lambda: {"position": 1234, "cursor": "e.1", "head": None})
    site.mount("/portal", api)
    return TestClient(site)


def marks_of(page):
    return dict(re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)">', page))


def test_every_page_carries_the_marks_of_the_site_and_its_column(client):
    for path in ("/portal/", "/portal/items", "/portal/items?audience=person"):
        marks = marks_of(client.get(path).text)
        assert marks["SiteName"] == "云溪县政府信息公开"
        assert (marks["SiteDomain"], marks["SiteIDCode"]) == ("www.yunxi.example", "4402320001")
        assert all(marks[f"Column{name}"] for name in ("Name", "Type", "Keywords", "Description"))


def test_an_items_page_says_title_day_source_and_permanent_address(client, shelf):
    item = shelf.item(a_code(shelf))
    marks = marks_of(client.get(item["address"]).text)

    assert marks["ArticleTitle"] == marks["og:title"] == item["name"]
    assert marks["PubDate"] == item["published_on"]
    assert marks["ContentSource"] == item["publisher"]
    assert marks["Url"] == marks["og:url"] == f"{LIVE}{item['address']}"
    assert 'itemtype="https://schema.org/GovernmentService"' in client.get(item["address"]).text


def test_the_sitemap_names_every_item_once_with_the_day_of_its_last_change(client, shelf):
    root = ET.fromstring(client.get("/portal/sitemap.xml").content)

    places = [one.text for one in root.iter(f"{SITE}loc")]
    assert len(places) == len(set(places)) == len(county()) + 2
    assert all(place.startswith(f"{LIVE}/portal/") for place in places)
    assert len(list(root.iter(f"{SITE}lastmod"))) == len(county())


def test_the_feed_has_what_was_published_last_first(client):
    root = ET.fromstring(client.get("/portal/feed.atom").content)

    entries = root.findall(f"{ATOM}entry")
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(ids) == len(set(ids)) == 50
    assert root.findtext(f"{ATOM}updated") == entries[0].findtext(f"{ATOM}updated")
    assert all(entry.find(f"{ATOM}link").get("href").startswith(LIVE) for entry in entries)


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        ("*", "/portal/", True),
        ("*", "/portal/sitemap.xml", True),
        ("*", "/web/items", True),
        ("*", "/kiosk/", False),
        ("*", "/verify/guide/X/1/0", False),
    ],
)
def test_robots_may_read_what_is_for_everybody(client, agent, path, allowed):
    rules = RobotFileParser()
    rules.parse(client.get("/portal/robots.txt").text.splitlines())
    assert rules.can_fetch(agent, path) == allowed


def test_robots_leave_cases_searches_and_the_api_of_every_channel_alone(client):
    """Patterns of RFC 9309, which Python's own parser does not know."""
    lines = client.get("/portal/robots.txt").text.splitlines()
    assert {"Disallow: /*/progress", "Disallow: /*/search", "Disallow: /*/v1/"} <= set(lines)


def test_exported_files_lead_to_each_other_and_only_what_needs_a_server_leads_to_the_county(client, tmp_path):
    export(client, tmp_path)

    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(county())
    for page in pages:
        text = re.sub('<link rel="canonical"[^>]*>', "", page.read_text())
        assert "live.js" not in text
        assert "idiomorph" not in text, "nothing on a copy becomes another version in place"
        assert "freshness.js" not in text, "a copy has no stream that it could tell of"
        for address in re.findall(r'(?:href|src|action)="([^"]+)"', text):
            if address.startswith("#"):
                continue
            if address.startswith(LIVE):
                # The county combines choices into lists: there are more than can be archived.
                assert not address.startswith(f"{LIVE}/portal/items") or address.count("=") > 1, address
            elif not address.startswith(("http:", "https:", "tel:")):
                assert (page.parent / address.partition("#")[0]).resolve().is_file(), (page, address)


def test_every_exported_page_states_the_policy_that_its_header_stated(client, tmp_path):
    export(client, tmp_path)
    stated = client.get("/portal/").headers["content-security-policy"]

    for page in tmp_path.rglob("*.html"):
        head = page.read_text().partition("<title>")[0]
        (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', head)
        assert policy == escape(policy_of_file(stated, LIVE))
        assert '<meta name="referrer" content="no-referrer">' in head
        assert head.index("Content-Security-Policy") < head.find("<script") % len(head), "before what it could stop"
    wanted = dict(one.split(" ", 1) for one in stated.split("; "))
    found = dict(one.split(" ", 1) for one in policy_of_file(stated, LIVE).split("; "))
    assert found == {name: value for name, value in wanted.items() if name != "frame-ancestors"} | {
        "form-action": f"'self' {LIVE}"
    }
    left = json.loads((tmp_path / "manifest.json").read_text())["headers"]
    assert left["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert left["X-Content-Type-Options"] == "nosniff"


def test_a_page_without_a_policy_is_not_exported(tmp_path):
    def bare(request):
        if request.url.path == "/portal/v1/position":
            return httpx.Response(200, json={"position": 1})
        return httpx.Response(200, html='<html><head><meta charset="utf-8"></head></html>')

    with pytest.raises(Broken, match="has no content policy"):
        export(httpx.Client(base_url=LIVE, transport=httpx.MockTransport(bare)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_script_imports_is_exported_too(client, tmp_path):
    export(client, tmp_path)

    for script in tmp_path.rglob("*.js"):
        for name in re.findall(r'from "\./([\w.-]+)"', script.read_text()):
            assert (script.parent / name).is_file()


def test_a_second_export_touches_nothing_and_names_the_same_files(client, tmp_path):
    first = export(client, tmp_path)
    times = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.html")}

    second = export(client, tmp_path)

    assert (bool(first.written), first.kept) == (True, [])
    assert second.written == second.removed == []
    assert {file: file.stat().st_mtime_ns for file in times} == times


def test_a_withdrawn_item_leaves_the_files_and_foreign_files_stay(client, shelf, tmp_path, monkeypatch):
    code = a_code(shelf)
    export(client, tmp_path)
    (tmp_path / "ours.txt").write_text("of the other system")

    without = Shelf("portal", tmp_path, [of_item(one) for one, _ in county() if one.code != code])
    done = export(TestClient(site_of(without)), tmp_path)

    assert f"items/{code}.html" in done.removed
    assert not (tmp_path / f"items/{code}.html").exists()
    assert code not in (tmp_path / "sitemap.xml").read_text()
    assert (tmp_path / "ours.txt").exists()


def test_the_manifest_names_every_file_with_its_digest_and_the_position(client, tmp_path):
    export(client, tmp_path)

    manifest = json.loads((tmp_path / "manifest.json").read_text())
    files = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert manifest["files"].keys() == files - {"manifest.json"}
    assert manifest["position"] == 1234


def test_a_page_that_does_not_come_writes_nothing(tmp_path):
    def broken(request):
        if request.url.path == "/portal/v1/position":
            return httpx.Response(200, json={"position": 1})
        return httpx.Response(503)

    with pytest.raises(Broken, match="503"):
        export(httpx.Client(base_url=LIVE, transport=httpx.MockTransport(broken)), tmp_path)
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=30))
def test_no_query_writes_outside_the_folder(query):
    name = Export(httpx.Client(), "portal", LIVE).file_of(f"/portal/items?{query}")

    assert {"", ".."}.isdisjoint(name.split("/"))


def export(client, folder):
    return Export(client, "portal", LIVE).run(folder)


def site_of(shelf):
    site, api = FastAPI(), make_api("portal", "pages", Settings(public_url=LIVE), dict)
    api.include_router(pages_of("portal", shelf, "云溪县"))
    api.get("/v1/position")(lambda: {"position": 1235, "cursor": "e.2", "head": None})
    site.mount("/portal", api)
    return site


def a_code(shelf):
    return next(one.code for one, _ in county() if shelf.item(one.code))
