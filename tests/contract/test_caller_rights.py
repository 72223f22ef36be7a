"""Who may call whom, tried out: with the tokens of each caller every guarded route of every service is asked for.

What the manifests allow is let in, everything else is refused with 401 or 403.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from contracts.topology import AUDITOR, CONSOLE, IMPORTING, SOURCES, SUBSCRIPTIONS
from services.runtime import manifests
from services.runtime.assembly.importing import embedded_importing
from services.runtime.assembly.subscriptions import subscriptions
from services.runtime.auditor import auditor_api
from services.runtime.console import embedded_api
from services.runtime.local_readers import LocalLedger
from services.runtime.manifests import CHANNELS
from services.runtime.wiring import Wiring
from shared.config import Settings, SettingsError
from shared.manifest.model import Process
from shared.tokens.access import token_hash
from shared.tokens.keys import private_key
from shared.tokens.minting import Minter
from shared.tokens.rights import Right
from tests.harness.callers import CALLERS, NAMES, key_of
from tests.harness.documents import load

SERVICES = (*SOURCES, "ledger", *CHANNELS, AUDITOR, CONSOLE, IMPORTING, SUBSCRIPTIONS)
KEY = Ed25519PrivateKey.generate()
EDITORS = "an editor's token of many letters"
BODIES = ("/v1/entries", "/v1/entries/{position}", "/v1/snapshot/entries", "/v1/snapshot/predecessors")
"""Routes of the ledger that show more to a caller with the right `bodies`."""
REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TestClient]]:
    """Every service's app as its process of production has it, over databases of their own."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("callers"), callers=CALLERS)
    wiring = Wiring(settings)
    for service in SERVICES:
        wiring.migrate(service)
    yield {name: TestClient(app, raise_server_exceptions=False) for name, app in _apis(wiring).items()}
    wiring.close()


def _apis(wiring: Wiring) -> dict[str, FastAPI]:
    ledger = LocalLedger(wiring.database("ledger"))
    apis = {
        **{name: wiring.source_api(name) for name in SOURCES},
        "ledger": wiring.ledger_api(),
        **{name: wiring.channel(name, ledger).api(wiring.settings) for name in CHANNELS},
        AUDITOR: auditor_api(wiring),
        CONSOLE: embedded_api(wiring, KEY, lambda: wiring.settings, demo=False),
        IMPORTING: embedded_importing(wiring, KEY, lambda: wiring.settings).api,
        SUBSCRIPTIONS: subscriptions(wiring).api,
    }
    for name, api in apis.items():
        api.state.callers = manifests.callers(name, wiring.settings)
        api.state.settings = manifests.held(name, wiring.settings)
        if manifests.manifests()[name].editors:
            hashed = {"admin_token_hash": token_hash(EDITORS)}
            api.state.settings = api.state.settings.model_copy(update=hashed)
    return apis


def guarded(service: str) -> Iterator[tuple[str, str, Right]]:
    """Method, path and right of every route that asks for one, as its document says."""
    for path, operations in load(f"openapi/{service}.json")["paths"].items():
        for method, operation in operations.items():
            for scheme, rights in (one for asked in operation.get("security", []) for one in asked.items()):
                if scheme in ("admin", "service"):
                    yield method.upper(), path, Right(rights[0])
        if service == "ledger" and path in BODIES:
            yield "GET", path, Right.BODIES


def status(client: TestClient, method: str, path: str, token: str) -> int:
    """`Content-Length: 0`: whoever is let in changes nothing, since what it sends is nothing."""
    address = re.sub(r"\{\w+\}", "1", path)
    query = "?size=0&position=1" if "snapshot/" in path else ""
    headers = {"Authorization": f"Bearer {token}", "Content-Length": "0"}
    return client.request(method, f"{address}{query}", headers=headers).status_code


def token_of(caller: str, callee: str, **more: Any) -> str:
    return Minter(caller, private_key(key_of(caller), caller), callee, **more).token()


@pytest.mark.parametrize("caller", NAMES)
def test_a_caller_is_let_in_where_the_manifests_say_and_nowhere_else(
    caller: str, clients: dict[str, TestClient]
) -> None:
    wrong, tried = [], 0
    for service, client in clients.items():
        known = manifests.permissions(service).get(caller)
        token = token_of(caller, service)
        for method, path, right in guarded(service):
            may = known is not None and right in known.rights
            let_in = status(client, method, path, token) not in REFUSED
            tried += 1
            if may != let_in:
                wrong.append((service, method, path, right))

    assert wrong == []
    assert tried > 80


