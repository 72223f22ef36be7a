"""The chart, rendered once with the values that the tests of this folder look at."""

from typing import Any

import pytest

from tests.harness.chart import Manifests, county, render

FORMER = f"sha256:{'3' * 64}"
RUNS = {
    "release": county(),
    "tls": county(tls__enabled=True),
    "cli": county(print="cli", cli__arguments=["verify", "--json"]),
    "claims": county(print="claims"),
    "before": county(image__tag="0.0.9", image__digest=FORMER),
    "half": county(upTo=3, image__before=f"0.0.9@{FORMER}", image__tag="0.1.0"),
    "wide": county(
        replicas__web=3,
        volumes__wordLists="words",
        volumes__fsGroup=0,
        volumes__storageClass="files",
        image__pullSecrets=["registry"],
        gateway__uncounted=["10.1.2.3"],
        network__listen="::",
        settings__TONGYUAN_LOG_LEVEL="debug",
        settings__TONGYUAN_CANARY_INTERVAL="30",
        network__callers__queue=[{"ipBlock": {"cidr": "10.40.0.0/24"}}],
        network__outside__webhooks=[{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}],
    ),
    "without gateway": county(gateway__enabled=False, ingress__enabled=False),
}


@pytest.fixture(scope="session")
def rendered() -> dict[str, Any]:
    return render(RUNS)


@pytest.fixture(scope="session")
def runs(rendered: dict[str, Any]) -> dict[str, Manifests]:
    return {name: Manifests(run) for name, run in rendered["runs"].items()}


@pytest.fixture(params=["release", "tls"])
def release(request: pytest.FixtureRequest, runs: dict[str, Manifests]) -> Manifests:
    """The release without and with TLS."""
    return runs[request.param]
