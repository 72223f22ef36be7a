"""An operator adds a subscription, and what the docs say then works, over a county as in production."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.broker_queues import ready
from tests.harness.command import PROBLEM, USAGE, WELL, tongyuan
from tests.harness.county import REPOSITORY, EmbeddedCounty, ProductionCounty, running, wait_for
from tests.harness.integrators import IntegratorBroker
from tests.harness.node_programs import node
from tests.harness.pipeline import item
from tests.harness.postgres import PrivatePostgres
from tests.harness.rabbitmq import PrivateRabbit

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("amqp-subscriptions"), pytest.mark.timeout(600)]

PAGE = (REPOSITORY / "docs" / "integrating" / "amqp.md").read_text(encoding="utf-8")
FIRST, SECOND = 1, 2


class Integrating(ProductionCounty):
    """What an event passes through on its way to an integrator's queue; the operator's settings have the broker's."""

    operator: dict[str, str]

    @property
    def names(self) -> list[str]:
        return ["catalog", "ledger", "ledger-worker", "subscriptions"]

    def cli_env(self) -> dict[str, str]:
        return {**super().cli_env(), **self.operator}


@pytest.fixture(scope="module")
def broker(rabbitmq: PrivateRabbit, tmp_path_factory: pytest.TempPathFactory) -> IntegratorBroker:
    return IntegratorBroker(rabbitmq, tmp_path_factory.mktemp("broker"))


@pytest.fixture(scope="module")
def county(
    tmp_path_factory: pytest.TempPathFactory, broker: IntegratorBroker, postgres: PrivatePostgres
) -> Iterator[Integrating]:
    database = postgres.start().create_database()
    made = Integrating(tmp_path_factory.mktemp("integrating"), broker.admin_url, postgres.url(database))
    made.operator = {f"TONGYUAN_{name.upper()}": value for name, value in broker.operator().items()}
    with running(made):
        release(made, FIRST)
        yield made
    postgres.start().drop_database(database)


def release(county: ProductionCounty, number: int) -> str:
    one, http = item(number), county.http("catalog")
    path = f"/catalog/v1/items/{one.code}"
    assert http.put(path, json=one.model_dump(mode="json", exclude_none=True)).is_success
    assert http.post(f"{path}/release").is_success
    return f"item:{one.code}"


def added(county: Integrating, name: str) -> dict[str, str]:
    """Add a subscription as the docs say, and return what the operator reads."""
    done = tongyuan(county, "subscription", "add", name, "--delivery", "amqp", "--start", "everything")
    assert done.code == WELL, done.err
    found = dict(re.findall(r"^  (key|queue|account|password) +(\S+)", done.out, re.MULTILINE))
    assert set(found) == {"key", "queue", "account", "password"}, done.out
    return found


def program(number: int, county: Integrating, broker: IntegratorBroker, login: dict[str, str]) -> str:
    """Return a program of the page with the values that an integrator was given."""
    text = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[number]
    url = broker.url(login["account"], login["password"])
    text = text.replace("amqp://ACCOUNT:PASSWORD@broker.county.example:5672/%2F", url)
    filled: str = text.replace("integrators.ACCOUNT", login["queue"]).replace(
        "https://county.example", county.url("ledger")
    )
    assert "ACCOUNT" not in filled
    return filled


def ran(text: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "clients" / "python")}
    command = [sys.executable, "-c", text]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("number", [0, 1], ids=["pika", "client"])
def test_the_quick_start_reaches_a_first_event_with_the_integrators_own_account(
    number: int, county: Integrating, broker: IntegratorBroker, tmp_path: Path
) -> None:
    login = added(county, f"快速开始{number}")
    printed = ran(program(number, county, broker, login), tmp_path)

    assert f"item:{item(FIRST).code} 1" in printed
    assert printed.split()[0] == ("tongyuan.item.released", "release")[number]


def test_a_node_program_with_amqplib_reads_and_proves_with_its_own_account(
    county: Integrating, broker: IntegratorBroker
) -> None:
    login = added(county, "Node")
    url = broker.url(login["account"], login["password"])
    command = node("queue.mjs", url, login["queue"], county.url("ledger"))
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        lines = [started.stdout.readline() for _ in range(2)]
    finally:
        started.kill()
        started.wait()
        started.stdout.close()  # type: ignore[union-attr]

    assert login["queue"] in lines[0]
    assert f'"key":"item:{item(FIRST).code}","version":1,"op":"release","by":"tongyuan.item.released"' in lines[1]


def test_password_replay_and_revocation_from_the_command_line(county: Integrating, broker: IntegratorBroker) -> None:
    login = added(county, "运维")
    name, queue = login["account"], login["queue"]
    wait_for(lambda: ready(broker.admin_url, queue) == 1, "the queue is filled")
    assert "queue" in tongyuan(county, "subscription", "list").out

    changed = tongyuan(county, "subscription", "rotate-password", name, "--hang-up")
    assert changed.code == WELL
    assert login["password"] not in changed.out
    assert tongyuan(county, "subscription", "replay", name, 0).code == WELL
    wait_for(lambda: ready(broker.admin_url, queue) == 2, "it comes again")

    assert tongyuan(county, "subscription", "revoke", name, "--keep-queue").code == WELL
    assert ready(broker.admin_url, queue) == 2
    for _ in range(2):
        assert tongyuan(county, "subscription", "revoke", name).code == WELL
    wait_for(lambda: is_gone(broker, queue), "the queue is deleted")
    again = tongyuan(county, "subscription", "rotate-password", name)
    assert (again.code, "is revoked" in again.complaint) == (PROBLEM, True)
    acts = [row["action"] for row in audit(county) if row["object"] == f"subscription:{name}"]
    assert {"subscription.add", "subscription.account", "subscription.replay", "subscription.revoke"} <= set(acts)


def audit(county: Integrating) -> list[Any]:
    answer = county.http("subscriptions").get("/subscriptions/v1/audit")
    assert answer.is_success, answer.text
    return list(answer.json()["rows"])


def is_gone(broker: IntegratorBroker, queue: str) -> bool:
    from pika.exceptions import ChannelClosedByBroker

    try:
        ready(broker.admin_url, queue)
    except ChannelClosedByBroker:
        return True
    return False


def test_without_the_operators_settings_the_command_says_what_amqp_needs_and_adds_nothing(county: Integrating) -> None:
    kept, county.operator = county.operator, {}
    try:
        done = tongyuan(county, "subscription", "add", "无", "--delivery", "amqp")
    finally:
        county.operator = kept
    assert done.code == USAGE
    assert "AMQP needs the broker of a production deployment" in done.complaint
    assert "无" not in tongyuan(county, "subscription", "list").out


def test_in_one_process_the_command_says_what_amqp_needs(tmp_path: Path) -> None:
    with running(EmbeddedCounty(tmp_path)) as embedded:
        done = tongyuan(embedded, "subscription", "add", "某系统", "--delivery", "amqp")
        assert done.code == USAGE
        assert "`tongyuan up` has feed and webhooks" in done.complaint
