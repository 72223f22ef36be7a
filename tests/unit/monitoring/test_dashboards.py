"""Dashboards: valid for Grafana, made of the code, and every metric that they ask for is measured or recorded."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.deployment.dashboards import DASHBOARDS, FOLDER, files
from tests.unit.monitoring.test_alerts_match import CODE, RECORDED

pytestmark = pytest.mark.lint
TEXT = {"type": "string", "minLength": 1}
REFERENCE = {
    "type": "object",
    "required": ["type", "uid"],
    "properties": {"type": {"const": "prometheus"}, "uid": {"const": "${source}"}},
}
GRID = {name: {"type": "integer", "minimum": 0, "maximum": 400} for name in ("x", "y", "w", "h")}
TARGET = {
    "type": "object",
    "required": ["refId", "expr", "legendFormat", "datasource"],
    "properties": {"refId": {"pattern": "^[A-Z]$"}, "expr": TEXT, "legendFormat": TEXT, "datasource": REFERENCE},
}
UNITS = ["short", "s", "percentunit", "bytes", "reqps", "ops"]
PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "datasource", "gridPos", "targets", "fieldConfig"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["timeseries", "stat"]},
        "title": TEXT,
        "datasource": REFERENCE,
        "gridPos": {"type": "object", "required": list(GRID), "properties": GRID, "additionalProperties": False},
        "fieldConfig": {
            "type": "object",
            "required": ["defaults", "overrides"],
            "properties": {"defaults": {"type": "object", "properties": {"unit": {"enum": UNITS}}}},
        },
        "targets": {"type": "array", "minItems": 1, "items": TARGET},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "time", "templating", "panels", "refresh", "timezone"],
    "properties": {
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "title": TEXT,
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {"type": "array", "minItems": 1, "items": PANEL},
        "templating": {"type": "object", "required": ["list"]},
    },
}
"""The parts of Grafana's dashboard model that these dashboards use."""


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_a_dashboard_has_the_form_that_grafana_imports(file: Path) -> None:
    model = json.loads(file.read_text(encoding="utf-8"))

    jsonschema.validate(model, SCHEMA)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in model["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in model["panels"])
    assert len({panel["id"] for panel in model["panels"]}) == len(model["panels"])


def test_the_files_are_those_that_the_code_makes() -> None:
    assert set(FOLDER.glob("*.json")) == files().keys()
    for file, made in files().items():
        assert file.read_text(encoding="utf-8") == made(), "run: .venv/bin/python -m services.deployment"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.uid)
def test_every_metric_of_a_dashboard_is_measured_or_recorded(dashboard: Any) -> None:
    queries = " ".join(query for panel in dashboard.panels for query in panel.queries.values())
    for name in set(re.findall(r"[a-z:]*tongyuan_[a-z0-9_]+(?::[a-z0-9]+)?", queries)):
        measured = f'"{re.sub("_(bucket|sum|count)$", "", name)}"' in CODE
        assert name in RECORDED or measured, name


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.uid)
def test_what_is_chosen_is_used(dashboard: Any) -> None:
    queries = " ".join(query for panel in dashboard.panels for query in panel.queries.values())
    name = dashboard.variable[0] if dashboard.variable else None

    assert set(re.findall(r"\$(?!__)(\w+)", queries)) == ({name} if name else set())
