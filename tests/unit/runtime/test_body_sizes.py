"""Bodies: the manifests are the one table of what may be large, and it names requests that there are."""

import re
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from services.runtime.manifests import manifests
from services.runtime.openapi.generation import apis
from services.runtime.wiring import Wiring
from shared.config import Settings
from shared.web.body_sizes import LARGEST, MOST, BodySize, most_bytes
from tests.harness.desk import desk

DECLARED = [(name, one) for name, manifest in manifests().items() for one in manifest.bodies]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Service → the paths at which it takes a body."""
    wiring = Wiring(Settings.model_construct(data_dir=Path(tmp_path_factory.mktemp("wiring"))))
    found: dict[str, set[str]] = {}
    for name, api in apis(wiring):
        writing = (one for one in iter_route_contexts(api.routes) if {"POST", "PUT"} & set(one.methods or ()))
        found[name] = {re.sub(r"{code}", "0" * 31, str(one.path)) for one in writing}
    wiring.close()
    return found


@pytest.mark.parametrize(("service", "size"), DECLARED, ids=[f"{name}{one.path}" for name, one in DECLARED])
def test_a_declared_path_takes_a_body(service: str, size: BodySize, written: dict[str, set[str]]) -> None:
    for path in size.path.split("|"):
        assert any(re.fullmatch(path, one) for one in written[service]), path


@pytest.mark.parametrize(
    ("path", "size", "taken"),
    [
        ("/blocks", MOST + 1, False),
        ("/tables", MOST + 1, True),
        ("/tables", 16 * MOST + 1, False),
    ],
)
def test_the_desk_takes_what_is_declared_and_no_more(tmp_path: Path, path: str, size: int, taken: bool) -> None:
    with desk(tmp_path) as made:
        browser = made.session("bianji")
        answer = browser.submit(path, act="nothing", content="x" * size)

    assert (answer.status_code != httpx.codes.REQUEST_ENTITY_TOO_LARGE) == taken


def test_what_nothing_is_declared_for_has_the_common_size() -> None:
    assert most_bytes((), "/v1/imports") == MOST
    assert most_bytes([BodySize("/v1/files", 2 * MOST, "a file")], "/v1/files/more") == MOST


@pytest.mark.parametrize(("path", "most"), [("files", 2 * MOST), ("/files", MOST), ("/files", LARGEST + 1)])
def test_a_declaration_that_says_nothing_or_too_much_is_refused(path: str, most: int) -> None:
    with pytest.raises(ValueError, match="must begin with /"):
        BodySize(path, most, "a file")
