"""The manifests and what is generated from them: compose file, secrets, systemd environments, and rights."""

import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from contracts.topology import SOURCES
from services.channels.core.port import adapters
from services.deployment import __main__ as deployment
from services.deployment import compose, files, systemd, values
from services.runtime import manifests
from services.runtime.settings import CountySettings
from shared.config import Settings, SettingsError
from shared.manifest.model import Role
from shared.publishing.reviews.findings.word_lists import WordLists, read_word_lists
from shared.tokens.access import token_hash
from shared.tokens.keys import private_key
from shared.tokens.rights import READING, Right
from tests.harness.callers import public_digits
from tests.harness.compose import FILE, REPOSITORY, interpolate, raw
from tests.harness.compose_county import secrets

SERVICES = raw()["services"]
TEXT = FILE.read_text(encoding="utf-8")
COMMON = {
    "TONGYUAN_REGION",
    "TONGYUAN_COUNTY",
    "TONGYUAN_REVIEW",
    "TONGYUAN_HOST",
    "TONGYUAN_LOG_LEVEL",
    "PYTHONUNBUFFERED",
}
PUBLIC = {"web", "mobile", "kiosk", "portal", "ledger", "subscriptions"}
CHANGING = set(Right) - READING


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return secrets()


def test_the_sources_are_the_owners_of_kinds_and_the_channels_have_an_adapter() -> None:
    roles = {name: manifest.role for name, manifest in manifests.manifests().items()}

    assert [name for name, role in roles.items() if role == Role.SOURCE] == list(SOURCES)
    assert {name for name, role in roles.items() if role == Role.CHANNEL} == set(adapters()) == set(manifests.CHANNELS)
    assert (
        *SOURCES,
        "ledger",
        *manifests.CHANNELS,
        "auditor",
        "console",
        "importing",
        "subscriptions",
    ) == manifests.SERVICES


def test_the_topology_has_the_queues_and_bindings_that_others_rely_on() -> None:
    queues = {queue.name: (queue.exchange, queue.bindings) for queue in manifests.topology().queues}

    for name in ("web", "mobile", "kiosk", "portal"):
        assert queues[f"{name}.publications"] == ("tongyuan.publications", ("#",))
    assert manifests.topology().feedback_channels == ("web",)


def test_nobody_has_the_admin_token_and_only_the_sources_know_it_again() -> None:
    environments = {name: service.get("environment", {}) for name, service in SERVICES.items()}

    assert not [name for name, held in environments.items() if "TONGYUAN_ADMIN_TOKEN" in held]
    assert not [name for name, held in environments.items() if "TONGYUAN_SERVICE_TOKEN" in held]
    knowing = {name for name, held in environments.items() if "TONGYUAN_ADMIN_TOKEN_HASH" in held}
    assert knowing == {name for name, manifest in manifests.manifests().items() if manifest.editors}
    assert [name for name, held in environments.items() if "TONGYUAN_OPERATOR_KEY" in held] == ["cli"]


def test_no_process_that_the_public_reaches_may_change_anything_anywhere() -> None:
    for one in manifests.processes():
        if one.service in PUBLIC:
            changing = {(one.name, call.callee, right) for call in one.calls for right in call.rights & CHANGING}
            # Who has number and code of a case asks mobile for a hook, and only subscriptions calls out.
            assert changing <= {("mobile", "subscriptions", Right.CASE_HOOKS)}, one.name


def test_what_may_be_done_at_a_source_no_other_process_but_the_desk_and_its_imports_may_do() -> None:
    for one in manifests.processes():
        if one.for_people:
            continue
        at_sources = [call for call in one.calls if call.callee in ("catalog", "guides", "applications")]
        assert not [call for call in at_sources if call.rights - {Right.FEED, Right.FILES}], one.name


def test_a_channel_reads_files_of_guides_and_nothing_else_of_a_source() -> None:
    for one in manifests.processes():
        at_sources = {
            call.callee: call.rights for call in one.calls if call.callee in ("catalog", "guides", "applications")
        }
        if one.service in manifests.CHANNELS:
            assert at_sources == ({} if one.is_worker else {"guides": frozenset({Right.FILES})}), one.name


