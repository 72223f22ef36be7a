"""Within the memory that docker-compose.yml gives each process, counted by the kernel: nobody's reading, sending or
listening ends a process, and what is released is seen meanwhile.

Prints what it measured; docs/reliability.md has the figures of a quiet machine.
"""

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import orjson
import pytest
import yaml

from tests.harness.county import ADMIN, REPOSITORY, ProductionCounty, answers, is_worker, wait_for
from tests.harness.memory_cage import MemoryCage
from tests.harness.pipeline import item
from tests.harness.strangers import Crowd, bodies, heads, readers, streams

pytestmark = [
    pytest.mark.long,
    pytest.mark.servers,
    pytest.mark.timeout(1_800),
    pytest.mark.xdist_group("county"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NAMES = ("catalog", "ledger", "ledger-worker", "web", "web-worker")
ITEMS = 1_000
RELEASES = 20
ENTRIES = "/ledger/v1/entries?limit=1000&proofs=true"
CHANGES = "/web/v1/changes?since=0&limit=500"
MEBI = 2**20


class CagedCounty(ProductionCounty):
    """Every process within its share."""

    def __init__(self, *given):
        super().__init__(*given)
        self.cages = {name: MemoryCage(name, shipped(name)) for name in NAMES}

    @property
    def names(self):
        return list(NAMES)

    def command(self, name):
        return self.cages[name].command(super().command(name))

    def figures(self):
        return {name: round(cage.peak / MEBI) for name, cage in self.cages.items()}

    def require_all_alive(self):
        assert {name: process.poll() for name, process in self.processes.items()} == dict.fromkeys(NAMES)
        assert {name: cage.kills for name, cage in self.cages.items()} == dict.fromkeys(NAMES, 0)

    def stop(self):
        super().stop()
        for cage in self.cages.values():
            cage.remove()


def shipped(name):
    """Bytes that the compose file gives a process."""
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    return int(compose["services"][name]["mem_limit"].removesuffix("m")) * MEBI


@pytest.fixture(scope="module")
def county(tmp_path_factory, fragile_rabbit, fragile_postgres):
    """A thousand items with some 9 KB of text each, shown."""
    folder = tmp_path_factory.mktemp("caged")
    database = fragile_postgres.url(fragile_postgres.create_database())
    made = CagedCounty(folder, fragile_rabbit.new_vhost(), database)
    try:
        made.prepare()
        made.start()
        load(made)
        tell(made, "loaded")
        yield made
    finally:
        made.stop()


def load(county):
    http, codes = county.http("catalog"), [f"0001{number:08d}" for number in range(ITEMS)]
    known = [*codes, *(f"0001{ITEMS + number:08d}" for number in range(ITEMS))]
    tasks = [{"catalog_code": code, "task_name": "试验", "task_type": "01", "use_level": ["4"]} for code in known]
    own = [item(number).catalog_code for number in range(1, RELEASES + 1)]
    tasks += [{"catalog_code": code, "task_name": "试验", "task_type": "07", "use_level": ["4"]} for code in own]
    http.put("/catalog/v1/directory?merge=true", json=tasks).raise_for_status()
    for start in range(0, ITEMS, 100):
        rows = [row(number, code) for number, code in enumerate(codes[start : start + 100], start)]
        http.post("/catalog/v1/imports", json={"rows": rows}, timeout=300).raise_for_status()
    wait_for(lambda: shown(county) >= ITEMS, "all is shown", 600)


def row(number, code, characters=3_000):
    text = "".join(chr(0x4E00 + (number * 7_919 + place * 104_729) % 20_900) for place in range(characters))
    return {
        "code": f"11339921003991014U4{code}", "catalog_code": code, "task_name": f"试验事项{code}", "task_type": "01",
        "use_level": "4", "dept_name": "云溪县公安局", "dept_code": "11339921003991014U", "promise_day": 5,
        "promise_type": "1", "anticipate_day": 20, "anticipate_type": "1", "serve_type": ["1"],
        "by_law": [{"law_name": "法", "article": "第一条", "content": text}],
    }  # fmt: skip


def shown(county):
    return county.http("web").get("/web/v1/source").json()["digests"]["counts"].get("item", 0)


def position(county):
    return county.http("web").get("/web/v1/position").json()["position"]


def tell(county, what):
    sys.stdout.write(f"{what}: peak MiB {county.figures()}\n")


def at_once(url, path, count):
    """How often each status was told to so many readers at once."""
    with ThreadPoolExecutor(count) as pool:
        asked = pool.map(lambda number: httpx.get(f"{url}{path}&x={number}", timeout=120), range(count))
        return [answer.status_code for answer in asked]


def test_ten_readers_of_the_entries_and_forty_of_the_changes_fit(county):
    entries = at_once(county.url("ledger"), ENTRIES, 10)
    changes = at_once(county.url("web"), CHANGES, 40)
    tell(county, f"{entries.count(200)} of 10 entries, {changes.count(200)} of 40 changes")

    county.require_all_alive()
    assert set(entries) | set(changes) <= {200, 503}
    assert entries.count(200) > 0
    assert changes.count(200) > 0


def test_a_release_is_seen_while_a_crowd_does_its_worst(county):
    ledger, web = (("127.0.0.1", county.ports[name]) for name in ("ledger", "web"))
    slow = [
        *readers(ledger, ENTRIES, 60), *readers(web, CHANGES, 40), *heads(ledger, 25), *heads(web, 25),
        *bodies(web, "/web/v1/applications/lookup", 50),
    ]  # fmt: skip
    heavy = [
        (*ledger, ENTRIES),
        (*web, CHANGES),
        (*web, "/web/v1/items?limit=500"),
        (*web, "/web/v1/search?q=%E8%AF%95%E9%AA%8C"),
    ]
    with Crowd([*slow, *streams(web, "/web/v1/stream", 2_000)], heavy, 8) as crowd:
        wait_for(lambda: crowd.answered() >= 2_000, "the streams have begun", 300)
        crowd.rush()
        took = [released(county, number) for number in range(1, RELEASES + 1)]
        there, told = crowd.connected(), crowd.told()
    tell(county, f"{there} strangers, heaviest reads {dict(told)}")
    took.sort()
    sys.stdout.write(f"release to visible: p50 {statistics.median(took):.2f} s, slowest {took[-1]:.2f} s\n")

    county.require_all_alive()
    assert all(answers(f"{county.url(name)}/{'' if is_worker(name) else name + '/'}healthz") for name in NAMES)
    assert told[200] > 0
    assert shown(county) >= ITEMS + RELEASES


def test_an_import_as_large_as_one_may_be_fits(county):
    rows = [row(number, f"0001{ITEMS + number:08d}", 10_000) for number in range(ITEMS)]
    body = orjson.dumps({"rows": rows})
    answer = county.http("catalog").post("/catalog/v1/imports", content=body, timeout=600)
    wait_for(lambda: position(county) >= 2 * ITEMS, "all of it is shown", 600)
    tell(county, f"an import of {len(body) / MEBI:.0f} MiB: {answer.status_code}")

    county.require_all_alive()
    assert answer.status_code == 200


def released(county, number):
    """Seconds from the answer to a release to the first page that shows it."""
    made = item(number)
    path = f"/catalog/v1/items/{made.code}"
    editor = county.http("catalog")
    assert editor.put(path, json=made.model_dump(mode="json")).status_code == 201
    assert editor.post(f"{path}/release").status_code == 200
    begun = time.monotonic()
    with httpx.Client(base_url=county.url("web"), timeout=60, headers={"Authorization": f"Bearer {ADMIN}"}) as reader:
        wait_for(lambda: reader.get(f"/web/v1/items/{made.code}").status_code == 200, "the release is shown", 60)
    return time.monotonic() - begun
