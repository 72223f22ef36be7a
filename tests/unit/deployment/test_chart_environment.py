"""What each pod of the chart is given: as Compose gives it, secrets by reference, and nothing that it may not hold."""

import json
import os
import re
import subprocess

import pytest

from services.runtime import manifests
from services.runtime.settings import CountySettings
from tests.harness.chart import CHART, Manifests, environment
from tests.harness.compose import FILE, REPOSITORY, TLS_FILE, load
from tests.harness.compose_county import secrets

pytestmark = pytest.mark.xdist_group("chart")

PROCESSES = {one.name: one for one in manifests.processes()}
FOR_PYTHON = {"PYTHONUNBUFFERED", "FORWARDED_ALLOW_IPS"}
COUNTY = {
    "TONGYUAN_COUNTY": "云溪县",
    "TONGYUAN_PUBLIC_URL": "https://yunxi.example",
    "POSTGRES_HOST": "db.yunxi.example",
    "RABBITMQ_HOST": "mq.yunxi.example",
    "TRUSTED_PROXY": "10.244.0.0/16",
    "NGINX_DIGEST": "x",
}
"""`.env` of the county whose values the tests render."""

SECRET = re.compile(r"PASSWORD|TOKEN|CALLER_KEY|OPERATOR_KEY|SECRET$")
KUBECTL = """#!/bin/sh
[ "$3 $4" = "create secret" ] || exit 0
cat >"$6"
"""
"""Keeps what it is given for each Secret, in a file of its name."""

OPERATORS = {"CALLER_KEY_OPERATOR", "RABBITMQ_PASSWORD_TOPOLOGY"}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return secrets()


@pytest.fixture(params=["release", "tls"])
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_pod_gets_what_compose_gives_it(runs, made, shape):
    files = (FILE, TLS_FILE) if shape == "tls" else (FILE,)
    compose = load({**made, **COUNTY}, *files)["services"]
    for name, container in runs[shape].containers().items():
        if name == "gateway":
            continue
        expected = {key: value for key, value in compose[name]["environment"].items() if value}
        found = {
            key: value
            for key, value in environment(container, made).items()
            if key.startswith("TONGYUAN_") or key in FOR_PYTHON
        }
        # Compose gives these where they are the default as well, and the TLS file all addresses to the topology job.
        del expected["TONGYUAN_LOG_LEVEL"]
        if name in ("migrate", "topology"):
            expected = {key: value for key, value in expected.items() if not re.fullmatch(r"TONGYUAN_\w+_URL", key)} | {
                key: value for key, value in expected.items() if key.endswith("_DATABASE_URL") or "AMQP" in key
            }
        assert found == expected, name


def test_the_command_line_gets_what_compose_gives_it(runs, made):
    compose = load({**made, **COUNTY})["services"]["cli"]["environment"]
    (container,) = [job["spec"]["template"]["spec"]["containers"][0] for job in runs["cli"].all]
    found = {key: value for key, value in environment(container, made).items() if key in compose}
    assert compose.items() - found.items() == {("TONGYUAN_LOG_LEVEL", "info")}


def test_every_setting_is_one_that_its_process_reads_and_may_hold(runs, made):
    known = set(CountySettings.model_fields)
    secret = manifests.secrets() | {"admin_token_hash"}
    for run in ("release", "tls", "wide"):
        for name, container in runs[run].containers().items():
            given = {
                key.removeprefix("TONGYUAN_").lower()
                for key in environment(container, made)
                if key.startswith("TONGYUAN_")
            }
            assert given <= known, name
            if name in PROCESSES:
                assert given <= PROCESSES[name].reads, name
                assert given & secret <= manifests.may_hold(name), name


def test_no_secret_is_among_the_settings_that_a_countys_values_may_state():
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    allowed = {name.removeprefix("TONGYUAN_").lower() for name in schema["properties"]["settings"]["properties"]}
    shapes = CountySettings.model_json_schema()["properties"]
    assert allowed
    assert allowed & (manifests.secrets() | {"admin_token_hash", "service_token"}) == set()
    assert {name for name in allowed if "password" in str(shapes[name]) or name.endswith(("_url", "_file"))} == {
        "public_url"
    }


def test_a_setting_of_the_county_reaches_those_who_read_it_and_nobody_else(runs, made):
    wide = {name: environment(one, made) for name, one in runs["wide"].containers().items()}
    assert {name for name, one in wide.items() if "TONGYUAN_LOG_LEVEL" in one} == set(PROCESSES)
    reading = {name for name, one in PROCESSES.items() if "canary_interval" in one.reads}
    assert reading
    assert {name: one.get("TONGYUAN_CANARY_INTERVAL") for name, one in wide.items() if name in reading} == (
        dict.fromkeys(reading, "30")
    )
    # Without it, the default of the manifest.
    usual = environment(runs["release"].containers()["applications"], made)
    assert usual["TONGYUAN_CANARY_INTERVAL"] == "60"


