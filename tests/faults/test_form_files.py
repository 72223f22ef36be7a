"""Forms when their source dies: kill -9 of guides after a channel has fetched a form takes it from no reader."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from contracts.content.files import MaterialFile
from tests.harness.county import ProductionCounty, wait_for
from tests.harness.form_files import docx, pdf
from tests.harness.pipeline import code_of, guide, item
from tests.harness.postgres import PrivatePostgres
from tests.harness.rabbitmq import PrivateRabbit

NEEDED = ("catalog", "guides", "ledger", "ledger-worker", "web", "web-worker")
CODE = code_of(1)
FIRST, SECOND = pdf("申领登记表"), docx("样表")

pytestmark = [pytest.mark.long, pytest.mark.servers, pytest.mark.timeout(600), pytest.mark.xdist_group("county")]


@pytest.fixture
def county(
    tmp_path: Path, fragile_rabbit: PrivateRabbit, fragile_postgres: PrivatePostgres
) -> Iterator[ProductionCounty]:
    """Sources, ledger and one channel as processes of their own."""
    url = fragile_postgres.url(fragile_postgres.create_database("forms"))
    made = ProductionCounty(tmp_path / "county", fragile_rabbit.new_vhost(), url)
    try:
        made.prepare()
        made.start(*NEEDED)
        yield made
    finally:
        made.stop()


def send(county: ProductionCounty, service: str, method: str, path: str, **more: Any) -> httpx.Response:
    answer = county.http(service).request(method, f"/{service}/v1/{path}", **more)
    assert answer.is_success, answer.text
    return answer


def upload(county: ProductionCounty, content: bytes, name: str) -> MaterialFile:
    told = send(county, "guides", "POST", "files", params={"code": CODE, "name": name}, content=content).json()
    return MaterialFile.model_validate({**told, "purpose": "blank"})


def release(county: ProductionCounty, form: MaterialFile) -> None:
    made = guide(materials=[{"material_name": "登记表", "files": [form]}])
    known = county.http("guides").get(f"/guides/v1/guides/{CODE}")
    match = {"If-Match": known.headers["ETag"]} if known.is_success else {}
    send(county, "guides", "PUT", f"guides/{CODE}", json=made.model_dump(mode="json"), headers=match)
    send(county, "guides", "POST", f"guides/{CODE}/release", json={})


def fetched(county: ProductionCounty) -> set[str]:
    """Return the files in the channel's own store."""
    with psycopg.connect(county.env["TONGYUAN_DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://")) as db:
        return {str(row[0]) for row in db.execute("SELECT sha256 FROM web.file")}


def served(county: ProductionCounty, content: bytes, extension: str) -> bytes:
    sha = hashlib.sha256(content).hexdigest()
    return county.http("web").get(f"/web/files/{CODE}/{sha}.{extension}").content


def test_a_fetched_form_is_served_while_its_source_is_dead_and_the_next_one_comes_after_it(
    county: ProductionCounty,
) -> None:
    first = item().model_dump(mode="json")
    send(county, "catalog", "PUT", f"items/{CODE}", json=first)
    send(county, "catalog", "POST", f"items/{CODE}/release", json={})
    form = upload(county, FIRST, "登记表.pdf")
    release(county, form)
    wait_for(lambda: form.sha256 in fetched(county), "the channel has fetched the form")

    county.kill("guides")

    assert served(county, FIRST, "pdf") == FIRST
    county.kill("web")
    county.restart("web")
    county.wait_ready("web")
    assert served(county, FIRST, "pdf") == FIRST, "a channel that starts anew needs its source again"

    county.restart("guides")
    county.wait_ready("guides")
    assert upload(county, FIRST, "登记表.pdf").sha256 == form.sha256
    release(county, upload(county, SECOND, "样表.docx"))
    second = hashlib.sha256(SECOND).hexdigest()
    wait_for(lambda: fetched(county) == {second}, "the channel has the new form, and has dropped the old one")
    assert served(county, SECOND, "docx") == SECOND
