"""A channel that is one added folder, over a real broker and PostgreSQL: queue, account, schema, worker, HTTP."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from services.runtime.manifests import CHANNELS
from tests.harness.broker_queues import ready
from tests.harness.county import County, running, wait_for
from tests.harness.fifth_channel import NAME, ProductionHotline, program_with_hotline
from tests.harness.pipeline import code_of, item
from tests.harness.postgres import PrivatePostgres
from tests.harness.rabbitmq import PrivateRabbit

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("fifth-channel")]
DATABASE = "fifth"


@pytest.fixture(scope="module")
def county(
    tmp_path_factory: pytest.TempPathFactory, rabbitmq: PrivateRabbit, postgres: PrivatePostgres
) -> Iterator[ProductionHotline]:
    program = program_with_hotline(tmp_path_factory.mktemp("program"))
    database = postgres.url(postgres.create_database(DATABASE))
    place = ProductionHotline(tmp_path_factory.mktemp("county"), program, rabbitmq.new_vhost(), database)
    with running(place) as made:
        yield made


def test_a_release_comes_by_its_own_queue_and_is_shown(county: ProductionHotline) -> None:
    path = f"/catalog/v1/items/{code_of(1)}"
    county.http("catalog").put(path, json=item(1).model_dump(mode="json", exclude_none=True)).raise_for_status()
    county.http("catalog").post(f"{path}/release").raise_for_status()

    wait_for(lambda: county.http(NAME).get(f"/{NAME}/v1/items/{code_of(1)}").is_success, "the item is shown", 300)

    amqp = county.env["TONGYUAN_AMQP_URL"]
    # Those channels do not run here: the topology job has declared the queue of every channel, and theirs are full.
    wait_for(lambda: all(ready(amqp, f"{name}.publications") > 0 for name in CHANNELS), "the others' queues fill")
    wait_for(lambda: ready(amqp, f"{NAME}.publications") == 0, "its own queue is read")
    metrics = county.http(f"{NAME}-worker").get("/metrics").text
    assert f'tongyuan_consumer_messages_total{{outcome="acked",queue="{NAME}.publications"}}' in metrics


def test_its_own_tables_are_in_its_schema_and_in_a_backup(county: ProductionHotline, tmp_path: Path) -> None:
    called = county.http(NAME).post(f"/{NAME}/v1/calls/{code_of(1)}")
    assert called.json() == {"code": code_of(1), "calls": 1}
    assert rows(county) == [(code_of(1), 1)]

    file = tmp_path / "county.backup"
    assert_done(county, "backup", str(file))
    county.stop()
    with psycopg.connect(dsn(county)) as connection:
        connection.execute(f"UPDATE {NAME}.call SET calls = 7")
    assert_done(county, "restore", str(file), "--force")

    assert rows(county) == [(code_of(1), 1)]


def assert_done(county: County, *arguments: str) -> None:
    done = county.cli(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def rows(county: County) -> list[tuple[str, int]]:
    with psycopg.connect(dsn(county)) as connection:
        return connection.execute(f"SELECT code, calls FROM {NAME}.call").fetchall()


def dsn(county: County) -> str:
    return county.env["TONGYUAN_DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://", 1)
