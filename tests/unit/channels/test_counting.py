"""What a channel counts: documents after a change only, and rarely what takes long to count."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import event

from services.channels.api import cached, store_measures
from services.channels.api.cached import Paced
from services.channels.api.queries import freshness
from services.channels.api.store_measures import StoreMeasures
from tests.harness.pipeline import Pipeline, guide, item, pipeline, progress


@pytest.fixture
def county(tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path, channels=("kiosk",)) as made:
        for number in (1, 2):
            made.release(item(number))
        made.release(guide(1))
        made.release_case(progress())
        made.flow()
        made.flow()
        yield made


@pytest.fixture
def countings(county: Pipeline) -> Iterator[list[str]]:
    """The statements that count all documents, as they are executed."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "GROUP BY document.kind" in statement:
            found.append(statement)

    engine = county.dbs["kiosk"].engine
    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def shown_items() -> float | None:
    return REGISTRY.get_sample_value("tongyuan_documents", {"channel": "kiosk", "kind": "item"})


def mark_of(county: Pipeline) -> dict[str, object]:
    with county.dbs["kiosk"].read() as session:
        return freshness(session)


def test_documents_are_counted_again_only_after_a_change(
    county: Pipeline, countings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_measures, "MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(Paced, "SHARE", 1e9)
    measures = StoreMeasures(county.dbs["kiosk"], "kiosk")
    for _ in range(5):
        measures.set_when_due(mark_of(county))
    assert len(countings) == 1
    assert shown_items() == 2

    county.release(item(3))
    county.flow()
    measures.set_when_due(mark_of(county))
    assert len(countings) == 2
    assert shown_items() == 3


def test_what_takes_long_to_count_is_counted_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, counted = [1000.0], []

    def takes_two_seconds() -> int:
        clock[0] += 2.0
        counted.append(clock[0])
        return len(counted)

    monkeypatch.setattr(cached.time, "monotonic", lambda: clock[0])
    paced = Paced(10.0, takes_two_seconds)
    for _ in range(1_000):
        assert paced.get() == len(counted)
        clock[0] += 1.0
    assert len(counted) == 5, "2 s in every 202"
