"""docker-compose.yml and the Dockerfile, as they are written: what runs, under which limits, and with whose secrets."""

import re
import subprocess
import sys
from importlib.metadata import distribution
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from services.process import HTTP_PROCESSES, PROCESSES
from shared.config import Settings
from shared.topology import ACCOUNTS
from tests.harness.compose import REPOSITORY, MissingVariableError, interpolate, load, processes, raw

SERVICES: dict[str, Any] = raw()["services"]
TEXT = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text(encoding="utf-8")
PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+(\.\d+)?(-[a-z0-9.]+)*$")
OURS = [name for name, service in SERVICES.items() if "build" in service]
LASTING = {*PROCESSES, "postgres", "rabbitmq", "gateway"}
REQUIRED = re.compile(r"\$\{([A-Z_]+):\?")


def settled() -> dict[str, Any]:
    """The file with a value for everything that it asks for."""
    return load(dict.fromkeys(REQUIRED.findall(TEXT), "x"))["services"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$A and ${A}", "a and a"),
        ("${A:-b}", "a"),
        ("${EMPTY:-b}${EMPTY-b}${NONE-b}", "bb"),
        ("${NONE:-${OTHER:-deep}}", "deep"),
        ("${NONE:-a:b-c?d}", "a:b-c?d"),
        ("${A:?needed}${EMPTY?set is enough}", "a"),
        ("$$A costs 5$", "$A costs 5$"),
        ("x${NONE}y", "xy"),
    ],
)
def test_variables_are_put_in_as_compose_does(text: str, expected: str) -> None:
    assert interpolate(text, {"A": "a", "EMPTY": ""}) == expected


@pytest.mark.parametrize("text", ["${NONE:?say it}", "${EMPTY:?say it}", "${NONE?say it}"])
def test_a_variable_that_must_be_set_stops_everything_with_its_reason(text: str) -> None:
    with pytest.raises(MissingVariableError, match="say it"):
        interpolate(text, {"EMPTY": ""})


@pytest.mark.parametrize("text", ["${A", "${}", "${A:+b}", "${A/b/c}"])
def test_what_is_no_variable_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"brace|name|operator"):
        interpolate(text, {"A": "a"})


def test_every_process_is_in_the_file_and_the_other_way_round() -> None:
    assert sorted(processes(raw())) == sorted(PROCESSES)


def test_every_image_is_pinned_to_a_version() -> None:
    images = [service["image"] for service in settled().values()]
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert [image for image in [*images, *bases] if not PINNED.match(image)] == []


def test_no_secret_has_a_default() -> None:
    variables = set(re.findall(r"\$\{(\w+)", TEXT))
    secret = {name for name in variables if "PASSWORD" in name or "TOKEN" in name}
    assert len(secret) > 20
    assert secret - set(REQUIRED.findall(TEXT)) == set()
    assert not re.search(r"guest|changeme|:admin@|postgres:postgres", TEXT)


def test_every_value_that_looks_secret_comes_from_a_variable() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN", key) or "@" in value:
                assert re.search(r"\$\{[A-Z_]*(PASSWORD|TOKEN)[A-Z_]*:\?", value), f"{name}: {key}"


def test_the_secrets_script_makes_all_that_the_file_asks_for_and_each_once() -> None:
    script = str(REPOSITORY / "deploy" / "secrets.sh")
    lines = subprocess.run([script, "339921000000", "云溪县"], capture_output=True, text=True, check=True).stdout
    made = dict(line.split("=", 1) for line in lines.splitlines())
    assert set(made) == set(REQUIRED.findall(TEXT))
    assert len(set(made.values())) == len(made)
    assert subprocess.run([script, "12", "x"], capture_output=True, check=False).returncode == 2


def test_every_process_is_contained() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"].split(":")[0]) > 0, name
        assert service["mem_limit"], name
        assert "privileged" not in service, name


def test_what_goes_on_for_ever_is_checked_and_restarted_and_what_ends_is_not() -> None:
    for name in LASTING:
        assert SERVICES[name]["restart"] == "unless-stopped", name
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD", name
    for name in set(SERVICES) - LASTING:
        assert SERVICES[name]["restart"] == "no", name


def test_whatever_something_waits_for_exists_and_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            ends = SERVICES[other]["restart"] == "no"
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy")


def test_only_http_is_published_and_only_on_this_machine() -> None:
    for name, service in settled().items():
        for port in service.get("ports", []):
            assert name in {*HTTP_PROCESSES, "gateway"}, name
            assert port.startswith("127.0.0.1:"), port
            assert port.endswith(":8080"), port


def test_the_channels_believe_the_gateway_and_nobody_else_about_addresses() -> None:
    document = load(dict.fromkeys(REQUIRED.findall(TEXT), "x"))
    address = document["services"]["gateway"]["networks"]["front"]["ipv4_address"]
    (front,) = document["networks"]["front"]["ipam"]["config"]
    assert ip_address(address) in ip_network(front["subnet"])
    assert ip_address(address) not in ip_network(front["ip_range"]), "another container could get it"
    for name in HTTP_PROCESSES:
        assert document["services"][name]["environment"]["FORWARDED_ALLOW_IPS"] == address


def test_a_process_gets_its_own_accounts_and_nobody_elses() -> None:
    for name in PROCESSES:
        own = name.removesuffix("-worker")
        text = " ".join(SERVICES[name]["environment"].values())
        assert set(re.findall(r"POSTGRES_PASSWORD_(\w+)", text)) == {own.upper()}, name
        assert set(re.findall(r"RABBITMQ_PASSWORD_(\w+)", text)) <= {own.upper()}, name
        assert "TONGYUAN_ADMIN_TOKEN" not in SERVICES[name]["environment"] or not name.endswith("-worker")


def test_every_setting_in_the_file_is_one() -> None:
    known = {f"TONGYUAN_{field.upper()}" for field in Settings.model_fields}
    for name in OURS:
        named = {key for key in SERVICES[name].get("environment", {}) if key.startswith("TONGYUAN_")}
        assert named <= known, name


def test_the_broker_gets_a_password_for_every_account() -> None:
    named = SERVICES["definitions"]["environment"]
    assert set(named) == {f"RABBITMQ_PASSWORD_{account.upper()}" for account in ACCOUNTS}


def test_the_image_holds_what_the_project_needs_and_no_tool_of_its_tests() -> None:
    command = [sys.executable, "deploy/runtime_lock.py", "pyproject.toml", "requirements.lock"]
    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    kept = {canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", printed, flags=re.MULTILINE)}
    assert needed("tongyuan", set()) - {"tongyuan"} == kept
    assert not kept & {"pytest", "mypy", "ruff", "hypothesis", "pip-tools"}
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", printed))


def needed(name: str, extras: set[str], seen: set[tuple[str, str]] | None = None) -> set[str]:
    """`name` and everything that its own metadata asks for here, the extras named on the way included."""
    seen = set() if seen is None else seen
    found = {canonicalize_name(name)}
    for line in distribution(name).requires or []:
        wanted = Requirement(line)
        asked = {canonicalize_name(wanted.name), *wanted.extras}
        mark = (name, line)
        if mark in seen or not applies(wanted, extras):
            continue
        seen.add(mark)
        found |= needed(wanted.name, asked - {canonicalize_name(wanted.name)}, seen)
    return found


def applies(wanted: Requirement, extras: set[str]) -> bool:
    return wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras or {""})
