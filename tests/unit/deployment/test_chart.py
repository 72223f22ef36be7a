"""The chart of deploy/helm, rendered by Helm: what runs, confined how, and whether Kubernetes would take it."""

import json
import tomllib

import pytest
import yaml

from services.runtime import manifests
from tests.harness.chart import CHART, county, render
from tests.harness.compose import REPOSITORY, raw
from tests.harness.rolling import ORDER

pytestmark = pytest.mark.xdist_group("chart")

PROCESSES = {one.name: one for one in manifests.processes()}
COMPOSE = raw()["services"]
JOBS = {"migrate", "topology"}
WITHOUT_COUNTERPART = {"postgres", "rabbitmq", "definitions", "roles"}
"""Of compose: the servers, which are given here, and the jobs that prepare them."""


def test_every_manifest_keeps_the_schemas_of_kubernetes_and_helm_finds_nothing_wrong(rendered):
    assert rendered["lint"] == []
    assert rendered["problems"] == []
    assert {name: run["error"] for name, run in rendered["runs"].items() if "error" in run} == {}


def test_a_manifest_with_a_wrong_field_or_value_is_found():
    policy = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "x"}}
    wrong = ({**policy, "spec": {"maxUnavialable": 1}}, {**policy, "spec": {"maxUnavailable": [1]}})
    assert len(render({"claims": county(print="claims")}, extra=wrong)["problems"]) == 4


WRONG = {
    "region": {"county__region": "12"},
    "review": {"county__review": "some"},
    "password": {"password": "x"},
    "TONGYUAN_CALLER_KEY": {"settings__TONGYUAN_CALLER_KEY": "x"},
    "TONGYUAN_NO_SUCH_SETTING": {"settings__TONGYUAN_NO_SUCH_SETTING": "x"},
    "postgres": {"network__postgres": []},
    "trusted": {"network__trusted": []},
    "gateway.digest": {"gateway__digest": ""},
    "image.before": {"upTo": 3},
    "ledger": {"replicas__ledger": 2},
}
"""What the refusal names → values that would not work."""


def test_values_that_would_not_work_are_refused_by_name():
    runs = render({"right": county()} | {name: county(**change) for name, change in WRONG.items()}, versions=())["runs"]
    assert "error" not in runs["right"]
    assert {name: runs[name].get("error") for name in WRONG if name not in runs[name].get("error", "")} == {}


def test_the_chart_has_the_version_of_the_project():
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_it_runs_every_process_and_job_of_compose_by_the_same_command_with_the_same_memory(release):
    found = release.containers()
    assert set(found) == set(COMPOSE) - WITHOUT_COUNTERPART - {"cli"}
    for name, container in found.items():
        memory = f"{COMPOSE[name]['mem_limit'].upper()}i"
        assert container["resources"]["limits"] == {"memory": memory}, name
        assert container["resources"]["requests"]["memory"] == memory, name
        assert container.get("args") == COMPOSE[name].get("command"), name


def test_the_command_line_is_one_job_and_nothing_else_is_printed_with_it(runs):
    (job,) = runs["cli"].all
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert (job["kind"], container["args"]) == ("Job", ["verify", "--json"])
    assert container["resources"]["limits"] == {"memory": f"{COMPOSE['cli']['mem_limit'].upper()}i"}


