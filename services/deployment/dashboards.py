"""Grafana's dashboards: what each panel asks Prometheus. `python -m services.deployment` writes them as JSON.

The format is Grafana's dashboard model, schema version 39, which Grafana 10 and later import.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 39
WIDTH, HEIGHT, ACROSS = 8, 7, 3
SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True)
class Panel:
    """One panel. `queries`: legend → PromQL; `unit`: one of Grafana's; `kind`: `timeseries` or `stat`."""

    title: str
    queries: Mapping[str, str]
    unit: str = "short"
    kind: str = "timeseries"


@dataclass(frozen=True)
class Dashboard:
    """One dashboard. `variable`: name and query of the values that its readers choose from."""

    uid: str
    title: str
    panels: Sequence[Panel]
    variable: tuple[str, str] | None = None


def quantile(share: str, metric: str, by: str, where: str = "") -> str:
    """Return the query for a quantile of a histogram's last minutes."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket{where}[$__rate_interval])))"


def rate(metric: str, by: str, where: str = "") -> str:
    """Return the query for a counter's pace, each second."""
    return f"sum by ({by}) (rate({metric}{where}[$__rate_interval]))"


LATENCY = "tongyuan_canary_latency_seconds"
OF_CHANNEL, OF_PROCESS = '{channel="$channel"}', '{process="$process"}'
COUNTY = Dashboard(
    "tongyuan-county",
    "同源：全县一览",
    (
        Panel("正在响的告警", {"告警": 'count(ALERTS{alertstate="firing"}) or vector(0)'}, kind="stat"),
        Panel("及时率，三天", {"{{channel}}": "1 - channel:tongyuan_canary_stale:ratio3d"}, "percentunit", "stat"),
        Panel("一致率，三天", {"四渠道": "1 - county:tongyuan_canary_inconsistent:ratio3d"}, "percentunit", "stat"),
        Panel("从发布到可见，百分之九十九", {"{{channel}}": quantile("0.99", LATENCY, "channel")}, "s"),
        Panel("各渠道落后的条目", {"{{channel}}": "scalar(max(tongyuan_ledger_position)) - tongyuan_channel_position"}),
        Panel("签名头的时间", {"{{service}}": "max by (service) (tongyuan_head_age_seconds)"}, "s"),
        Panel("等代理确认的最老发布", {"{{service}} {{lane}}": "tongyuan_outbox_oldest_age_seconds"}, "s"),
        Panel(
            "核对发现的差异", {"{{channel}} {{verdict}}": "sum by (channel, verdict) (tongyuan_audit_open_findings)"}
        ),
        Panel("暂存的条目", {"{{channel}}": "max by (channel) (tongyuan_parked_entries)"}),
        Panel("不应答的进程", {"进程": 'count(up{job="tongyuan"} == 0) or vector(0)'}, kind="stat"),
        Panel("磁盘空闲", {"{{process}}": "tongyuan_disk_free_bytes / tongyuan_disk_size_bytes"}, "percentunit"),
        Panel("每秒请求", {"{{service}}": rate("tongyuan_http_requests_total", "service")}, "reqps"),
    ),
)
CHANNEL = Dashboard(
    "tongyuan-channel",
    "同源：一个渠道",
    (
        Panel("及时", {"{{channel}}": f"channel:tongyuan_canary_fresh:bool{OF_CHANNEL}"}, kind="stat"),
        Panel("展示的文档", {"{{kind}}": f"tongyuan_documents{OF_CHANNEL}"}),
        Panel("落后的条目", {"条目": f"scalar(max(tongyuan_ledger_position)) - tongyuan_channel_position{OF_CHANNEL}"}),
        Panel(
            "从发布到可见",
            {
                "百分之九十九": quantile("0.99", LATENCY, "channel", OF_CHANNEL),
                "一半": quantile("0.5", LATENCY, "channel", OF_CHANNEL),
            },
            "s",
        ),
        Panel("待生效的版本", {"版本": f"tongyuan_scheduled_entries{OF_CHANNEL}"}),
        Panel("到时而未展示", {"最老": f"tongyuan_scheduled_overdue_seconds{OF_CHANNEL}"}, "s"),
        Panel("暂存的条目", {"条目": f"tongyuan_parked_entries{OF_CHANNEL}"}),
        Panel("未齐的成组发布", {"组": f"tongyuan_channel_sets_waiting{OF_CHANNEL}"}),
        Panel("打开的事件流", {"流": f"sum(tongyuan_stream_clients{OF_CHANNEL}) or vector(0)"}),
        Panel("应用的条目，每秒", {"{{op}}": rate("tongyuan_applied_total", "op", '{service="$channel"}')}, "ops"),
        Panel("签名头的时间", {"头": 'max(tongyuan_head_age_seconds{service="$channel"})'}, "s"),
        Panel(
            "请求，每秒",
            {"{{status}}": rate("tongyuan_http_requests_total", "status", '{service="$channel"}')},
            "reqps",
        ),
    ),
    ("channel", "label_values(tongyuan_channel_position, channel)"),
)
SERVICE = Dashboard(
    "tongyuan-service",
    "同源：一个进程",
    (
        Panel("应答", {"{{process}}": f"up{OF_PROCESS}"}, kind="stat"),
        Panel("常驻内存", {"内存": f"process_resident_memory_bytes{OF_PROCESS}"}, "bytes"),
        Panel("处理器", {"核": f"rate(process_cpu_seconds_total{OF_PROCESS}[$__rate_interval])"}),
        Panel("打开的描述符", {"描述符": f"process_open_fds{OF_PROCESS}"}),
        Panel("打开的连接", {"连接": f"tongyuan_http_connections{OF_PROCESS}"}),
        Panel("请求和应答占用的字节", {"{{pool}}": f"tongyuan_http_bytes_in_flight{OF_PROCESS}"}, "bytes"),
        Panel(
            "应答时间，百分之九十九",
            {"{{service}}": quantile("0.99", "tongyuan_http_request_duration_seconds", "service", OF_PROCESS)},
            "s",
        ),
        Panel("请求，每秒", {"{{status}}": rate("tongyuan_http_requests_total", "status", OF_PROCESS)}, "reqps"),
        Panel("磁盘空闲", {"字节": f"tongyuan_disk_free_bytes{OF_PROCESS}"}, "bytes"),
    ),
    ("process", 'label_values(up{job="tongyuan"}, process)'),
)
INTEGRATORS = Dashboard(
    "tongyuan-integrators",
    "同源：对接方",
    (
        Panel("推送地址，按状态", {"{{state}}": "tongyuan_webhooks"}),
        Panel("停住的推送", {"推送": "tongyuan_webhooks_standing"}, kind="stat"),
        Panel("停住多久", {"最老": "tongyuan_webhook_oldest_seconds"}, "s"),
        Panel("推送，每秒", {"{{outcome}}": f"{rate('tongyuan_webhook_calls_total', 'outcome')} or vector(0)"}, "ops"),
        Panel("订阅日志的位置", {"位置": "tongyuan_subscription_log_position"}),
        Panel("订阅日志停住", {"停": "tongyuan_subscription_log_halted"}, kind="stat"),
        Panel("订阅者的事件流", {"流": 'sum(tongyuan_stream_clients{channel="subscriptions"}) or vector(0)'}),
        Panel("办件推送，每秒", {"{{outcome}}": f"{rate('tongyuan_hook_calls_total', 'outcome')} or vector(0)"}, "ops"),
        Panel("死信", {"{{queue}}": "sum by (queue) (tongyuan_dead_letters) or vector(0)"}),
    ),
)
DASHBOARDS = (COUNTY, CHANNEL, SERVICE, INTEGRATORS)
FOLDER = Path(__file__).parents[2] / "deploy" / "monitoring" / "dashboards"


def files() -> Mapping[Path, Callable[[], str]]:
    """Return what makes the text of each file."""
    return {FOLDER / f"{one.uid.removeprefix('tongyuan-')}.json": partial(text, one) for one in DASHBOARDS}


def text(dashboard: Dashboard) -> str:
    """Return the dashboard as Grafana imports it."""
    return json.dumps(_model(dashboard), ensure_ascii=False, indent=2) + "\n"


def _model(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["tongyuan"],
        "timezone": "browser",
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": list(_variables(dashboard))},
        "annotations": {"list": []},
        "panels": [_panel(number, one) for number, one in enumerate(dashboard.panels)],
    }


def _variables(dashboard: Dashboard) -> Iterator[dict[str, Any]]:
    yield {"name": "source", "label": "数据源", "type": "datasource", "query": "prometheus"}
    if dashboard.variable is not None:
        name, query = dashboard.variable
        asked = {"query": query, "refId": name}
        yield {"name": name, "type": "query", "datasource": SOURCE, "query": asked, "refresh": 2, "sort": 1}


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, ACROSS)
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.queries.items())
        ],
    }
