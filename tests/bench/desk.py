"""How long each page of the desk takes at 5,000 items and 100,000 cases: make bench-desk; about eight minutes.

Also the search of all audit logs together, at a million rows in all. `tongyuan up` serves; the pages are read over HTTP
by a person who has every role, ten times each.

Prints p50 and the longest; exits with 1 if the second longest of a page is over 200 ms. `fill FOLDER` and `time FOLDER`
do the two halves apart.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import httpx

from contracts.topology import CONSOLE
from services.console.accounts.rights import COOKIE
from services.console.accounts.sessions import Arrival, Method, Sessions, Stage
from shared.database.engine import Database
from tests.bench.audit_log import BEGIN, RARE, YEARS, address_of, item, person
from tests.bench.desk_filling import EVERYBODY, ITEMS, born, fill
from tests.harness.county import EmbeddedCounty, wait_for
from tests.harness.pipeline import code_of

TIMES, SLOW_MS = 10, 200
PAGES = {
    "first page": "/",
    "items": "/content",
    "items, words": "/content?q=办理事项4321",
    "items, a state": "/content?state=released",
    "one item": f"/content/{code_of(ITEMS // 2)}",
    "its versions": f"/content/{code_of(ITEMS // 2)}/differences",
    "what I write": "/content/work",
    "a new item": "/content/new",
    "content blocks": "/blocks",
    "tables": "/tables",
    "releases": "/release",
    "a set": f"/release/compose?code={code_of(1)}&code={code_of(2)}",
    "calendar": "/release/plans",
    "withdraw": "/release/withdraw",
    "shown": f"/release/shown?place=web&code={code_of(7)}&at=2026-03-03T10:05",
    "reviews": "/reviews",
    "imports": "/imports",
    "pipeline": "/operations",
    "troubles": "/operations/troubles",
    "actions": "/operations/actions",
    "a trace": f"/operations/trace?key=item:{code_of(7)}",
    "a channel": "/operations/channels/web",
    "feedback": "/operations/feedback",
    "deadlines": "/operations/deadlines",
    "searches": "/operations/searches",
    "screens": "/operations/screens",
    "indicators": "/indicators",
    "half-year report": "/indicators/report",
    "list of an indicator": "/indicators/list/one-visit",
    "people": "/people",
    "own account": "/account",
    "audit log": "/audit",
}
MIDDLE = (BEGIN + YEARS * 0.5).date()
SEARCHES = {
    "newest": {},
    "person": {"actor": person(3)},
    "person of few acts": {"actor": person(199)},
    "nobody": {"actor": "nobody"},
    "object": {"thing": item(77)},
    "code": {"thing": code_of(77)},
    "action": {"action": "withdraw"},
    "rare action": {"action": RARE},
    "rare action, a month": {"action": RARE, "from": str(MIDDLE), "to": f"{MIDDLE:%Y-%m}-30"},
    "a month": {"from": str(MIDDLE), "to": f"{MIDDLE:%Y-%m}-30"},
    "person, a month": {"actor": person(3), "from": str(MIDDLE), "to": f"{MIDDLE:%Y-%m}-30"},
    "address": {"address": address_of(5)},
    "person at a foreign address": {"actor": person(3), "address": address_of(60)},
    "action of a person": {"actor": person(3), "action": "suspend"},
    "one log": {"log": "catalog"},
}


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    if arguments[:1] == ["fill"]:
        born(Path(arguments[1]))
        fill(Path(arguments[1]))
        return 0
    if arguments[:1] == ["time"]:
        return measure(Path(arguments[1]))
    with tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name:
        born(Path(name))
        fill(Path(name))
        return measure(Path(name))


def measure(folder: Path) -> int:
    """Start the county of a folder, time everything and print it."""
    cookies = {COOKIE: signed_in(folder)}
    county = EmbeddedCounty(folder, "--no-demo")
    county.start()
    try:
        wait_for(lambda: _is_shown(county), "the channels show everything", 900)
        address = f"{county.url('console')}/console"
        with httpx.Client(base_url=address, timeout=60, trust_env=False, cookies=cookies) as browser:
            slow = [name for name, ask in _asked(browser) if _measured(name, ask) > SLOW_MS]
    finally:
        county.stop()
    print(f"slower than {SLOW_MS} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def _is_shown(county: EmbeddedCounty) -> bool:
    wanted = [f"{channel}/v1/guides/{code_of(ITEMS)}" for channel in ("web", "mobile", "kiosk", "portal")]
    return all(county.http("web").get(f"/{path}").is_success for path in wanted)


def signed_in(folder: Path) -> str:
    """Return the cookie of a person with every role, who has passed the second factor."""
    with closing(Database(CONSOLE, f"sqlite:///{folder}/data/{CONSOLE}.db")) as db:
        came = Arrival("127.0.0.1", "a bench", Method.OIDC_TWO_FACTORS)
        return Sessions(db).begin(EVERYBODY.name, Stage.COMPLETE, came)


def _asked(browser: httpx.Client) -> Iterator[tuple[str, Callable[[], httpx.Response]]]:
    for name, path in PAGES.items():
        yield name, lambda path=path: browser.get(path)
    for name, wanted in SEARCHES.items():
        address = f"/audit?{urlencode(wanted)}"
        yield f"audit: {name}", lambda address=address: browser.get(address)


def _measured(name: str, ask: Callable[[], httpx.Response]) -> float:
    """Print how long a page takes; return the second longest of its times, because one may be the machine's."""
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        answer = ask()
        taken.append((time.perf_counter() - begun) * 1000)
        assert answer.is_success, (name, answer.status_code, answer.text[:300])
    first, taken = taken[0], sorted(taken)
    size = len(answer.content)
    print(
        f"{name}: p50 {taken[TIMES // 2]:.0f} ms, most {taken[-1]:.0f} ms, first {first:.0f} ms, {size:,} bytes",
        flush=True,
    )
    return taken[-2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