def test_the_desk_and_its_imports_alone_speak_for_people_and_the_public_gateway_does_not_know_them() -> None:
    assert [one.name for one in manifests.processes() if one.for_people] == ["console", "importing"]
    folder = REPOSITORY / "deploy" / "gateway"
    texts = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.conf")}
    # The desk's own gateway is inside only, and nothing of the public one includes it.
    public = [text for name, text in texts.items() if not name.startswith("desk")]
    assert len(public) > 2
    assert [text for text in public if "console" in text or "importing" in text or "desk.conf" in text] == []


def test_the_compose_file_gives_each_process_what_its_manifest_says_and_nothing_else() -> None:
    assert files.stale() == []
    for one in manifests.processes():
        found = SERVICES[one.name]
        trusted = set() if one.is_worker else {"FORWARDED_ALLOW_IPS"}
        assert set(found["environment"]) == COMMON | trusted | set(values.environment(one)), one.name
        assert found["mem_limit"] == one.memory, one.name
        assert set(found["networks"]) == ({"inside"} if one.is_worker else {"inside", "front"}), one.name
        mounted = {interpolate(volume, {}).partition(":")[0] for volume in found.get("volumes", [])}
        assert mounted == {volume.name for volume in one.volumes} <= set(raw()["volumes"]), one.name


def test_a_section_that_was_changed_by_hand_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "docker-compose.yml"
    file.write_text(TEXT.replace('TONGYUAN_CALLER_KEY: "${CALLER_KEY_WEB:', 'TONGYUAN_ADMIN_TOKEN: "${X:', 1))
    monkeypatch.setattr(files, "FILES", {file: compose.sections()})

    assert files.stale() == [file]
    files.write()
    assert file.read_text() == TEXT


def test_the_secrets_script_makes_what_belongs_together(made: dict[str, str]) -> None:
    assert made["TONGYUAN_ADMIN_TOKEN_HASH"] == token_hash(made["TONGYUAN_ADMIN_TOKEN"])
    keys = {name: value for name, value in made.items() if name.startswith("CALLER_KEY_")}
    for name, value in keys.items():
        assert made[name.replace("_KEY_", "_PUBLIC_")] == public_digits(private_key(value, name)), name


