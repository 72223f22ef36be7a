"""Reads how far every service is, all at once and each with a time limit: one that is down delays no other."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.base import Json
from contracts.topology import AUDITOR, SOURCES
from services.console.upstream.services import Services
from shared.errors import NotFound, TongyuanError, Unavailable
from shared.tokens.person import Person

ANSWER_SECONDS = 2.0
"""A service that has not answered one question after this long counts as down."""

ALL_SECONDS = 3.0
"""The longest that a reading of all services waits; who is later is told as not answering."""

LEDGER, KIOSK = "ledger", "kiosk"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a service told at a time; `problem` says why it told nothing."""

    service: str
    at: datetime
    facts: Json
    problem: str = ""


Get = Callable[..., Any]
"""GET of a path of one service; returns the JSON."""


def read_all(services: Services, channels: Iterable[str], person: Person, executor: Executor) -> Mapping[str, Reading]:
    """Return a reading of each source, the ledger, each channel and the auditor.

    The ledger comes first: what the others have done by then is at least what it had recorded and they had applied, so
    a part that goes on meanwhile is not taken for one that has lost something.
    """
    first = executor.submit(_read, services, LEDGER, _ledger, person)
    wait([first], ALL_SECONDS)
    asked: dict[str, Callable[[Get], Json]] = dict.fromkeys(SOURCES, _source)
    asked |= {**dict.fromkeys(channels, _channel), AUDITOR: _auditor}
    begun = {name: executor.submit(_read, services, name, ask, person) for name, ask in asked.items()}
    wait(begun.values(), ALL_SECONDS)
    return {name: _come(name, one) for name, one in {LEDGER: first, **begun}.items()}


def getting(services: Services, service: str, person: Person) -> Get:
    """Return a function that reads JSON from one service within the time limit."""

    def get(path: str, **params: Any) -> Any:
        return services.send("GET", service, path, person, params=params, timeout=ANSWER_SECONDS).content

    return get


def _come(name: str, begun: "Future[Reading]") -> Reading:
    if begun.done():
        return begun.result()
    return Reading(name, datetime.now(UTC), {}, f"no answer within {ALL_SECONDS:.0f} s")


def _read(services: Services, name: str, ask: Callable[[Get], Json], person: Person) -> Reading:
    get = getting(services, name, person)
    try:
        try:
            facts = ask(get)
        except Unavailable:
            # Its store was busy for a moment; a service that is in trouble says so again.
            facts = ask(get)
    except TongyuanError as error:
        return Reading(name, datetime.now(UTC), {}, str(error)[:300])
    except (KeyError, TypeError, ValueError) as error:
        # A service of another version may answer in another shape: that is its problem, not the page's.
        return Reading(name, datetime.now(UTC), {}, f"its answer is not understood: {type(error).__name__}")
    return Reading(name, datetime.now(UTC), facts)


def _source(get: Get) -> Json:
    return {"released": dict(get("releases/heads"))}


def _ledger(get: Get) -> Json:
    try:
        head = get("head")
    except NotFound:
        head = None
    marks = {f"{one['source']}/{one['lane']}": one["sequence"] for one in get("sources")["sources"]}
    signer = get("signer")
    size = get("entries", limit=1)["size"]
    return {"size": size, "head": head and head["time"], "recorded": marks, "refuses": signer["refuses"],
            "damaged": signer["damaged"]}  # fmt: skip


def _channel(get: Get) -> Json:
    position, lineage = get("position"), get("lineage")
    return {
        "position": position["position"],
        "head": position["head"] and position["head"]["time"],
        "parked": len(get("parked")["parked"]),
        "halted": lineage["halted"],
        "paused": lineage["paused"],
        "drill": get("drill"),
    }


def _auditor(get: Get) -> Json:
    report = get("report")
    return {"open": report["open"], "channels": report["channels"], "position": report["ledger"]["position"]}
