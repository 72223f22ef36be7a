"""A private Prometheus and Alertmanager with the project's own configuration, and promtool."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from services.operations.backups.textfile import TIME
from tests.harness.county import REPOSITORY, County, is_worker, wait_for
from tests.harness.packages import require
from tests.harness.ports import free_port

MONITORING = REPOSITORY / "deploy" / "monitoring"
RULES = MONITORING / "rules"
PAGES = REPOSITORY / "docs" / "operating" / "alerts"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    tool = require("promtool", "prometheus")
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, check=False)


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run amtool."""
    tool = require("amtool", "prometheus-alertmanager")
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, check=False)


def alerts() -> dict[str, dict[str, Any]]:
    """Return every alert rule of the project by its name."""
    files = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(RULES.glob("*.yml")))
    rules = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule for rule in rules if "alert" in rule}


class Monitoring:
    """Prometheus and Alertmanager as shipped, with other targets, and every second instead of every 15.

    `targets`: process → address of its metrics. `quicker`: how many times shorter every `for` is; `longest`: the most
    seconds that are left of one. `budgets`: with the alerts on the SLOs' budgets. Of a Prometheus that is minutes old a
    fault of seconds is a large share.
    """

    def __init__(
        self,
        folder: Path,
        targets: Mapping[str, str],
        quicker: float = 1.0,
        *,
        longest: float = float("inf"),
        budgets: bool = True,
    ) -> None:
        self.folder = folder
        self._port, self._manager_port = free_port(), free_port()
        self.url, self.manager = f"http://127.0.0.1:{self._port}", f"http://127.0.0.1:{self._manager_port}"
        (folder / "rules").mkdir(parents=True)
        (folder / "targets").mkdir()
        for file in RULES.glob("*.yml"):
            rules = yaml.safe_load(file.read_text())
            for group in rules["groups"]:
                group["rules"] = [
                    _adapted(rule, quicker, longest) for rule in group["rules"] if budgets or not _of_budget(rule)
                ]
            (folder / "rules" / file.name).write_text(yaml.safe_dump(rules))
        shipped = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
        shipped["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        shipped["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{self._manager_port}"]
        for job in shipped["scrape_configs"]:
            job["file_sd_configs"] = [{"files": [f"targets/{job['job_name']}.yml"], "refresh_interval": "1s"}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(shipped))
        manager = yaml.safe_load((MONITORING / "alertmanager.yml").read_text())
        manager["route"] |= {"group_wait": "1s", "group_interval": "1s"}
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(manager))
        self.watch(targets)

    def watch(self, targets: Mapping[str, str], job: str = "tongyuan") -> None:
        """Replace the targets of a job."""
        made = []
        for process, address in targets.items():
            url = httpx.URL(address)
            labels = {"process": process, "__metrics_path__": url.path}
            if process in ("web", "mobile", "kiosk", "portal"):
                labels["serves"] = "channel"
            made.append({"targets": [url.netloc.decode()], "labels": labels})
        fresh = self.folder / "targets" / f"{job}.new"
        fresh.write_text(yaml.safe_dump(made))
        fresh.replace(fresh.with_suffix(".yml"))

    @contextmanager
    def running(self) -> Iterator["Monitoring"]:
        """Start both, and stop them at the end."""
        prometheus = [
            require("prometheus", "prometheus"),
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/series",
            f"--web.listen-address=127.0.0.1:{self._port}",
            f"--web.external-url={self.url}",
            f"--web.user-assets={PAGES}",
        ]
        manager = [
            require("prometheus-alertmanager", "prometheus-alertmanager"),
            f"--config.file={self.folder}/alertmanager.yml",
            f"--storage.path={self.folder}/manager",
            f"--web.listen-address=127.0.0.1:{self._manager_port}",
            "--cluster.listen-address=",
        ]
        started = [self._spawn("prometheus", prometheus), self._spawn("alertmanager", manager)]
        try:
            for url in (self.url, self.manager):
                wait_for(lambda url=url: _answers(f"{url}/-/ready"), f"{url} is ready", 60, self.log)  # type: ignore[misc]
            yield self
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
            for process in started:
                process.wait(30)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of an instant query: `metric` and `value` of each series."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}, trust_env=False, timeout=20)
        answer.raise_for_status()
        return list(answer.json()["data"]["result"])

    def firing(self, *, inhibited: bool = False) -> dict[str, dict[str, Any]]:
        """Return the alerts that Alertmanager holds by name and service; those that others inhibit only if asked."""
        params = {"active": "true", "silenced": "false", "inhibited": str(inhibited).lower()}
        answer = httpx.get(f"{self.manager}/api/v2/alerts", params=params, trust_env=False, timeout=20)
        answer.raise_for_status()
        return {
            f"{one['labels']['alertname']} {one['labels'].get('service', '')}".strip(): one for one in answer.json()
        }

    def pages(self) -> set[str]:
        """Return the names of the pages that wake somebody now."""
        found = self.firing().values()
        return {one["labels"]["alertname"] for one in found if one["labels"]["severity"] == "page"}

    def log(self) -> str:
        """Return the end of both logs."""
        return "\n".join((self.folder / f"{name}.log").read_text()[-2000:] for name in ("prometheus", "alertmanager"))

    def _spawn(self, name: str, command: list[Any]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as sink:
            return subprocess.Popen(list(map(str, command)), stdout=sink, stderr=sink, cwd=self.folder)


def _adapted(rule: dict[str, Any], quicker: float, longest: float) -> dict[str, Any]:
    return {**rule, "for": _shorter(rule["for"], quicker, longest)} if "for" in rule else rule


def _of_budget(rule: Mapping[str, Any]) -> bool:
    return "BudgetBurning" in rule.get("alert", "")


def _shorter(duration: str, quicker: float, longest: float) -> str:
    seconds = int(duration[:-1]) * UNITS[duration[-1]] / quicker
    return f"{max(1, round(min(seconds, longest)))}s"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).is_success
    except httpx.HTTPError:
        return False


