"""docker-compose.yml and the Dockerfile as written: what runs, with which limits and secrets."""

import os
import re
import subprocess
from importlib.metadata import distribution
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from services.runtime import manifests
from services.runtime.process import HTTP_PROCESSES, PROCESSES
from services.runtime.settings import CountySettings
from tests.harness.compose import REPOSITORY, MissingVariableError, interpolate, load, processes, raw

SERVICES: dict[str, Any] = raw()["services"]
TEXT = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
ACCOUNTS = [account.name for account in manifests.accounts()]
DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text(encoding="utf-8")
PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+(\.\d+)?(-[a-z0-9.]+)*@\$\{[A-Z]+_DIGEST(:\?deploy/digests\.sh)?\}$")
OURS = [name for name, service in SERVICES.items() if "build" in service]
LASTING = {*PROCESSES, "postgres", "rabbitmq", "gateway"}
REQUIRED = re.compile(r"\$\{([A-Z_]+):\?")
DIGESTS = {name for name in REQUIRED.findall(TEXT) if name.endswith("_DIGEST")}
BUILD = {
    "context": ".",
    "dockerfile": "deploy/Dockerfile",
    "args": {"PYTHON_DIGEST": "${PYTHON_DIGEST:?deploy/digests.sh}"},
}


def settled() -> dict[str, Any]:
    """Return the file with a value for every variable that it requires."""
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


def test_every_image_is_pinned_to_a_version_and_a_digest_that_must_be_named() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert len(images) == 4
    assert len(bases) == 2
    assert [image for image in [*images, *bases] if not PINNED.match(image)] == []
    assert {service["image"] for name, service in SERVICES.items() if name in OURS} == {
        "tongyuan:${TONGYUAN_VERSION:-0.1.0}"
    }
    # A default would be a digest that nobody has reviewed.
    assert re.findall(r"^ARG (.*)", DOCKERFILE, flags=re.MULTILINE) == ["PYTHON_DIGEST"]
    for service in SERVICES.values():
        assert service.get("build", BUILD) == BUILD


@pytest.mark.parametrize("name", ["POSTGRES_DIGEST", "RABBITMQ_DIGEST", "NGINX_DIGEST", "PYTHON_DIGEST"])
def test_without_a_digest_nothing_starts_and_the_reason_says_how_to_get_it(name: str) -> None:
    values = dict.fromkeys(REQUIRED.findall(TEXT), "x")
    del values[name]
    with pytest.raises(MissingVariableError, match=r"deploy/digests\.sh"):
        load(values)


DOCKER = """#!/bin/sh
case "$1 $2 $3" in
    "buildx imagetools inspect") ;;
    *) exit 9 ;;
esac
case $4 in
    python:*) digest=a ;; postgres:*) digest=b ;; rabbitmq:*) digest=c ;; nginxinc/*) digest=d ;; *) exit 8 ;;
esac
[ "$digest" != "$WITHOUT" ] || { echo "no such image" >&2; exit 1; }
[ "$digest" != "$STRANGE" ] || { echo "<no value>"; exit 0; }
printf 'sha256:'; printf "$digest%.0s" $(seq 64)
"""
"""Everything that the script asks of Docker."""


def digests(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    docker = folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    place = {"PATH": f"{folder}:{os.environ['PATH']}", "WITHOUT": "", "STRANGE": "", **env}
    script = [str(REPOSITORY / "deploy" / "digests.sh")]
    return subprocess.run(script, env=place, capture_output=True, text=True, check=False)


def test_the_digests_script_asks_for_every_image_that_the_files_name(tmp_path: Path) -> None:
    done = digests(tmp_path)
    made = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert made == {
        "PYTHON_DIGEST": f"sha256:{'a' * 64}",
        "POSTGRES_DIGEST": f"sha256:{'b' * 64}",
        "RABBITMQ_DIGEST": f"sha256:{'c' * 64}",
        "NGINX_DIGEST": f"sha256:{'d' * 64}",
    }
    assert set(made) == DIGESTS


@pytest.mark.parametrize("env", [{"WITHOUT": "c"}, {"STRANGE": "b"}])
def test_the_digests_script_ends_with_an_error_when_one_is_not_there(tmp_path: Path, env: dict[str, str]) -> None:
    done = digests(tmp_path, **env)
    assert done.returncode != 0
    assert done.stderr


def test_no_secret_has_a_default() -> None:
    variables = set(re.findall(r"\$\{(\w+)", TEXT))
    secret = {name for name in variables if re.search(r"PASSWORD|TOKEN|CALLER_KEY", name)}
    assert len(secret) > 35
    assert secret - set(REQUIRED.findall(TEXT)) == set()
    assert not re.search(r"guest|changeme|:admin@|postgres:postgres", TEXT)


def test_every_value_that_looks_secret_comes_from_a_variable() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|CALLER_KEY|OPERATOR_KEY", key) or "@" in value:
                assert re.search(r"\$\{[A-Z_]*(PASSWORD|TOKEN|CALLER_KEY)[A-Z_]*:\?", value), f"{name}: {key}"


def test_the_secrets_script_makes_all_that_the_file_asks_for_and_each_once() -> None:
    script = str(REPOSITORY / "deploy" / "secrets.sh")
    lines = subprocess.run([script, "339921000000", "云溪县"], capture_output=True, text=True, check=True).stdout
    made = dict(line.split("=", 1) for line in lines.splitlines())
    given_away = {"TONGYUAN_ADMIN_TOKEN", *(f"CALLER_KEY_{one.name.upper()}" for one in manifests.outsiders())}
    assert set(made) == set(REQUIRED.findall(TEXT)) - DIGESTS | given_away
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
        assert set(re.findall(r"CALLER_KEY_(\w+)", text)) <= {name.upper().replace("-", "_")}, name


def test_every_setting_in_the_file_is_one() -> None:
    known = {f"TONGYUAN_{field.upper()}" for field in CountySettings.model_fields}
    for name in OURS:
        named = {key for key in SERVICES[name].get("environment", {}) if key.startswith("TONGYUAN_")}
        assert named <= known, name


def test_the_broker_gets_a_password_for_every_account() -> None:
    named = SERVICES["definitions"]["environment"]
    assert set(named) == {f"RABBITMQ_PASSWORD_{account.upper()}" for account in ACCOUNTS}


def test_the_image_holds_what_the_project_needs_and_no_tool_of_its_tests() -> None:
    printed = (REPOSITORY / "runtime.lock").read_text(encoding="utf-8")
    kept = {canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", printed, flags=re.MULTILINE)}
    assert needed("tongyuan", set()) - {"tongyuan"} == kept
    assert not kept & {"pytest", "mypy", "ruff", "hypothesis", "pip-tools"}
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", printed))


def needed(name: str, extras: set[str], seen: set[tuple[str, str]] | None = None) -> set[str]:
    """Return `name` and everything that its metadata requires here, including named extras."""
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
