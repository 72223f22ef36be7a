"""A table of 10 MB comes through a gateway before the desk, and the limits of both come from the desk's manifest."""

from collections.abc import Iterator

import httpx
import pytest

from services.console.accounts.demo import DEMO_PASSWORD
from services.console.tables.files import LARGEST_FILE
from tests.harness.county import EmbeddedCounty, running
from tests.harness.gateway import desk_gateway

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("gateway")]
HEADER = "实施编码,指纹（请勿改动）,备注\n"
TOO_MUCH = 17 * 1_048_576


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A person who edits, signed in through the gateway."""
    county = EmbeddedCounty(tmp_path_factory.mktemp("county"), "--demo")
    with (
        running(county),
        desk_gateway(county, tmp_path_factory.mktemp("gateway")) as address,
        httpx.Client(base_url=f"{address}/console", timeout=60, trust_env=False) as made,
    ):
        made.headers["sec-fetch-site"] = "same-origin"
        answer = made.post("/sign-in", data={"name": "bianji", "password": DEMO_PASSWORD})
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        yield made


def csrf(browser: httpx.Client) -> str:
    page = browser.get("/tables").text
    return page.partition('name="csrf" value="')[2].partition('"')[0]


def upload(browser: httpx.Client, size: int) -> httpx.Response:
    content = HEADER.encode() + b"x" * (size - len(HEADER.encode()))
    fields = {"csrf": csrf(browser), "act": "preview"}
    return browser.post("/tables", data=fields, files={"file": ("table.csv", content, "text/csv")})


def test_a_table_of_the_largest_size_is_read_by_the_desk(browser: httpx.Client) -> None:
    answer = upload(browser, LARGEST_FILE)

    # It has no line that is a table's, and the desk says so: it has read it.
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "文件太大" not in answer.text


def test_a_larger_table_is_refused_by_the_desk_in_its_own_words(browser: httpx.Client) -> None:
    answer = upload(browser, LARGEST_FILE + 1)

    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert "文件太大：最多10MB" in answer.text


def test_a_previewed_table_comes_back_in_base64_to_be_saved(browser: httpx.Client) -> None:
    fields = {"csrf": csrf(browser), "act": "save", "content": "QUFB" * (LARGEST_FILE // 3)}
    answer = browser.post("/tables", data=fields)

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("path", ["/tables", "/account", "/content"])
def test_what_no_manifest_declares_is_refused_by_the_gateway(browser: httpx.Client, path: str) -> None:
    answer = browser.post(path, content=b"x" * (TOO_MUCH if path == "/tables" else 1_048_577))

    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert "nginx" in answer.text