PANEL_VALUES = {"$channel": "web", "$process": "web", "$__rate_interval": "30s"}
"""What a reader of a dashboard chooses."""


def asked(query: str, chosen: Mapping[str, str]) -> str:
    """Return a panel's query as Grafana sends it."""
    for name, value in chosen.items():
        query = query.replace(name, value)
    return query


def targets(county: County) -> dict[str, str]:
    """Return the address of each process's metrics."""
    paths = {name: "metrics" if is_worker(name) else f"{name}/metrics" for name in county.names}
    return {name: f"{county.url(name)}/{path}" for name, path in paths.items()}


@contextmanager
def node_exporter(monitoring: Monitoring) -> Iterator[Path]:
    """Run a node exporter with its collector of text files only; return their folder. It tells of a backup of now."""
    folder, port = monitoring.folder / "textfiles", free_port()
    folder.mkdir()
    backed_up(folder, datetime.now(UTC))
    program = require("prometheus-node-exporter", "prometheus-node-exporter")
    options = (f"--collector.textfile.directory={folder}", "--collector.disable-defaults", "--collector.textfile")
    with (monitoring.folder / "node.log").open("ab") as sink:
        process = subprocess.Popen(
            [program, *options, f"--web.listen-address=127.0.0.1:{port}"], stdout=sink, stderr=sink
        )
    try:
        monitoring.watch({"node": f"http://127.0.0.1:{port}/metrics"}, "node")
        yield folder
    finally:
        process.terminate()
        process.wait()


def backed_up(folder: Path, moment: datetime) -> None:
    """Write what `tongyuan backup --metrics-file` writes."""
    (folder / "backup.prom").write_text(f"# TYPE {TIME} gauge\n{TIME} {moment.timestamp()}\n")