def test_a_caller_without_the_right_is_told_403_and_one_that_is_unknown_401(clients: dict[str, TestClient]) -> None:
    asked = {
        "auditor": (httpx.codes.FORBIDDEN, "lacks the right operate"),
        "web": (httpx.codes.UNAUTHORIZED, "knows"),
    }
    for caller, (code, reason) in asked.items():
        answer = clients["kiosk"].post("/v1/drill", headers={"Authorization": f"Bearer {token_of(caller, 'kiosk')}"})
        assert answer.status_code == code
        assert reason in answer.json()["detail"]


def test_who_repairs_a_channel_cannot_make_it_follow_another_ledger(clients: dict[str, TestClient]) -> None:
    said = {"auditor": httpx.codes.FORBIDDEN, "operator": httpx.codes.OK}
    for caller, code in said.items():
        headers = {"Authorization": f"Bearer {token_of(caller, 'web')}"}
        assert clients["web"].post("/v1/rebuild?new_epoch=true", headers=headers).status_code == code


def test_a_token_for_one_service_opens_no_other(clients: dict[str, TestClient]) -> None:
    for service, client in clients.items():
        if service == CONSOLE:
            continue  # it is called by people: tests/unit/console
        method, path, _ = next(guarded(service))
        for other in set(SERVICES) - {service}:
            assert status(client, method, path, token_of("operator", other)) == httpx.codes.UNAUTHORIZED


def test_editors_write_at_the_sources_and_nowhere_else(clients: dict[str, TestClient]) -> None:
    for service, client in clients.items():
        for method, path, _ in guarded(service):
            let_in = status(client, method, path, EDITORS) not in REFUSED
            assert let_in == manifests.manifests()[service].editors, (service, method, path)


def test_the_hash_of_the_admin_token_is_no_token(clients: dict[str, TestClient]) -> None:
    assert status(clients["catalog"], "GET", "/v1/items", token_hash(EDITORS)) == httpx.codes.UNAUTHORIZED


def test_a_wrong_token_is_never_taken_for_none(clients: dict[str, TestClient]) -> None:
    """Who has no token sees what is public; who has a wrong one is told so."""
    ledger = clients["ledger"]
    assert ledger.get("/v1/entries").status_code == httpx.codes.OK
    for token in ("wrong", token_of("web", "catalog"), token_of("stranger", "ledger"), token_of("catalog", "ledger")):
        assert status(ledger, "GET", "/v1/entries", token) in REFUSED


def test_an_operators_token_lasts_an_hour_at_most_and_a_processs_five_minutes(clients: dict[str, TestClient]) -> None:
    path = "/v1/signer"
    assert status(clients["ledger"], "GET", path, token_of("operator", "ledger", lifetime=3600)) == httpx.codes.OK
    assert status(clients["ledger"], "GET", path, token_of("operator", "ledger", lifetime=3601)) in REFUSED
    assert status(clients["ledger"], "GET", path, token_of("catalog", "ledger", lifetime=301)) in REFUSED


def test_without_the_callers_key_nobody_comes_in(clients: dict[str, TestClient]) -> None:
    app: Any = clients["ledger"].app
    known = app.state.callers
    app.state.callers = replace(known, keys={})
    try:
        assert (
            status(clients["ledger"], "GET", "/v1/signer", token_of("operator", "ledger")) == httpx.codes.UNAUTHORIZED
        )
    finally:
        app.state.callers = known


@pytest.mark.parametrize("process", [one for one in manifests.processes() if one.signs], ids=lambda one: one.name)
def test_a_process_signs_with_its_own_key_and_without_one_says_so_at_its_start(process: Process) -> None:
    with_key, without = (
        Wiring(Settings(caller_key=key), process.name) for key in (SecretStr(key_of(process.name)), None)
    )
    for call in process.calls:
        if call.rights:
            token = with_key.token_for(call.callee)
            assert isinstance(token, Minter)
            assert (token.caller, token.callee) == (process.name, call.callee)
            with pytest.raises(SettingsError, match=f"TONGYUAN_CALLER_KEY: must be set; {process.name}"):
                without.token_for(call.callee)
