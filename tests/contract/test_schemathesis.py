"""Every operation of every OpenAPI document, asked with what fits and with what does not: no 5xx, answers as described.

The apps are called in process. What fits the document and what breaks it are both made by schemathesis.
"""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SUBSCRIPTIONS
from services.runtime.assembly.importing import embedded_importing
from services.runtime.assembly.subscriptions import subscriptions
from services.runtime.auditor import auditor_api
from services.runtime.console import embedded_api
from services.runtime.openapi.generation import FOLDER
from services.runtime.wiring import Wiring
from shared.web.server.process import mount
from tests.harness.pipeline import ADMIN, guide, item, pipeline, progress

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENTS = sorted(path.stem for path in FOLDER.glob("*.json"))
ENDLESS = ("/v1/stream", "/v1/rebuild", "/v1/drill", "/v1/pause")
"""What answers for as long as somebody listens, takes a minute, or stops a channel (whose checkpoint is then not
available): tests of their own look at them.
"""


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An item with its guide, a case and a head."""
    with pipeline(tmp_path_factory.mktemp("schema"), lookup_limit="100000/second") as made:
        made.release(item(1))
        made.release(guide(1))
        made.release_case(progress())
        made.flow()
        yield made


def app_of(county: Any, name: str) -> Any:
    if name not in (AUDITOR, CONSOLE, IMPORTING, SUBSCRIPTIONS):
        return county.http.app
    wiring = Wiring(county.settings)
    wiring.migrate(name)
    wiring.require_keys(name)
    key = Ed25519PrivateKey.generate()
    apis = {
        AUDITOR: lambda: auditor_api(wiring),
        CONSOLE: lambda: embedded_api(wiring, key, lambda: wiring.settings, demo=False),
        IMPORTING: lambda: embedded_importing(wiring, key, lambda: wiring.settings).api,
        SUBSCRIPTIONS: lambda: subscriptions(wiring).api,
    }
    return mount({name: apis[name]()})


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_answer_is_one_that_the_document_describes(county: Any, name: str) -> None:
    document = orjson.loads((FOLDER / f"{name}.json").read_bytes())
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app_of(county, name)
    operations = [found.ok() for found in schema.get_all_operations() if found.ok().path not in ENDLESS]
    assert operations

    @settings(max_examples=5 * len(operations), suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(operations))
        mode = data.draw(st.sampled_from(GenerationMode))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        answer = case.call(headers={"Authorization": f"Bearer {ADMIN}"} if data.draw(st.booleans()) else {})
        case.validate_response(answer, checks=CHECKS)

    ask()
