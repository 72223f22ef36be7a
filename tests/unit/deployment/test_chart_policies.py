"""Who may speak to whom in the cluster: exactly what the manifests say, and what the county's values add."""

from collections.abc import Mapping
from typing import Any

import pytest

from services.runtime import manifests
from tests.harness.chart import Manifests, county, edges, render

pytestmark = pytest.mark.xdist_group("chart")

PROCESSES = {one.name: one for one in manifests.processes()}
HTTP = {name for name, one in PROCESSES.items() if not one.is_worker}
PUBLIC = {*manifests.CHANNELS, "ledger", "subscriptions"}
CALLS = {(name, call.callee) for name, one in PROCESSES.items() for call in one.calls}
WANTED = CALLS | {("cli", name) for name in HTTP} | {("gateway", name) for name in PUBLIC}
JOBS = {"migrate": 5432, "topology": 5672}
BARE = {"callers": {"editors": [], "staff": [], "queue": [], "monitoring": []}, "ingress": []}
WORLD = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}


@pytest.fixture(scope="module")
def bare() -> Manifests:
    """The release of a county whose values let nobody in or out."""
    values = county()
    values["network"] |= BARE
    return Manifests(render({"bare": values}, versions=())["runs"]["bare"])


def policies(run: Manifests) -> dict[str, dict[str, Any]]:
    return run.of("NetworkPolicy")


def outside(policy: Mapping[str, Any], direction: str) -> list[Any]:
    """Return the peers of a policy that are no pods of the release, the cluster's name service aside."""
    side = "from" if direction == "ingress" else "to"
    peers = [peer for rule in policy["spec"].get(direction) or [] for peer in rule[side]]
    ours = [peer for peer in peers if "app.kubernetes.io/component" in str(peer)]
    return [peer for peer in peers if peer not in ours and "kube-dns" not in str(peer)]


def ports(policy: Mapping[str, Any], direction: str) -> set[int]:
    rules = policy["spec"].get(direction) or []
    return {port["port"] for rule in rules for port in rule.get("ports", [])} - {53}


def test_both_sides_of_every_call_of_the_manifests_are_open_and_nothing_else(bare):
    assert set(edges(policies(bare), "egress")) == WANTED
    assert set(edges(policies(bare), "ingress")) == WANTED


def test_a_call_too_many_or_too_few_is_found(bare):
    changed = {name: one for name, one in policies(bare).items() if name != "web"}
    assert set(edges(changed, "egress")) != WANTED
    assert set(edges(changed, "ingress")) != WANTED


def test_every_pod_is_refused_everything_that_no_policy_allows(runs):
    for run in (runs["release"], runs["tls"], runs["without gateway"]):
        found = policies(run)
        nothing = found["nothing"]["spec"]
        assert set(nothing) == {"podSelector", "policyTypes"}
        assert {tuple(one["spec"]["policyTypes"]) for one in found.values()} == {("Ingress", "Egress")}
        for name, one in run.of("Deployment", "StatefulSet", "Job").items():
            labels = one["spec"]["template"]["metadata"]["labels"]
            assert nothing["podSelector"]["matchLabels"].items() <= labels.items(), name
            chosen = [
                other
                for other, policy in found.items()
                if policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
            ]
            assert sorted(chosen) == sorted(["nothing", name])


def test_everybody_reaches_the_database_and_the_broker_is_for_those_who_have_an_account_in_use(bare):
    database, broker = {"ipBlock": {"cidr": "10.20.0.5/32"}}, {"ipBlock": {"cidr": "10.20.0.6/32"}}
    for name, one in PROCESSES.items():
        servers = [database, *([broker] if one.broker else [])]
        assert outside(policies(bare)[name], "egress") == servers, name
        assert outside(policies(bare)[name], "ingress") == [], name
    assert outside(policies(bare)["gateway"], "egress") == []
    assert {name: ports(policies(bare)[name], "egress") for name in JOBS} == {
        name: {port} for name, port in JOBS.items()
    }


def test_with_tls_the_broker_is_reached_at_its_port_for_tls(runs):
    for name, one in PROCESSES.items():
        expected = {5432, *([5671] if one.broker else []), *([8080] if one.calls else [])}
        assert ports(policies(runs["tls"])[name], "egress") == expected, name


def test_the_county_names_who_else_calls_and_each_gets_to_its_service(runs):
    editors, monitoring, queue = "10.30.0.0/24", "monitoring", "10.40.0.0/24"
    wide = policies(runs["wide"])

    def reached(who: str) -> set[str]:
        return {name for name, one in wide.items() if who in str(outside(one, "ingress"))}

    assert reached(editors) == {name for name, one in manifests.manifests().items() if one.editors}
    assert reached("desk-gateway") == {"console"}
    assert reached(queue) == {"kiosk"}
    assert reached(monitoring) == set(PROCESSES)
    assert reached("ingress-nginx") == {"gateway"}
    assert ports(wide["catalog-worker"], "ingress") == {9100}


def test_outside_the_county_only_those_call_whose_manifest_says_so_and_only_whom_the_county_names(runs, bare):
    assert [name for name, one in policies(runs["wide"]).items() if WORLD in outside(one, "egress")] == [
        "subscriptions"
    ]
    assert not [name for name, one in policies(bare).items() if WORLD in outside(one, "egress")]
    assert {name: one.outside for name, one in PROCESSES.items() if one.outside} == {
        "console": "identity",
        "subscriptions": "webhooks",
    }


def test_without_the_gateway_nobody_is_let_in_as_the_gateway(runs):
    assert not [caller for caller, _ in edges(policies(runs["without gateway"]), "ingress") if caller == "gateway"]
