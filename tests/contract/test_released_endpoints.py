"""Public endpoints keep what was promised; the public validators accept every document."""

import json
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from contracts.generators.openapi_compatibility import breaks_of_endpoints
from services.runtime.openapi import generation
from tests.harness.documents import CONTRACTS, load
from tests.harness.node_programs import VALIDATORS, node

MOBILE = load("openapi/mobile.json")
CHANGES = "/v1/changes"


def test_todays_endpoints_keep_what_was_promised() -> None:
    assert generation.breaks() == []


def test_every_public_service_has_been_promised() -> None:
    stored = {path.stem for path in (CONTRACTS / "openapi" / generation.RELEASED).glob("*.json")}

    assert stored == set(generation.FOR_STRANGERS)


def changed(edit: Any) -> list[str]:
    new = deepcopy(MOBILE)
    edit(new)
    return breaks_of_endpoints(MOBILE, new)


def parameter(document: Any, name: str) -> Any:
    return next(one for one in document["paths"][CHANGES]["get"]["parameters"] if one["name"] == name)


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda new: new["paths"].pop(CHANGES), "GET /v1/changes: removed, and it was not marked"),
        (
            lambda new: new["paths"][CHANGES]["get"].update(security=[{"admin": []}]),
            "GET /v1/changes: now needs a token",
        ),
        (lambda new: new["paths"][CHANGES]["get"]["parameters"].clear(), "parameter query since: removed"),
        (lambda new: parameter(new, "limit").update(required=True), "parameter query limit: now required"),
        (lambda new: parameter(new, "limit")["schema"].update(maximum=10), "parameter query limit $: maximum was"),
        (lambda new: new["paths"][CHANGES]["get"]["responses"].pop("410"), "GET /v1/changes: answer 410: removed"),
        (
            lambda new: new["components"]["schemas"]["Problem"]["properties"].pop("title"),
            "$.title: removed",
        ),
    ],
    ids=["path", "token", "parameters", "required", "limit", "answer", "member"],
)
def test_a_change_that_breaks_a_caller_is_named_with_its_place(edit: Any, complaint: str) -> None:
    found = changed(edit)

    assert any(complaint in one for one in found), found


def test_what_is_added_breaks_nobody() -> None:
    def grow(new: Any) -> None:
        new["paths"]["/v1/later"] = deepcopy(new["paths"][CHANGES])
        optional = {"name": "later", "in": "query", "required": False, "schema": {"type": "string"}}
        new["paths"][CHANGES]["get"]["parameters"].append(optional)
        new["components"]["schemas"]["Problem"]["properties"]["later"] = {"type": "string"}

    assert changed(grow) == []


def test_an_endpoint_that_was_deprecated_may_go() -> None:
    old, new = deepcopy(MOBILE), deepcopy(MOBILE)
    old["paths"][CHANGES]["get"]["deprecated"] = True
    del new["paths"][CHANGES]

    assert breaks_of_endpoints(old, new) == []


def test_a_release_that_breaks_is_refused_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    promised = deepcopy(MOBILE)
    promised["paths"]["/v1/gone"] = promised["paths"][CHANGES]
    file = tmp_path / generation.RELEASED / "mobile.json"
    file.parent.mkdir()
    file.write_text(json.dumps(promised))

    assert generation.main(["--release", "--folder", str(tmp_path)]) == 1
    assert "mobile GET /v1/gone: removed" in capsys.readouterr().out
    assert json.loads(file.read_text()) == promised

    file.write_text(json.dumps(MOBILE))
    assert generation.main(["--release", "--folder", str(tmp_path)]) == 0
    assert {path.stem for path in file.parent.iterdir()} == set(generation.FOR_STRANGERS)


def test_the_public_validators_accept_every_document() -> None:
    files = [CONTRACTS / "asyncapi.json", *sorted((CONTRACTS / "openapi").glob("*.json"))]

    assert validated(*files) == (0, "")


@pytest.mark.parametrize(("name", "member"), [("asyncapi", "version"), ("openapi/mobile", "title")])
def test_the_validators_refuse_a_document_without_a_member_that_must_be(name: str, member: str, tmp_path: Path) -> None:
    document = load(f"{name}.json")
    del document["info"][member]
    (tmp_path / "broken.json").write_text(json.dumps(document))
    status, said = validated(tmp_path / "broken.json")

    assert status == 1
    assert member in said


def validated(*files: Path) -> tuple[int, str]:
    command = node("validate.mjs", *map(str, files), programs=VALIDATORS)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    return done.returncode, done.stdout
