"""Keys and settings of the deployment files are those that the manifests name: compose, its TLS overlay, systemd."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from services.deployment import systemd
from services.runtime import manifests
from shared.manifest.model import Process
from tests.harness.compose import FILE, TLS_FILE, load, raw
from tests.harness.compose_county import secrets

PROCESSES = list(manifests.processes())
FOR_PYTHON = {"PYTHONUNBUFFERED", "FORWARDED_ALLOW_IPS"}
MOUNTED = {
    "catalog-key": {"catalog", "catalog-worker"},
    "guides-key": {"guides", "guides-worker"},
    "applications-key": {"applications", "applications-worker"},
    "personal-keys": {"applications", "applications-worker"},
    "ledger-key": {"ledger-worker"},
    "console-key": {"console"},
    "subscriptions-key": {"subscriptions"},
}
"""Volume of private keys → the processes that hold them."""


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return secrets()


@pytest.fixture(scope="module", params=["compose", "compose with TLS", "systemd"])
def given(request: pytest.FixtureRequest, made: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    """Environment by process."""
    if request.param == "systemd":
        folder = tmp_path_factory.mktemp("environments")
        systemd.write(made, folder)
        return {one.name: systemd.read(folder / f"{one.name}.env") for one in PROCESSES}
    digests = {f"{name}_DIGEST": "x" for name in ("PYTHON", "POSTGRES", "RABBITMQ", "NGINX")}
    files = (FILE, TLS_FILE) if "TLS" in request.param else (FILE,)
    services = load({**made, **digests}, *files)["services"]
    return {one.name: services[one.name]["environment"] for one in PROCESSES}


def settings(environment: Iterable[str]) -> set[str]:
    return {name.removeprefix("TONGYUAN_").lower() for name in environment if name not in FOR_PYTHON}


def unnamed(process: Process, environment: Iterable[str]) -> set[str]:
    """Return the settings that a process is given although its manifest does not name them, or it may not hold them."""
    found = settings(environment)
    secret = manifests.secrets() | {"admin_token_hash"}
    return (found - process.reads) | (found & secret - manifests.may_hold(process.name))


def test_a_process_gets_no_setting_and_no_secret_that_its_manifest_does_not_name(given: Mapping) -> None:
    assert {one.name: unnamed(one, given[one.name]) for one in PROCESSES if unnamed(one, given[one.name])} == {}


@pytest.mark.parametrize("setting", ["admin_token_hash", "operator_key", "source_key_file", "kiosk_database_url"])
def test_a_secret_or_setting_too_many_is_found(given: Mapping, setting: str) -> None:
    for one in (manifests.process("web"), manifests.process("web-worker")):
        assert unnamed(one, {**given[one.name], f"TONGYUAN_{setting.upper()}": "x"}) == {setting}


def test_a_process_gets_every_key_that_its_manifest_gives_it_and_no_other(given: Mapping) -> None:
    of_keys = {key.setting for one in PROCESSES for key in one.held_keys}
    for one in PROCESSES:
        keys = {key.setting for key in one.held_keys if key.volume or key.setting == "caller_key"}
        # The folder of uploaded files is named by the setting that names the folder of the ledger's key elsewhere.
        keys |= {setting for folder in one.folders for setting in folder.settings} & of_keys
        found = settings(given[one.name]) & of_keys
        assert found == keys, one.name


def test_the_volume_of_a_key_is_mounted_by_those_who_hold_it() -> None:
    mounted = {
        name: {volume.partition(":")[0] for volume in service.get("volumes", [])} & MOUNTED.keys()
        for name, service in raw()["services"].items()
    }
    # The job that makes the keys of personal data has them, too, and nobody else.
    expected = {
        **{
            one.name: {volume.name for volume in one.volumes} - {folder.name for folder in one.folders}
            for one in PROCESSES
        },
        "migrate": {"personal-keys"},
    }

    assert {name: volumes for name, volumes in mounted.items() if volumes != expected.get(name, set())} == {}
    assert {volume: {one.name for one in PROCESSES if volume in mounted[one.name]} for volume in MOUNTED} == MOUNTED


def test_environments_are_not_written_for_a_key_without_its_value(made: dict[str, str], tmp_path: Path) -> None:
    lacking = {name: value for name, value in made.items() if name != "CALLER_KEY_LEDGER_WORKER"}

    with pytest.raises(Exception, match="CALLER_KEY_LEDGER_WORKER: is missing"):
        systemd.write(lacking, tmp_path)
