"""`make bench-reading`: how many readers one HTTP process serves, beside the least ASGI app in the same run.

Requests a second of a guide's JSON and of its page (wrk), bytes of the first page, and thousands of screens that
listen while something is released: when the last of them has heard, and what each costs in memory.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.demo import content
from tests.bench.wrk import served_by
from tests.harness.county import CHANNELS, EmbeddedCounty, running, wait_for
from tests.harness.listeners import Listeners
from tests.harness.served import served

ROUNDS = 3


def main() -> None:
    """One table."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name:
        folder = Path(name)
        with running(EmbeddedCounty(folder / "county", "--demo")) as county:
            port = int(county.env["TONGYUAN_PORT"])
            wait_for(lambda: _shows_all(county), "the demo is shown", 180)
            # It has much to read of a county that is new, and not again.
            wait_for(lambda: county.cli("audit").returncode == 0, "the auditor has been round", 240)
            code = _with_guide(county.url("kiosk"))
            for path in (f"/kiosk/v1/guides/{code}", f"/kiosk/items/{code}", "/web/"):
                compare(county.url("kiosk"), path, folder, arguments.seconds)
            first_pages(county.url("web"))
            screens(county, port, arguments.screens)


def _shows_all(county: Any) -> bool:
    """Before that, each of its releases ends what is kept in memory."""
    whole = len(content.items()) + len(content.guides())
    return all(county.http(name).get(f"/{name}/v1/source").json()["position"] >= whole for name in CHANNELS)


def _with_guide(url: str) -> str:
    changes = httpx.get(f"{url}/kiosk/v1/changes").json()["changes"]
    return next(change["document"]["code"] for change in changes if change["key"].startswith("guide:"))


def compare(url: str, path: str, folder: Path, seconds: int) -> None:
    """Ours and the bare app in turns, so that what else the machine does strikes both."""
    answer = httpx.get(url + path, headers={"Accept-Encoding": "identity"})
    answer.raise_for_status()
    body = folder / "body"
    body.write_bytes(answer.content)
    env = {"BARE_BODY": str(body), "BARE_TYPE": answer.headers["content-type"]}
    same = ("--lifespan", "off", "--no-server-header", "--no-date-header")  # as `shared.web.server.process` sets them
    with served("tests.harness.bare:app", *same, env=env) as other:
        pairs = [
            (served_by(url + path, seconds).per_second, served_by(other + path, seconds).per_second)
            for _ in range(ROUNDS)
        ]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (round(statistics.median(side)) for side in zip(*pairs, strict=True))
    print(f"{path[:28]:<30} {len(answer.content):>7} bytes   ours {ours:>6}/s   bare {theirs:>6}/s   ratio {ratio:.2f}")


def first_pages(url: str) -> None:
    """What a first visit loads besides pictures: the page and all it names, as sent (zstd)."""
    for channel in ("web", "kiosk", "portal", "mobile"):
        with httpx.Client(base_url=url) as http:
            page = http.get(f"/{channel}/")
            files = sorted(set(re.findall(rf'(?:src|href)="(/{channel}/static/[^"]+)"', page.text)))
            imported = {
                f"/{channel}/static/{name}"
                for file in files
                for name in re.findall(r'from "\./([\w-]+\.js)"', http.get(file).text)
            }
            sizes = [sent(http, path) for path in (f"/{channel}/", *files, *sorted(imported))]
        print(f"first page of {channel:<7} {len(sizes):>2} files   {sum(sizes) / 1024:>6.1f} KiB as sent")


def sent(http: httpx.Client, path: str) -> int:
    """Bytes of a body on the network."""
    with http.stream("GET", path) as answer:
        return sum(len(part) for part in answer.iter_raw())


def screens(county: Any, port: int, count: int) -> None:
    """Release after release while `count` screens listen."""
    http = county.http("catalog")
    item = content.items()[0]
    pid = county.processes["up"].pid
    before = resident(pid)
    listeners = Listeners(port, "/kiosk/v1/stream", count)
    idle = resident(pid)
    lasts, firsts = [], []
    for number in range(10):
        revision = http.get(f"/catalog/v1/items/{item.code}").json()["revision"]
        draft = {**item.model_dump(mode="json"), "promise_day": number + 1}
        revision = http.put(f"/catalog/v1/items/{item.code}", json=draft, headers={"If-Match": f'"{revision}"'}).json()[
            "revision"
        ]
        began = time.monotonic()
        version = http.post(f"/catalog/v1/items/{item.code}/release").json()["version"]
        mark = f'"key":"item:{item.code}","version":{version},'.encode()
        heard = sorted(listeners.heard(mark, 30).values())
        assert len(heard) == count, f"{count - len(heard)} screens did not hear of it"
        firsts.append((heard[0] - began) * 1000)
        lasts.append((heard[-1] - began) * 1000)
    after = resident(pid)
    listeners.close()
    middle, costs = statistics.median(lasts), [(held - before) / count for held in (idle, after)]
    print(f"{count} screens on one process, release sent → first {statistics.median(firsts):.0f} ms")
    print(f"  → last {middle:.0f} ms (median of {len(lasts)}; slowest {max(lasts):.0f} ms)")
    print(f"  memory a screen {costs[0]:.1f} KiB, after the releases {costs[1]:.1f} KiB")


def resident(pid: int) -> int:
    """KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found.group(1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each wrk run; three a side")
    parser.add_argument("--screens", type=int, default=5_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
