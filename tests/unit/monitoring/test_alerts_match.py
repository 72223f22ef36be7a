"""Alert, rule test, page, metric and fault belong together: one without the others fails here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.faults.alert_faults import NOT_PLANTED, PLANTED
from tests.harness.county import REPOSITORY
from tests.harness.prometheus import MONITORING, PAGES, RULES, alerts

pytestmark = pytest.mark.lint
TESTS = Path(__file__).parent / "rules"
PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
MOST_PAGES = 12
RELIABILITY = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
CODE = "\n".join(
    file.read_text(encoding="utf-8")
    for folder in ("shared", "services")
    for file in (REPOSITORY / folder).rglob("*.py")
)
RECORDED = {
    rule["record"]
    for group in yaml.safe_load((RULES / "recording.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}


def cases(alert: str) -> list[dict[str, Any]]:
    tests = yaml.safe_load((TESTS / f"{alert}.yml").read_text(encoding="utf-8"))["tests"]
    return [one for test in tests for one in test["alert_rule_test"]]


@pytest.mark.parametrize("alert", alerts())
def test_an_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(alert: str) -> None:
    found = cases(alert)

    assert {one["alertname"] for one in found} == {alert}
    assert {bool(one["exp_alerts"]) for one in found} == {True, False}


@pytest.mark.parametrize("alert", alerts())
def test_an_alert_has_a_page_of_four_parts_to_which_it_leads(alert: str) -> None:
    page = (PAGES / f"{alert}.md").read_text(encoding="utf-8")
    rule = alerts()[alert]

    assert re.findall(r"^# (.+)$", page, re.MULTILINE)[0] == alert
    parts = re.findall(r"^## (.+)\n\n(?=\S)", page, re.MULTILINE)
    assert parts == PARTS
    assert rule["annotations"]["runbook_url"] == f"{{{{ $externalURL }}}}/user/{alert}.md"
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize("alert", alerts())
def test_every_metric_of_an_alert_is_measured_or_recorded(alert: str) -> None:
    expression = alerts()[alert]["expr"]
    names = set(re.findall(r"[a-z:]*tongyuan_[a-z0-9_]+(?::[a-z0-9]+)?", expression))

    assert names or "up{" in expression
    for name in names:
        measured = f'"{re.sub("_(bucket|sum|count)$", "", name)}"' in CODE
        assert name in RECORDED or measured, name


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_every_metric_of_a_recorded_one_is_measured_or_recorded(name: str) -> None:
    text = (RULES / "recording.yml").read_text(encoding="utf-8")
    for metric in set(re.findall(r"(?<![\w:])tongyuan_[a-z_]+", text)) - {"tongyuan_slo"}:
        assert f'"{metric}"' in CODE, metric
    assert name in text


def test_at_most_twelve_alerts_wake_somebody() -> None:
    severities = [rule["labels"]["severity"] for rule in alerts().values()]

    assert set(severities) == {"page", "ticket"}
    assert severities.count("page") <= MOST_PAGES


def test_there_is_no_page_and_no_rule_test_of_an_alert_that_does_not_exist() -> None:
    assert {file.stem for file in PAGES.glob("*.md")} - {"README"} == alerts().keys()
    assert {file.stem for file in TESTS.glob("*.yml")} == alerts().keys()


def test_every_alert_was_seen_to_fire_or_it_is_said_why_not() -> None:
    assert PLANTED.keys().isdisjoint(NOT_PLANTED)
    assert PLANTED.keys() | NOT_PLANTED.keys() == alerts().keys()


@pytest.mark.parametrize("alert", PLANTED)
def test_the_fault_of_an_alert_is_named_on_the_page_of_faults(alert: str) -> None:
    row = re.search(rf"^\| `{alert}` \| (F\d\d)", RELIABILITY, re.MULTILINE)

    assert row is not None, f"docs/reliability.md has no row for {alert}"
    assert row[1] == PLANTED[alert]
    assert re.search(rf"^\| {row[1]} ", RELIABILITY, re.MULTILINE)


def test_inhibition_rules_name_alerts_that_exist() -> None:
    text = (MONITORING / "alertmanager.yml").read_text(encoding="utf-8")
    named = {name for found in re.findall(r"alertname !?=~? \"?([\w|.*]+)", text) for name in found.split("|")}
    known = alerts().keys()

    assert named
    for name in named:
        assert any(re.fullmatch(name, one) for one in known), name
