"""Renders a chart with Helm's own engine and checks every manifest against the schemas of Kubernetes.

Runs as a program of its own, beside the packages of requirements.lock. Reads one JSON object: `chart`, `runs` (name →
values), `versions` of Kubernetes, `extra` (further manifests to check). Prints one: `runs` (name → manifests with their
template, or the error), `lint`, `problems`.
"""

import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import yaml

NAME, NAMESPACE = "tongyuan", "yunxi"
LEAST_SEVERITY = 2
"""Helm's number for a warning. A chart without an icon is only told of it."""


def main() -> None:
    """Render everything that is asked for."""
    asked = json.load(sys.stdin)
    helm = import_module("helm_python")
    with helm.Chart.load(asked["chart"]) as chart:
        runs = {name: _run(helm, chart, values) for name, values in asked["runs"].items()}
    # It would read the definitions, 1.5 MB of JSON, again for each manifest.
    checks = import_module("kubernetes_validate.utils")
    checks.schema_contents = cache(checks.schema_contents)  # type: ignore[attr-defined]
    first = next(iter(asked["runs"].values()))
    found = helm.lint(asked["chart"], first)
    lint = [*found["errors"], *(one["error"] for one in found["messages"] if one["severity"] >= LEAST_SEVERITY)]
    rendered = {json.dumps(one["manifest"]) for run in runs.values() for one in run.get("manifests", [])}
    problems = [
        problem
        for version in asked["versions"]
        for manifest in [*map(json.loads, sorted(rendered)), *asked["extra"]]
        for problem in _problems(manifest, version)
    ]
    json.dump({"runs": runs, "lint": lint, "problems": problems}, sys.stdout)


def _run(helm: Any, chart: Any, values: dict[str, Any]) -> dict[str, Any]:
    try:
        chart.validate_schema(values)
        texts = chart.render(values, name=NAME, namespace=NAMESPACE)
    except helm.HelmError as error:
        return {"error": str(error)}
    made = [
        {"template": template.rpartition("/")[2], "manifest": manifest}
        for template, text in texts.items()
        for manifest in yaml.safe_load_all(text)
        if manifest
    ]
    return {"manifests": made, "text": "\n".join(texts.values())}


def _problems(manifest: dict[str, Any], version: str) -> Iterator[str]:
    checks = import_module("kubernetes_validate")
    try:
        checks.validate(manifest, version, strict=True)
    except (checks.ValidationError, checks.SchemaNotFoundError) as error:
        metadata = manifest["metadata"]
        yield f"{version}: {manifest['kind']} {metadata.get('name')}: {error.message}"


if __name__ == "__main__":
    main()
