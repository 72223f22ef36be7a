"""Pages and JSON of the indicators. Everybody of the staff may read them."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.base import Json, format_time
from services.console.accounts.rights import may
from services.console.desk import Desk
from services.console.indicators import figures
from services.console.indicators.cache import FactsCache
from services.console.indicators.facts import Facts, Period
from services.console.pages.frame import page
from shared.errors import NotFound
from shared.text.dates import BEIJING
from shared.tokens.person import Person

Reader = Annotated[Person, Depends(may())]
Half = Annotated[str, Query(pattern=r"^(20[0-9]{2}-[12])?$", description="Half year, such as `2026-1`; empty: now")]
Unit = Annotated[str, Query(pattern=r"^([0-9A-Z]{18})?$", description="统一社会信用代码; empty: all units")]
Yes = Literal["yes", "no", "unknown"]
ANSWERS = {"yes": "是", "no": "否", "unknown": "没有说明"}
CHARTED = ("online", "deep", "once", "shorter", "on_time")
MOST_LISTED = 1000


def indicator_routes(desk: Desk) -> APIRouter:
    """Return pages and JSON."""
    cache, routes = FactsCache(desk.services), APIRouter()
    routes.include_router(_pages(desk, cache))
    routes.include_router(_json(desk, cache))
    return routes


def _pages(desk: Desk, cache: FactsCache) -> APIRouter:
    routes = APIRouter(prefix="/indicators", include_in_schema=False)

    def shown(request: Request, template: str, half: str, person: Person) -> Response:
        name = half or this_half()
        facts = cache.soon(person, Period.half(name))
        if facts is None:
            return page(request, "indicators_wait.html", person=person)
        return page(
            request, template, person=person, half=name, halves=halves(), facts=facts, county_figures=of_county(facts),
            consistency=figures.consistency(facts, desk.channel_titles), units=figures.by_unit(facts),
            channels=desk.channel_titles, charted=CHARTED, tests=figures.QUESTIONS_BY_NAME,
        )  # fmt: skip

    @routes.get("")
    def overview(request: Request, person: Reader, half: Half = "") -> Response:
        return shown(request, "indicators.html", half, person)

    @routes.get("/report")
    def report(request: Request, person: Reader, half: Half = "") -> Response:
        return shown(request, "indicators_report.html", half, person)

    @routes.get("/list/{name}")
    def listed(request: Request, name: str, person: Reader, answer: Yes = "no", unit: Unit = "") -> Response:
        question = question_of(name)
        facts = cache.soon(person, Period.half(this_half()))
        if facts is None:
            return page(request, "indicators_wait.html", person=person)
        rows = figures.listed(facts, name, answer, unit)
        return page(
            request, "indicators_list.html", person=person, test=question, answer=answer, answers=ANSWERS, unit=unit,
            rows=rows[:MOST_LISTED], count=len(rows), facts=facts,
        )  # fmt: skip

    return routes


def _json(desk: Desk, cache: FactsCache) -> APIRouter:
    routes = APIRouter(prefix="/v1/indicators", tags=["indicators"])

    @routes.get("", summary="Read the indicators of a half year: of the county, its channels and its units")
    def all_figures(person: Reader, half: Half = "") -> Json:
        """`unknown`: how many could not be counted, because nobody stated it. `value` null: nothing is known."""
        facts = cache.get(person, Period.half(half or this_half()))
        return {
            **_told(facts),
            "county": {one.name: one.as_json() for one in of_county(facts)},
            "channels": {name: one.as_json() for name, one in figures.consistency(facts, desk.channel_titles).items()},
            "units": [
                {**row, "figures": {name: one.as_json() for name, one in row["figures"].items()}}
                for row in figures.by_unit(facts)
            ],
        }

    @routes.get("/list/{name}", summary="List the items behind an indicator")
    def listed(name: str, person: Reader, answer: Yes = "no", unit: Unit = "") -> Json:
        question_of(name)
        facts = cache.get(person, Period.half(this_half()))
        rows = figures.listed(facts, name, answer, unit)
        return {**_told(facts), "items": rows[:MOST_LISTED], "count": len(rows)}

    return routes


def of_county(facts: Facts) -> list[figures.Figure]:
    """Return the county's own figures."""
    return [*figures.publishing_figures(facts), *figures.case_figures(facts), *figures.item_figures(facts.items)]


def this_half(today: date | None = None) -> str:
    """Return the half year of today in Beijing."""
    return Period.half_of(today or datetime.now(BEIJING).date())


def halves(count: int = 4) -> list[str]:
    """Return the names of the newest half years, newest first."""
    year, number = map(int, this_half().split("-"))
    found = []
    for _ in range(count):
        found.append(f"{year}-{number}")
        year, number = (year, 1) if number > 1 else (year - 1, 2)
    return found


def question_of(name: str) -> figures.Question:
    """Return the question behind an indicator. Raises `NotFound` if no list belongs to it."""
    if name not in figures.QUESTIONS_BY_NAME:
        raise NotFound(f"no list belongs to an indicator {name[:40]}")
    return figures.QUESTIONS_BY_NAME[name]


def _told(facts: Facts) -> Json:
    period = {"first": facts.period.first.isoformat(), "last": facts.period.last.isoformat()}
    return {"at": format_time(facts.at), "period": period, "problems": dict(facts.problems)}
