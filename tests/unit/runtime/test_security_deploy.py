"""How processes are confined: systemd units and the compose file, read as their tools read them."""

from pathlib import Path

import pytest

from shared.web.limits import RESERVED_DESCRIPTORS, Limits
from tests.harness.compose import raw

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "deploy" / "systemd" / "tongyuan@.service"
YES = [
    "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateUsers", "ProtectClock", "ProtectHostname",
    "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectControlGroups", "RestrictNamespaces",
    "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "RemoveIPC",
]  # fmt: skip


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("name", YES)
def test_a_unit_gives_up_what_it_does_not_need(unit, name):
    assert unit[name] == ["yes"]


def test_a_unit_has_no_capability_writes_its_own_folder_alone_and_leaves_no_core(unit):
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] == [""]
    assert unit["ProtectSystem"] == ["strict"]
    assert "ReadWritePaths" not in unit
    assert unit["UMask"] == ["0077"]
    assert unit["LimitCORE"] == ["0"]
    assert unit["SystemCallFilter"] == ["@system-service", "~@privileged"]
    assert "Environment" not in unit, "everybody may read a unit's own variables"


def test_every_process_of_ours_may_have_the_descriptors_that_its_connections_need(unit):
    services = raw()["services"]
    ours = {name: service for name, service in services.items() if service.get("command", [""])[0] == "run"}
    wanted = Limits().connections + RESERVED_DESCRIPTORS

    assert ours
    for service in ours.values():
        assert service["ulimits"]["nofile"]["hard"] >= service["ulimits"]["nofile"]["soft"] >= wanted
    assert int(unit["LimitNOFILE"][0]) >= wanted


def test_what_needs_no_outside_has_no_way_there():
    document = raw()
    assert document["networks"]["inside"]["internal"] is True
    front = {name for name, service in document["services"].items() if "front" in service.get("networks", [])}
    assert not {name for name in front if name.endswith("-worker") or name in ("postgres", "rabbitmq")}


def test_the_image_takes_nothing_but_the_code():
    copied = [
        line.split()[1:-1]
        for line in (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY")
    ]
    names = {name for group in copied for name in group if not name.startswith("--")}
    assert names == {
        "pyproject.toml", "runtime.lock", "README.md", "LICENSE", "NOTICE", "contracts", "shared", "services",
        "/opt/tongyuan",
    }  # fmt: skip
    assert ".git" in (ROOT / ".dockerignore").read_text().split() or "*" in (ROOT / ".dockerignore").read_text().split()
