"""A draft never leaves its source by any automatic way: every byte that left is searched for it.

Each text field of a draft contains a secret word, and there is a draft for each automatic way. The same search must
find the word in the editor's own store and answers, to prove that it works.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta

import pytest

from contracts.envelope.publication import Lane
from contracts.topology import SOURCES
from services.catalog.commands import ItemImport
from services.runtime.manifests import CHANNELS
from shared.errors import Conflict
from shared.publishing import editions
from shared.publishing.editions import EditionState, Plans
from shared.publishing.imports.request import ImportRequest
from shared.text.local_midnight import COUNTY_TIME
from tests.harness.actors import TESTER
from tests.harness.pipeline import ADMIN, SERVICE, code_of, guide, item, pipeline

CANARY = "未审核内容"
TODAY = datetime.now(COUNTY_TIME).date()
AWAY = {"suspended": EditionState.SUSPENDED, "hidden with its item": EditionState.WITHDRAWN}
WAYS = ("planned end", "suspended", "hidden with its item", "imported again", "plan kept", "plan cancelled", "erased")


@pytest.fixture
def county(tmp_path):
    with pipeline(tmp_path) as made:
        yield made


def test_no_draft_leaves_by_any_automatic_way(county, tmp_path, capfd):
    for number in range(len(WAYS)):
        first(county, number)
    county.flow()
    for number in range(len(WAYS)):
        draft(county, number)
    run_every_way(county)

    for name in CHANNELS:
        county.rebuild(name)
    left = {**answers(county), **stores(tmp_path), "log": capfd.readouterr().err.encode()}

    assert [where for where, content in left.items() if CANARY.encode() in content] == []
    assert escaped(left) == []
    assert len(left) > 200


def test_the_search_finds_what_is_there_to_find(county, tmp_path):
    first(county, 0)
    draft(county, 0, ends=TODAY + timedelta(days=9))

    seen = county.get(f"catalog/v1/items/{code_of(0)}", ADMIN)
    assert CANARY in seen.text
    assert CANARY.encode() in (tmp_path / "catalog.db").read_bytes() + (tmp_path / "catalog.db-wal").read_bytes()
    county.catalog.release_item(TESTER, code_of(0), editions.Period(), None)
    county.flow()
    assert [where for where, content in stores(tmp_path).items() if CANARY.encode() in content]
    assert [where for where, content in answers(county).items() if CANARY.encode() in content]


def first(county, number):
    ends = {"plan_cancel_date": str(TODAY + timedelta(days=3))} if WAYS[number] == "planned end" else {}
    county.release(item(number, f"已审核{number}", **ends))
    county.release(guide(number, f"已审核{number}"))


def draft(county, number, ends=TODAY):
    """Save a draft of the item and its guide with the word in every text, and an end date that was not released."""
    texts = dict.fromkeys(("task_name", "dept_name", "short_name", "result_name", "limit_scene_explain"), CANARY)
    secret_item = item(number, **{"name": CANARY} | {k: v for k, v in texts.items() if k != "task_name"})
    secret_item = secret_item.model_copy(update={"plan_cancel_date": ends, "keywords": [CANARY]})
    lines = ("accept_condition", "special_procedure", "time_limit_explain", "link_way", "supervise_way", "remedy")
    secret_guide = guide(number, CANARY, dept_name=CANARY, **dict.fromkeys(lines, CANARY))
    for source, save, one in (
        (county.catalog, county.catalog.save_item, secret_item),
        (county.guides, county.guides.save_guide, secret_guide),
    ):
        with source.db.read() as session:
            revision = editions.find(session, one.code).revision
        save(TESTER, one.code, one.model_dump(mode="json"), revision)


def run_every_way(county):
    """Timers, hide and return, suspend and restore, re-import, plans kept and cancelled, catching up, erasure."""
    county.catalog.withdraw_cancelled()
    county.clock = lambda: datetime.combine(TODAY + timedelta(days=3), time(12), COUNTY_TIME)
    county.catalog.withdraw_cancelled()
    for number, way in enumerate(WAYS):
        if way in AWAY:
            county.withdraw(item(number), AWAY[way])
        if way == "suspended":
            county.withdraw(guide(number), EditionState.SUSPENDED)
    county.flow()
    for number, way in enumerate(WAYS):
        if way == "suspended":
            restore(county, number)
        if way in ("hidden with its item", "imported again", "planned end"):
            again = [item(number, f"再次导入{number}").model_dump(mode="json")]
            county.catalog.import_items(TESTER, ItemImport(rows=again))
            guides = [guide(number, f"再次导入{number}").model_dump(mode="json")]
            county.guides.import_guides(TESTER, ImportRequest(rows=guides))
        if way in ("plan kept", "plan cancelled"):
            plan(county, number, Plans.KEEP if way == "plan kept" else Plans.CANCEL)
    with suppress(Conflict):
        county.withdraw(item(WAYS.index("erased")))
    county.flow()
    county.watch.reconcile()
    county.intake.reconcile()
    county.catalog.withdraw_cancelled()
    county.flow()


def restore(county, number):
    for source in (county.catalog, county.guides):
        with source.db.write() as session:
            editions.restore(session, source.who, TESTER, code_of(number))


def plan(county, number, plans):
    """Plan changes by an import, then keep or cancel that plan."""
    source, soon = county.catalog, datetime.now(UTC) + timedelta(days=9)
    body = item(number, f"计划{number}").model_dump(mode="json", exclude_none=True)
    wanted = [editions.BodyToRelease(code_of(number), body, editions.Period(soon))]
    with source.db.write() as session:
        editions.release_many(session, source.who, TESTER, wanted, Lane.BACKFILL)
    with source.db.write() as session:
        if plans == Plans.KEEP:
            editions.withdraw_many(session, source.who, TESTER, [code_of(number)], Lane.LIVE)
        else:
            editions.cancel_plans(session, source.who, TESTER, code_of(number))


def answers(county):
    """Return everything that anybody, or any other service, can read: every GET of each service's OpenAPI document."""
    said = {}
    for service in (*SOURCES, "ledger", *CHANNELS, "verify"):
        document = county.get(f"{service}/openapi.json").json()
        for path, operations in document["paths"].items():
            # The editors' own addresses; cases have no drafts; the endless stream sends the same as `changes`.
            own = path.startswith(("/v1/items", "/v1/guides")) and service in SOURCES
            if "get" not in operations or own or path.startswith("/v1/applications") or path.endswith("/stream"):
                continue
            for filled in addresses(f"{service}{path}", operations["get"].get("parameters", [])):
                for token in (None, SERVICE) if service != "verify" else (None,):
                    said[f"{filled} {'service' if token else 'anybody'}"] = county.get(filled, token).content
        if service in CHANNELS:
            for page in ("", "items", f"search?q={CANARY[:2]}", *(f"items/{code_of(n)}" for n in range(len(WAYS)))):
                said[f"{service}/{page}"] = county.get(f"{service}/{page}").content
    return said


