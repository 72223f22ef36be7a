"""A new channel is a folder: added to a copy of the program, it has a queue, accounts, processes, tables and pages."""

import filecmp
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.harness.county import REPOSITORY, County, running, wait_for
from tests.harness.fifth_channel import NAME, EmbeddedHotline, program_with_hotline, run, run_each
from tests.harness.pipeline import code_of, guide, item, shown

pytestmark = pytest.mark.xdist_group("fifth-channel-program")

GENERATED = {
    "contracts/EVENTS.md",
    "contracts/asyncapi.json",
    "contracts/openapi/hotline.json",
    "deploy/certificates.py",
    "deploy/gateway/nginx.conf",
    "deploy/gateway/plain.conf",
    "deploy/gateway/tls.conf",
    "deploy/helm/tongyuan/templates/_processes.tpl",
    "deploy/helm/tongyuan/values.schema.json",
    "deploy/helm/tongyuan/values.yaml",
    "deploy/monitoring/targets/compose.yml",
    "deploy/monitoring/targets/systemd.yml",
    "deploy/postgres/roles.sql",
    "docker-compose.tls.yml",
    "docker-compose.yml",
    "docs/operating/settings.md",
}
SUITE = "tests/contract/test_channel_conformance.py"
GENERATORS = (
    "services.deployment",
    "services.deployment.asyncapi",
    "services.deployment.gateway",
    "services.deployment.settings_table",
    "services.runtime.openapi",
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program_with_hotline(tmp_path_factory.mktemp("program"))


@pytest.fixture(scope="module")
def written(program: Path) -> Path:
    """The program with everything that is generated from its manifests written again."""
    run_each(program, GENERATORS)
    return program


@pytest.fixture(scope="module")
def county(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    with running(EmbeddedHotline(tmp_path_factory.mktemp("county"), program)) as made:
        yield made


def test_the_generators_write_what_names_the_channel_and_no_other_file_differs(written: Path) -> None:
    files = [path.relative_to(written) for path in written.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    others = [path for path in files if Path("services", "channels", NAME) not in path.parents]
    changed = {
        str(path)
        for path in others
        if not (REPOSITORY / path).exists() or not filecmp.cmp(REPOSITORY / path, written / path, shallow=False)
    }

    assert changed == GENERATED
    assert [path for path in changed if NAME not in (written / path).read_text(encoding="utf-8")] == []
    assert run_each(written, GENERATORS[:3], "--check") == ""


def test_the_processes_of_the_channel_are_in_both_compose_files_with_accounts_of_their_own(written: Path) -> None:
    plain = yaml.safe_load((written / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    tls = yaml.safe_load((written / "docker-compose.tls.yml").read_text(encoding="utf-8"))["services"]

    assert plain[NAME]["command"] == ["run", NAME]
    assert {NAME, f"{NAME}-worker"} <= tls.keys()
    assert "${POSTGRES_PASSWORD_HOTLINE:?}" in plain[NAME]["environment"]["TONGYUAN_HOTLINE_DATABASE_URL"]
    assert "//hotline:${RABBITMQ_PASSWORD_HOTLINE:?}" in plain[f"{NAME}-worker"]["environment"]["TONGYUAN_AMQP_URL"]
    assert "hotline-worker+${CALLER_PUBLIC_HOTLINE_WORKER:?}" in plain["ledger"]["environment"]["TONGYUAN_CALLERS"]
    assert "TONGYUAN_HOTLINE_URL" in plain["auditor"]["environment"]
    assert "('hotline', :'hotline')" in (written / "deploy" / "postgres" / "roles.sql").read_text(encoding="utf-8")


def test_its_queue_is_in_the_asyncapi_document_with_what_every_channel_receives(written: Path) -> None:
    document = json.loads((written / "contracts" / "asyncapi.json").read_text(encoding="utf-8"))
    own, other = (document["channels"][f"{name}.publications"] for name in (NAME, "portal"))

    assert own["x-binding"] == {"exchange": "tongyuan.publications", "routingKeys": ["#"]}
    assert own["messages"] == other["messages"]
    assert "hotline.receive.hotline.publications" in document["operations"]
    assert "dead.hotline.publications" in document["channels"]


def test_its_account_may_read_its_own_queue_and_nothing_else(written: Path, tmp_path: Path) -> None:
    services = yaml.safe_load((written / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    names = [name.removeprefix("RABBITMQ_PASSWORD_").lower() for name in services["definitions"]["environment"]]
    file = tmp_path / "passwords.json"
    file.write_text(json.dumps(dict.fromkeys(names, "a password")))

    made = json.loads(run(written, "services", "topology", "definitions", str(file)))
    rights = {one["user"]: one for one in made["permissions"]}[NAME]

    assert (rights["configure"], rights["write"], rights["read"]) == ("^$", "^$", r"^(hotline\.publications)$")


def test_a_release_is_shown_on_it_and_everywhere_else(county: County) -> None:
    for service, kind, one in (("catalog", "items", item(1)), ("guides", "guides", guide(1))):
        path = f"/{service}/v1/{kind}/{one.code}"
        assert county.http(service).put(path, json=one.model_dump(mode="json", exclude_none=True)).is_success
        assert county.http(service).post(f"{path}/release").is_success
    http = county.http(NAME)
    for kind in ("items", "guides"):
        wait_for(lambda kind=kind: http.get(f"/{NAME}/v1/{kind}/{code_of(1)}").is_success, f"its {kind} are shown")
    county.verified()

    assert "居民身份证办理" in http.get(f"/{NAME}/items/{code_of(1)}").text
    wait_for(lambda: shown(http.get(f"/{NAME}/v1/search", params={"q": "身份证"})) == [code_of(1)], "it is found")
    assert f'href="/{NAME}/"' in http.get("/").text
    assert NAME in county.cli("status").stdout


def test_the_conformance_suite_of_channels_takes_it_as_a_parameter(
    program: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = Path(shutil.copytree(program, tmp_path_factory.mktemp("suite") / "program"))
    for name in ("tests/conftest.py", "tests/harness", "tests/contract/conftest.py", SUITE, "pyproject.toml"):
        source, target = REPOSITORY / name, place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)

    told = run(place, "pytest", "-q", "-p", "no:cacheprovider", "-k", NAME, SUITE)

    assert int(re.search(r"(\d+) passed", told)[1]) >= 30
    assert "failed" not in told


def test_it_has_tables_of_its_own_beside_those_of_every_channel(county: County) -> None:
    http = county.http(NAME)

    assert [http.post(f"/{NAME}/v1/calls/{code_of(1)}").json()["calls"] for _ in range(2)] == [1, 2]
