"""Each alert fires when it should and is silent otherwise, as promtool tests them. The configuration is valid."""

from pathlib import Path

import pytest

from tests.harness.prometheus import MONITORING, RULES, amtool, promtool

TESTS = sorted((Path(__file__).parent / "rules").glob("*.yml"))


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_an_alert_fires_for_its_fault_and_for_nothing_else(file: Path) -> None:
    done = promtool("test", "rules", file)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", sorted(RULES.glob("*.yml")), ids=lambda file: file.stem)
def test_every_rule_is_valid_and_named_once(file: Path) -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", file)

    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_configuration() -> None:
    done = promtool("check", "config", MONITORING / "prometheus.yml")

    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_takes_the_configuration() -> None:
    done = amtool("check-config", MONITORING / "alertmanager.yml")

    assert done.returncode == 0, done.stdout + done.stderr