def addresses(path, parameters):
    """Yield the address with every value that its parameters can have here."""
    codes = [code_of(number) for number in range(len(WAYS))]
    values = {
        "code": codes,
        "key": [f"{kind}:{code}" for kind in ("item", "guide") for code in codes],
        "version": ["1", "2", "3", "4"],
        "lane": ["live", "backfill"],
        "q": [CANARY[:3], "已审核"],
        "position": [str(n) for n in range(1, 45)],
        "bucket": [f"{n:02x}" for n in range(0, 256, 15)],
        "kind": ["item", "guide"],
        "first": ["1"],
        "size": ["20"],
        "path": ["0/000", "entries/000"],
    }
    found = [path]
    for name in [p["name"] for p in parameters if p["required"] and p["name"] in values]:
        inside = f"{{{name}}}" in path
        found = [
            one.replace(f"{{{name}}}", value) if inside else f"{one}{'&' if '?' in one else '?'}{name}={value}"
            for one in found
            for value in values[name]
        ]
    return found


def stores(folder):
    """Return the bytes of every store that is not a source's own."""
    own = tuple(f"{source}.db" for source in SOURCES)
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and not path.name.startswith(own)
    }


def escaped(left):
    """Return where the word occurs, also as JSON and addresses may escape it."""
    spelled = [CANARY.encode("unicode_escape").decode(), "".join(f"%{byte:02X}" for byte in CANARY.encode())]
    pattern = re.compile("|".join(map(re.escape, spelled)).encode(), re.IGNORECASE)
    return [where for where, content in left.items() if pattern.search(content)]
