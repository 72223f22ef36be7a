"""`python -m tests.harness.dashboard_pictures`: draw every dashboard with the data of a real Prometheus.

A demo county runs for two minutes while somebody reads and releases. The pictures are drawn here and not by Grafana,
which Debian does not have: they show the panels, their queries' data and their legends, not Grafana's looks.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from services.demo import content
from services.deployment.dashboards import DASHBOARDS, Dashboard, Panel
from tests.harness.browser import Browser
from tests.harness.county import REPOSITORY, County, EmbeddedCounty, running
from tests.harness.prometheus import PANEL_VALUES, Monitoring, asked

FOLDER = REPOSITORY / "docs" / "images"
SECONDS = 120.0
BOX = (340, 120)
COLOURS = ("#1f60c4", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#b0870e", "#0f766e", "#6b7280")
STYLE = """
body{margin:0;padding:16px;font:13px "Noto Sans CJK SC",sans-serif;background:#f4f5f5;color:#24292e}
h1{font-size:18px;margin:0 0 12px}main{display:grid;grid-template-columns:repeat(3,372px);gap:8px}
section{background:#fff;border:1px solid #d8dbe0;padding:8px 12px;min-height:176px}h2{font-size:13px;margin:0 0 6px}
b{font-size:28px;font-weight:600}p{margin:2px 0;color:#57606a;font-size:11px}svg{display:block}
"""
Series = dict[str, Any]


def main() -> int:
    """Return the exit code: 0 done, 1 if a panel has no data."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with running(EmbeddedCounty(folder / "county", "--demo", env={"TONGYUAN_CANARY_INTERVAL": "5"})) as county:
            target = {"up": f"{county.url('ledger')}/ledger/metrics"}
            with Monitoring(folder / "monitoring", target).running() as monitoring:
                _work(county, time.monotonic() + SECONDS)
                pages = {f"{one.uid}.html": _page(monitoring, one) for one in DASHBOARDS}
        for file, (html, _) in pages.items():
            (folder / file).write_text(html, encoding="utf-8")
        _take(folder, list(pages))
    empty = [title for _, missing in pages.values() for title in missing]
    sys.stdout.write("".join(f"no data: {title}\n" for title in empty))
    return int(bool(empty))


def _work(county: County, end: float) -> None:
    """Read pages and lists until `end`."""
    code = content.guides()[0].code
    with httpx.Client(base_url=county.url("web"), trust_env=False, timeout=30) as http:
        while time.monotonic() < end:
            for channel in ("web", "mobile", "kiosk", "portal"):
                http.get(f"/{channel}/v1/guides/{code}")
                http.get(f"/{channel}/v1/items")
            time.sleep(0.2)


def _page(monitoring: Monitoring, dashboard: Dashboard) -> tuple[str, list[str]]:
    """Return the dashboard as HTML, and the titles of panels without data."""
    missing: list[str] = []
    cards = []
    for panel in dashboard.panels:
        series = [one for legend, query in panel.queries.items() for one in _series(monitoring, legend, query)]
        if not series:
            missing.append(f"{dashboard.title}: {panel.title}")
        cards.append(f"<section><h2>{escape(panel.title)}</h2>{_drawn(panel, series)}</section>")
    head = f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><style>{STYLE}</style>'
    title = escape(dashboard.title)
    return f"{head}<title>{title}</title><h1>{title}</h1><main>{''.join(cards)}</main>", missing


def _series(monitoring: Monitoring, legend: str, query: str) -> Iterator[Series]:
    end = time.time()
    asking: dict[str, str | float] = {
        "query": asked(query, {**PANEL_VALUES, "$process": "up"}),
        "start": end - 100,
        "end": end,
        "step": 2,
    }
    answer = httpx.get(f"{monitoring.url}/api/v1/query_range", params=asking, trust_env=False, timeout=30)
    answer.raise_for_status()
    for one in answer.json()["data"]["result"]:
        points = [(moment, float(value)) for moment, value in one["values"] if value != "NaN"]
        if points:
            yield {"legend": _named(legend, one["metric"]), "points": points}


def _named(legend: str, labels: Mapping[str, str]) -> str:
    for name, value in labels.items():
        legend = legend.replace(f"{{{{{name}}}}}", value)
    return legend


def _drawn(panel: Panel, series: Sequence[Series]) -> str:
    if panel.kind == "stat":
        return "".join(
            f"<p>{escape(one['legend'])}</p><b>{_said(one['points'][-1][1], panel.unit)}</b> " for one in series
        )
    points = [point for one in series for point in one["points"]]
    if not points:
        return "<p>—</p>"
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    top = max([y for _, y in points]) or 1.0
    lines = [_line(one, COLOURS[number % len(COLOURS)], (first, last), top) for number, one in enumerate(series)]
    legends = " ".join(
        f'<span style="color:{COLOURS[number % len(COLOURS)]}">■</span> {escape(one["legend"])}'
        for number, one in enumerate(series[:8])
    )
    width, height = BOX
    frame = f'<svg width="{width}" height="{height}" style="border-bottom:1px solid #d8dbe0">{"".join(lines)}</svg>'
    return f"<p>{_said(top, panel.unit)}</p>{frame}<p>{legends}</p>"


def _line(series: Series, colour: str, times: tuple[float, float], top: float) -> str:
    width, height = BOX
    first, span = times[0], max(times[1] - times[0], 1.0)
    places = [f"{(x - first) / span * width:.1f},{height - y / top * (height - 4):.1f}" for x, y in series["points"]]
    return f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(places)}"/>'


def _said(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.1%}"
    if unit == "bytes":
        return f"{value / 2**20:,.1f} MiB"
    return f"{value:,.3g} {'' if unit == 'short' else unit}".strip()


def _take(folder: Path, pages: Sequence[str]) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = Browser("chromium", folder / "browser")
    try:
        for page in pages:
            rows = -(-len(next(one for one in DASHBOARDS if page.startswith(one.uid)).panels) // 3)
            with browser.page(f"http://127.0.0.1:{server.server_address[1]}", (1190, 60 + 204 * rows)) as opened:
                opened.open(f"/{page}")
                file = opened.screenshot(FOLDER / page.replace("tongyuan-", "dashboard-").replace(".html", ".png"))
            sys.stdout.write(f"{file.name}: {file.stat().st_size:,} bytes\n")
    finally:
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
