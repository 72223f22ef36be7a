"""The search for personal data asks every endpoint: it knows a value for every parameter of the contracts."""

from pathlib import Path

import orjson
import pytest

from tests.harness.residue import needed, parameter_values, searched

DOCUMENTS = sorted((Path(__file__).parents[2] / "contracts" / "openapi").glob("*.json"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_every_needed_parameter_of_an_endpoint_has_a_value(document: Path) -> None:
    names = {one["name"] for _, operation in searched(orjson.loads(document.read_bytes())) for one in needed(operation)}
    assert names <= set(parameter_values(["item:1"]))
