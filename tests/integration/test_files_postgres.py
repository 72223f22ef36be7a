"""Forms of guides over PostgreSQL: bytes in their own columns, from the upload to the channels and to their removal."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from contracts.content.files import LARGEST_FILE, MaterialFile
from services.channels.files.prefetch import Prefetch
from services.guides.files.upkeep import UNUSED_DAYS, FileUpkeep
from tests.harness.form_files import docx, pdf
from tests.harness.pipeline import ADMIN, code_of, guide, item, pipeline

CODE = code_of(1)
FORM, UNUSED = pdf("申领登记表"), docx("没有用到")
SHA = hashlib.sha256(FORM).hexdigest()
AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}

pytestmark = [pytest.mark.servers]


@pytest.fixture
def county(database_url, tmp_path):
    with pipeline(database_url, tmp_path, channels=("web", "mobile")) as made:
        yield made


def upload(county, content, name):
    asked = {"code": CODE, "name": name}
    return county.http.post("/guides/v1/files", params=asked, content=content, headers=AS_ADMIN)


def release_with_form(county):
    told = upload(county, FORM, "登记表.pdf").json()
    form = MaterialFile.model_validate({**told, "purpose": "blank"})
    county.release(item())
    county.release(guide(materials=[{"material_name": "登记表", "files": [form]}]))
    county.flow()


def stored(county, service):
    return [row[0] for row in county.execute(service, "SELECT sha256 FROM file ORDER BY sha256")]


def test_a_form_comes_to_each_channel_byte_for_byte_and_is_kept_there(county):
    release_with_form(county)
    for name, store in county.files.items():
        assert Prefetch(county.dbs[name], store).step() == 1

    for name in ("web", "mobile"):
        assert county.get(f"{name}/files/{CODE}/{SHA}.pdf").content == FORM
        assert stored(county, name) == [SHA]


def test_the_same_bytes_are_one_row_and_too_many_are_refused(county):
    first, second = (upload(county, FORM, name) for name in ("登记表.pdf", "另一个.pdf"))
    assert [first.status_code, second.status_code] == [201, 200]

    large = upload(county, FORM + b" " * LARGEST_FILE, "大.pdf")

    assert large.status_code == 422
    assert stored(county, "guides") == [SHA]


def test_what_nothing_names_is_removed_and_what_was_released_stays(county):
    release_with_form(county)
    upload(county, UNUSED, "没有用到.docx")
    later = datetime.now(UTC) + timedelta(days=UNUSED_DAYS + 1)

    assert FileUpkeep(county.dbs["guides"], "guides").step(later) == 1

    assert stored(county, "guides") == [SHA]
    assert county.get(f"web/files/{CODE}/{SHA}.pdf").content == FORM