def test_secrets_are_given_by_reference_and_only_to_their_process(runs):
    for run in runs.values():
        assert run.of("Secret") == {}
        for name, pod in run.pods().items():
            for one in [entry for container in pod["containers"] for entry in container.get("env", [])]:
                if "valueFrom" in one:
                    key = one["valueFrom"]["secretKeyRef"]["key"]
                    assert _may_have(name, key), f"{name}: {key}"
                elif SECRET.search(one["name"]):
                    pytest.fail(f"{name}: {one['name']} is a value")
                elif "@" in one["value"]:
                    assert re.search(r"://\w+:\$\([A-Z_]*PASSWORD_[A-Z]+\)@", one["value"]), f"{name}: {one['name']}"


def _may_have(name: str, key: str) -> bool:
    """Whether a pod may be given this key of the Secrets."""
    service, process = name.removesuffix("-worker").upper(), name.upper().replace("-", "_")
    own = {f"POSTGRES_PASSWORD_{service}", f"RABBITMQ_PASSWORD_{service}", f"CALLER_KEY_{process}"}
    if name == "migrate":
        return key.startswith("POSTGRES_PASSWORD_") and key != "POSTGRES_PASSWORD_ADMIN"
    if name in ("topology", ""):
        return key in OPERATORS
    return key in own or key.startswith("CALLER_PUBLIC_") or key == "TONGYUAN_ADMIN_TOKEN_HASH"


def test_what_grants_everything_is_in_a_secret_of_its_own(runs):
    for run in runs.values():
        for pod in run.pods().values():
            for one in [entry for container in pod["containers"] for entry in container.get("env", [])]:
                if "valueFrom" in one:
                    reference = one["valueFrom"]["secretKeyRef"]
                    operators = reference["key"] in OPERATORS
                    assert reference["name"] == ("tongyuan-operator" if operators else "tongyuan")


def test_the_page_makes_secrets_with_every_key_that_pods_name_and_no_other(runs, made, tmp_path):
    named: dict[str, set[str]] = {}
    for pod in [*runs["release"].pods().values(), *runs["cli"].pods().values()]:
        for one in [entry for container in pod["containers"] for entry in container.get("env", [])]:
            if "valueFrom" in one:
                reference = one["valueFrom"]["secretKeyRef"]
                named.setdefault(reference["name"], set()).add(reference["key"])
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in made.items()), encoding="utf-8")
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    page = (REPOSITORY / "docs" / "operating" / "kubernetes.md").read_text(encoding="utf-8")
    (block,) = [one for one in re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL) if "env-file" in one]
    place = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-e", "-c", block], cwd=tmp_path, env=place, check=True)
    stored = {file.name: file.read_text() for file in tmp_path.glob("tongyuan*")}
    keys = {name: {line.partition("=")[0] for line in text.splitlines()} for name, text in stored.items()}
    assert keys == named


def test_no_value_that_looks_like_a_secret_stands_in_what_is_rendered_or_in_the_chart(rendered):
    digest = re.compile(r"sha256[:-]\S+|tongyuan/configuration: \w{64}")
    for name, run in rendered["runs"].items():
        assert re.findall(r"\b[0-9a-f]{32,}\b", digest.sub("", run["text"])) == [], name
        assert "PRIVATE KEY" not in run["text"], name


def test_certificates_are_given_to_their_process_alone(runs):
    for name, pod in runs["tls"].pods().items():
        given = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        assert given == {f"tongyuan-tls-{name}"}, name
        if name != "gateway":
            (copies,) = pod["initContainers"]
            assert copies["command"][:5] == ["install", "-m", "0600", "-t", f"/tls/{name}"]
    assert not [name for name, pod in runs["release"].pods().items() if "initContainers" in pod]


def test_a_variable_that_stands_twice_is_found():
    twice = {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}
    with pytest.raises(AssertionError, match="twice"):
        environment(twice, {})


def test_word_lists_and_owners_of_volumes_are_the_countys_choice(runs: dict[str, Manifests]):
    words = [one for one in runs["wide"].pods()["catalog"]["volumes"] if one["name"] == "word-lists"]
    assert words == [{"name": "word-lists", "configMap": {"name": "words"}}]
    assert {pod["securityContext"].get("fsGroup") for pod in runs["wide"].pods().values()} == {None, 101}
    usual = [pod["securityContext"] for name, pod in runs["release"].pods().items() if name != "gateway"]
    assert {(one["fsGroup"], one["fsGroupChangePolicy"]) for one in usual} == {(10001, "OnRootMismatch")}
