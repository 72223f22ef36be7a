"""docker-compose.tls.yml over the other file: nothing is left in plain, and each process sees its own key only."""

import re
from typing import Any

import pytest

from services.runtime.process import PROCESSES
from services.runtime.settings import CountySettings
from tests.harness.compose import FILE, REPOSITORY, TLS_FILE, load, merge, raw

REQUIRED = re.compile(r"\$\{([A-Z_]+):\?")
OWN = [*PROCESSES, "topology", "cli", "migrate"]


@pytest.fixture(scope="module")
def merged() -> dict[str, Any]:
    values = dict.fromkeys(REQUIRED.findall(FILE.read_text(encoding="utf-8")), "x")
    services: dict[str, Any] = load(values, FILE, TLS_FILE)["services"]
    return services


def test_the_second_file_adds_no_service_and_forgets_no_process(merged: dict[str, Any]) -> None:
    assert set(merged) == set(raw()["services"])
    assert set(OWN) <= set(raw(TLS_FILE)["services"])


def test_no_address_of_ours_is_plain(merged: dict[str, Any]) -> None:
    for name in OWN:
        for key, value in merged[name]["environment"].items():
            assert not re.match(r"(http|amqp)://", value), f"{name}: {key}"
            assert key != "TONGYUAN_AMQP_URL" or "@" not in value, f"{name} still has a password for the broker"


def test_every_process_sees_its_own_folder_and_no_other(merged: dict[str, Any]) -> None:
    for name, service in merged.items():
        mounted = [volume for volume in service.get("volumes", []) if volume.startswith("./tls/")]
        expected = [f"./tls/{name}:/tls/{name}:ro"] if name in raw(TLS_FILE)["services"] else []
        assert mounted == expected, name
    for name in OWN:
        assert merged[name]["environment"]["TONGYUAN_TLS_FOLDER"] == f"/tls/{name}"
        assert "TONGYUAN_TLS_LISTEN" not in merged[name]["environment"]


def test_every_setting_in_the_file_is_one() -> None:
    known = {f"TONGYUAN_{field.upper()}" for field in CountySettings.model_fields}
    for name in OWN:
        assert {key for key in raw(TLS_FILE)["services"][name]["environment"] if key[:3] == "TON"} <= known


def test_the_database_keeps_what_the_first_file_says_of_it(merged: dict[str, Any]) -> None:
    plain = raw()["services"]["postgres"]["command"]
    said = {option for option in plain if "=" in option}
    assert {f"-c{option}" for option in said} <= set(merged["postgres"]["command"])
    assert merged["postgres"]["user"] == "999:999"


def test_whatever_is_mounted_from_the_repository_exists(merged: dict[str, Any]) -> None:
    for service in merged.values():
        for volume in service.get("volumes", []):
            if volume.startswith("./deploy"):
                assert (REPOSITORY / volume.split(":")[0]).exists(), volume


def test_files_are_put_on_each_other_as_compose_does() -> None:
    below = {"a": {"x": "1", "y": "2"}, "volumes": ["one"], "command": ["run"], "kept": "as it is"}
    above = {"a": {"y": "3"}, "volumes": ["two"], "command": ["walk"]}
    assert merge(below, above) == {
        "a": {"x": "1", "y": "3"}, "volumes": ["one", "two"], "command": ["walk"], "kept": "as it is",
    }  # fmt: skip
