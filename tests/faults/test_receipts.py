"""A receipt is not lost when the process dies between a release at its source and the receipt at the desk."""

import sqlite3

import pytest

from tests.harness.county import ADMIN, EmbeddedCounty, running, wait_for
from tests.harness.pipeline import code_of, item

RELEASED = 3


def rows(county, query):
    with sqlite3.connect(f"file:{county.folder}/data/console.db?mode=ro", uri=True) as store:
        return store.execute(query).fetchall()


@pytest.mark.long
def test_a_release_whose_process_is_killed_at_once_has_its_receipt_after_the_restart(tmp_path):
    with running(EmbeddedCounty(tmp_path)) as county:
        wait_for(lambda: len(rows(county, "SELECT * FROM receipt_feed")) == 4, "the desk has read the feeds")
        http, auth = county.http("catalog"), {"Authorization": f"Bearer {ADMIN}"}
        path = f"/catalog/v1/items/{code_of(1)}"
        for number in range(RELEASED):
            body = item(1, f"第{number}次").model_dump(mode="json")
            match = {"If-Match": http.get(path, headers=auth).headers["etag"]} if number else {}
            http.put(path, json=body, headers={**auth, **match}).raise_for_status()
            etag = http.get(path, headers=auth).headers["etag"]
            http.post(f"{path}/release", headers={**auth, "If-Match": etag}).raise_for_status()
            county.kill("up")
            county.start("up")
            http = county.http("catalog")
        newest = f"SELECT * FROM receipt_version WHERE version = {RELEASED}"  # our own number
        wait_for(lambda: rows(county, newest), "the last release has a receipt")

        found = rows(county, "SELECT title, versions FROM receipt ORDER BY id")
    assert [title for title, _ in found] == [f"第{number}次" for number in range(RELEASED)]