def test_the_secrets_script_adds_what_an_older_file_lacks_and_changes_nothing_else(
    made: dict[str, str], tmp_path: Path
) -> None:
    old = {name: value for name, value in made.items() if not name.startswith(("CALLER_", "TONGYUAN_ADMIN_TOKEN_"))}
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in old.items()))
    command = [str(REPOSITORY / "deploy" / "secrets.sh"), "--missing", str(file)]

    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    file.write_text(file.read_text() + printed)

    added = dict(line.split("=", 1) for line in printed.splitlines())
    assert set(added) == set(made) - set(old)
    assert added["TONGYUAN_ADMIN_TOKEN_HASH"] == made["TONGYUAN_ADMIN_TOKEN_HASH"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def test_systemd_gets_a_file_a_process_that_only_root_reads_with_what_the_manifest_says(
    made: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "tongyuan"
    systemd.write(made, folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    for one in manifests.processes():
        file = folder / f"{one.name}.env"
        assert file.stat().st_mode & 0o777 == 0o600
        held = systemd.read(file)
        stated = set(held) - {"TONGYUAN_REGION", "TONGYUAN_COUNTY", "FORWARDED_ALLOW_IPS"}
        assert stated == set(values.environment(one)), one.name
        assert not [value for value in held.values() if "$" in value]
        names = {name for name, value in made.items() if value in file.read_text() and "KEY" in name}
        assert names == ({values.key_variable(one.name)} if one.signs else set()), one.name
    ports = [systemd.read(folder / f"{one.name}.env") for one in manifests.processes()]
    listening = [held.get("TONGYUAN_PORT") or held["TONGYUAN_METRICS_PORT"] for held in ports]
    assert len(set(listening)) == len(listening)


def test_a_sources_worker_shares_user_and_folder_with_its_http_process_since_both_sign(
    made: dict[str, str], tmp_path: Path
) -> None:
    systemd.write(made, tmp_path)

    units = {file.parent.name: file.read_text() for file in tmp_path.glob("units/*/shared.conf")}
    assert set(units) == {f"tongyuan@{name}-worker.service.d" for name in ("catalog", "guides", "applications")}
    for name in ("catalog", "guides", "applications"):
        unit = units[f"tongyuan@{name}-worker.service.d"]
        assert {f"User=tongyuan-{name}", f"StateDirectory=tongyuan/{name}"} <= set(unit.splitlines())
        key = [systemd.read(tmp_path / f"{one}.env")["TONGYUAN_SOURCE_KEY_FILE"] for one in (name, f"{name}-worker")]
        assert key == [f"/var/lib/tongyuan/{name}/key.pem"] * 2


READERS_OF_WORD_LISTS = ("catalog", "guides", "catalog-worker", "guides-worker")


def test_a_folder_of_word_lists_is_mounted_read_only_where_reviews_are_and_nowhere_else() -> None:
    given = {"TONGYUAN_WORD_LISTS": "/srv/word-lists"}
    mounted = {
        name: [place for volume in found["volumes"] if (place := interpolate(volume, given)).startswith("/srv")]
        for name, found in SERVICES.items()
        if "volumes" in found
    }
    expected = ["/srv/word-lists:/var/lib/tongyuan-word-lists:ro"]

    assert {name for name, places in mounted.items() if places} == set(READERS_OF_WORD_LISTS)
    for name in READERS_OF_WORD_LISTS:
        assert mounted[name] == expected
        inside = interpolate(SERVICES[name]["environment"]["TONGYUAN_WORD_LISTS"], given)
        assert inside == "/var/lib/tongyuan-word-lists"


@pytest.mark.parametrize("given", ["/srv/word-lists", ""])
def test_without_containers_word_lists_are_read_where_they_are_and_only_if_a_folder_is_named(
    made: dict[str, str], tmp_path: Path, given: str
) -> None:
    systemd.write({**made, "TONGYUAN_WORD_LISTS": given}, tmp_path)

    for one in manifests.processes():
        held = systemd.read(tmp_path / f"{one.name}.env")
        assert held.get("TONGYUAN_WORD_LISTS") == (given if one.name in READERS_OF_WORD_LISTS else None), one.name


def test_an_empty_folder_of_word_lists_is_a_county_without_them(tmp_path: Path) -> None:
    assert read_word_lists(tmp_path) == WordLists() == read_word_lists(CountySettings(word_lists="").word_lists)


def test_an_environment_that_cannot_be_made_names_what_is_missing(
    made: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = {name: value for name, value in made.items() if name != "CALLER_KEY_KIOSK"}
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in lacking.items()))

    assert deployment.main(["environment", str(file), str(tmp_path / "made")]) == 2
    assert "CALLER_KEY_KIOSK" in capsys.readouterr().err
    assert list((tmp_path / "made").glob("*.env")) == []


@pytest.mark.parametrize("name", [one.name for one in manifests.processes()])
def test_a_process_takes_no_secret_that_its_manifest_does_not_give_it(name: str) -> None:
    for secret in manifests.secrets():
        settings = CountySettings.model_construct(**{secret: SecretStr("x")})
        if secret in manifests.may_hold(name):
            assert getattr(manifests.held(name, settings), secret) is not None
        else:
            with pytest.raises(SettingsError, match=f"TONGYUAN_{secret.upper()}: {name} may not hold it"):
                manifests.held(name, settings)


def test_the_secrets_are_all_settings_that_hold_or_name_one() -> None:
    typed = {name for name, field in CountySettings.model_fields.items() if "SecretStr" in str(field.annotation)}
    files = {name for name in CountySettings.model_fields if name.endswith("_key_file")}
    databases = {f"{service}_database_url" for service in manifests.SERVICES}

    assert manifests.secrets() == (typed - {"service_token"}) | files | databases


def test_the_old_service_token_opens_nothing_in_production() -> None:
    assert manifests.held("ledger", Settings(service_token=SecretStr("old"))).service_token is None