def test_what_writes_to_a_volume_runs_once_and_a_channel_is_replaced_by_a_second_one_beside_it(runs):
    lasting = {name for name, one in PROCESSES.items() if any(volume.writable for volume in one.volumes)}
    assert set(runs["release"].of("StatefulSet")) == lasting
    for name, one in runs["wide"].of("Deployment", "StatefulSet").items():
        strategy = one["spec"].get("strategy", {}).get("type")
        if name in manifests.CHANNELS or name == "gateway":
            assert one["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}, name
        else:
            assert strategy == ("Recreate" if name not in lasting else None), name
        replicas = {"web": 3, "gateway": 2}.get(name, 1)
        assert one["spec"]["replicas"] == replicas, name


def test_every_pod_is_confined(runs):
    for run in runs.values():
        for name, pod in run.pods().items():
            assert pod["automountServiceAccountToken"] is False, name
            assert pod["enableServiceLinks"] is False, name
            inside = pod["securityContext"]
            assert inside["runAsNonRoot"] is True, name
            assert inside["runAsUser"] > 0, name
            assert inside["seccompProfile"] == {"type": "RuntimeDefault"}, name
            assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
            assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= {
                *("emptyDir", "persistentVolumeClaim", "configMap", "secret"),
            }, name
            for container in [*pod["containers"], *pod.get("initContainers", [])]:
                assert container["securityContext"] == {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                }, name
                assert container["resources"]["limits"]["memory"], name


def test_a_process_is_asked_whether_it_is_alive_and_whether_it_is_ready(runs):
    for name, process in PROCESSES.items():
        container = runs["release"].containers()[name]
        (port,) = container["ports"]
        assert port["containerPort"] == (9100 if process.is_worker else 8080), name
        asked = {kind: container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")}
        paths = {kind: probe["httpGet"]["path"] for kind, probe in asked.items()}
        assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}, name
        with_tls = runs["tls"].containers()[name]
        # The health check of compose; restarting would not mend a certificate.
        assert ["CMD", *with_tls["readinessProbe"]["exec"]["command"]] == COMPOSE[name]["healthcheck"]["test"], name
        assert with_tls["livenessProbe"]["tcpSocket"] == with_tls["startupProbe"]["tcpSocket"] == {"port": "http"}, name
    everything = {**runs["release"].containers(), **runs["tls"].containers()}
    assert not [name for name in JOBS if "livenessProbe" in everything[name]]


def test_every_process_has_a_name_in_the_cluster_and_a_budget_of_disruptions(release):
    workloads = release.of("Deployment", "StatefulSet")
    services, budgets = release.of("Service"), release.of("PodDisruptionBudget")
    assert set(services) == set(budgets) == set(workloads) == {*PROCESSES, "gateway"}
    for name, one in workloads.items():
        labels = one["spec"]["template"]["metadata"]["labels"]
        for selector in (
            services[name]["spec"]["selector"],
            budgets[name]["spec"]["selector"]["matchLabels"],
            one["spec"]["selector"]["matchLabels"],
        ):
            assert selector.items() <= labels.items(), name
            assert selector["app.kubernetes.io/component"] == name
        assert budgets[name]["spec"]["maxUnavailable"] == 1


def test_the_jobs_run_before_an_upgrade_and_the_tables_come_first(release):
    jobs = {name: one["metadata"]["annotations"] for name, one in release.of("Job").items()}
    assert set(jobs) == JOBS
    assert {one["helm.sh/hook"] for one in jobs.values()} == {"pre-install,pre-upgrade"}
    policies = [release.of("NetworkPolicy")[name]["metadata"]["annotations"] for name in JOBS]
    weights = [int(one["helm.sh/hook-weight"]) for one in (*policies, jobs["migrate"], jobs["topology"])]
    assert weights == sorted(weights)
    assert weights[-1] > weights[-2] > weights[0]


def test_stage_by_stage_who_reads_gets_the_new_version_before_who_writes_and_nobody_else_is_touched(runs):
    def pods(run):
        return {name: one["spec"]["template"] for name, one in run.of("Deployment", "StatefulSet", "Job").items()}

    before, half, after = pods(runs["before"]), pods(runs["half"]), pods(runs["release"])
    changed = {name for name, pod in half.items() if pod != before[name]}
    assert changed == {*JOBS, *ORDER[:9]}
    assert {name for name, pod in half.items() if pod == after[name]} == {*changed, "gateway"}


def test_the_stages_are_the_order_of_the_page_and_of_the_upgrade_that_is_tested():
    from services.deployment.chart.processes import LAST_STAGE, stage

    stages = [stage(PROCESSES[name]) for name in ORDER]
    assert stages == sorted(stages)
    assert set(ORDER) == set(PROCESSES)
    assert set(stages) == set(range(1, LAST_STAGE + 1))
    assert yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["upTo"] == LAST_STAGE
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert schema["properties"]["upTo"]["maximum"] == LAST_STAGE


def test_the_public_has_one_address_and_reaches_the_gateway_alone(runs):
    (ingress,) = runs["release"].of("Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    assert [path["backend"]["service"]["name"] for path in rule["http"]["paths"]] == ["gateway"]
    assert {one["spec"].get("type", "ClusterIP") for one in runs["release"].of("Service").values()} == {"ClusterIP"}
    assert not {"gateway"} & set(runs["without gateway"].pods())
    assert runs["without gateway"].of("Ingress") == {}


def test_the_claims_are_those_that_pods_mount_and_belong_to_no_release(runs):
    claims = runs["claims"].of("PersistentVolumeClaim")
    assert len(claims) == len(runs["claims"].all)
    assert runs["release"].of("PersistentVolumeClaim") == {}
    users: dict[str, set[str]] = {}
    for name, pod in runs["release"].pods().items():
        for volume in pod["volumes"]:
            if "persistentVolumeClaim" in volume:
                users.setdefault(volume["persistentVolumeClaim"]["claimName"], set()).add(name)
    assert set(users) == set(claims)
    for name, claim in claims.items():
        mode = "ReadWriteMany" if len(users[name]) > 1 else "ReadWriteOnce"
        assert claim["spec"]["accessModes"] == [mode], name


def test_a_pod_mounts_what_compose_mounts_where_compose_mounts_it(release):
    from tests.harness.compose import interpolate

    for name, container in release.containers().items():
        if name == "gateway":
            continue
        mounted = {one["mountPath"]: one["readOnly"] for one in container["volumeMounts"] if one["name"] != "tmp"}
        mounted = {path: read_only for path, read_only in mounted.items() if not path.startswith("/tls/")}
        expected = {}
        for volume in COMPOSE[name].get("volumes", []):
            _, path, *mode = interpolate(volume, {}).split(":")
            expected[path] = mode == ["ro"]
        assert mounted == expected, name
