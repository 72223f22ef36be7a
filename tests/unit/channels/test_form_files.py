"""Forms of guides on the channels: served while a shown guide names them, and only the bytes that it names."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from contracts.content.files import MaterialFile
from services.channels.files.prefetch import Prefetch
from services.channels.files.store import FileStore
from shared.errors import Unavailable
from shared.publishing.editions.model import EditionState
from tests.harness.actors import TESTER
from tests.harness.form_files import docx, pdf
from tests.harness.pipeline import ADMIN, SERVICE, Pipeline, code_of, guide, item

SERVING = ("web", "mobile", "portal")
FORM, SAMPLE = pdf("申领登记表"), docx("样表")
SHA, SAMPLE_SHA = (hashlib.sha256(one).hexdigest() for one in (FORM, SAMPLE))
CODE = code_of(1)


@pytest.fixture
def county(tmp_path):
    made = Pipeline(tmp_path)
    yield made
    made.close()


def upload(county, content=FORM, name="登记表.pdf", token=ADMIN, code=CODE):
    return county.http.post(
        "/guides/v1/files",
        params={"code": code, "name": name},
        content=content,
        headers={"Authorization": f"Bearer {token}"},
    )


def with_form(county, number=1, content=FORM, purpose="blank", **fields):
    told = upload(county, content, code=code_of(number)).json()
    form = MaterialFile.model_validate({**told, "purpose": purpose})
    return guide(number, materials=[{"material_name": "登记表", "files": [form]}], **fields)


def shown(county, **fields):
    county.release(item())
    made = with_form(county, **fields)
    county.release(made)
    county.flow()
    return made


def address(channel, sha=SHA, extension="pdf", code=CODE):
    return f"{channel}/files/{code}/{sha}.{extension}"


def fetch_all(county):
    for name, store in county.files.items():
        Prefetch(county.dbs[name], store).step()


@pytest.mark.parametrize("channel", SERVING)
def test_a_form_is_served_as_its_guide_names_it_and_runs_nothing(county, channel):
    shown(county)

    answer = county.get(address(channel))

    assert (answer.status_code, answer.content) == (200, FORM)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"file.pdf\"; filename*=UTF-8''%E7%99%BB%E8%AE%B0%E8%A1%A8.pdf"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "immutable" not in answer.headers["cache-control"]


@pytest.mark.parametrize("channel", SERVING)
def test_a_document_tells_where_its_forms_are(county, channel):
    shown(county)
    document = county.get(f"{channel}/v1/guides/{CODE}").json()

    (file,) = document["files"] if channel == "mobile" else document["materials"][0]["files"]

    assert (file["name"], file["purpose_label"], file["type_label"], file["size_label"]) == (
        "登记表.pdf",
        "空白表格",
        "PDF",
        "1 KB",
    )
    assert county.get(f"{channel}/{file['address']}").content == FORM


@pytest.mark.parametrize("channel", SERVING)
def test_a_page_links_its_forms_with_type_and_size(county, channel):
    shown(county)

    page = county.browser.get(f"/{channel}/items/{CODE}").text

    assert f'href="/{address(channel)}"' in page
    assert "PDF，1 KB" in page
    assert "Blank form" in page


def test_a_kiosk_tells_of_a_form_and_hands_out_none(county):
    shown(county)

    page = county.browser.get(f"/kiosk/items/{CODE}").text

    assert "有空白表格（PDF，1 KB）：扫上面的二维码到手机下载，或者向服务台要" in page
    assert county.get(address("kiosk")).status_code == 404
    fetch_all(county)
    assert county.execute("kiosk", "SELECT count(*) FROM file") == [(0,)]


@pytest.mark.parametrize("channel", SERVING)
def test_a_withdrawn_guide_takes_its_forms_off(county, channel):
    made = shown(county)
    fetch_all(county)
    county.withdraw(made)
    county.flow()

    assert county.get(address(channel)).status_code == 410
    fetch_all(county)
    assert county.execute(channel, "SELECT count(*) FROM file") == [(0,)]


def test_a_suspended_guide_brings_its_forms_back(county):
    made = shown(county)
    county.withdraw(made, EditionState.SUSPENDED)
    county.flow()
    assert county.get(address("web")).status_code == 410

    answer = county.http.post(f"/guides/v1/guides/{CODE}/restore", headers={"Authorization": f"Bearer {ADMIN}"})
    county.flow()

    assert answer.status_code == 200, answer.text
    assert county.get(address("web")).content == FORM


@pytest.mark.parametrize("channel", SERVING)
def test_a_form_of_a_draft_is_nowhere_readable(county, channel):
    shown(county)
    draft = with_form(county, content=SAMPLE, purpose="sample")
    county.guides.save_guide(TESTER, CODE, draft.model_dump(mode="json"), 2)
    county.flow()

    assert county.get(address(channel, SAMPLE_SHA, "docx")).status_code == 404
    assert county.get(f"guides/v1/files/{SAMPLE_SHA}").status_code == 401
    fetch_all(county)
    assert county.execute(channel, "SELECT sha256 FROM file") == [(SHA,)]


@pytest.mark.parametrize("channel", SERVING)
def test_a_form_of_a_planned_version_is_not_served_before_its_time(county, channel):
    county.release(item())
    county.release(with_form(county), effective_at=datetime.now(UTC) + timedelta(days=1))
    county.flow()

    assert county.get(address(channel)).status_code == 404


def test_a_form_is_served_under_the_guide_that_names_it_and_no_other(county):
    shown(county)
    county.release(item(2))
    county.release(guide(2))
    county.flow()

    assert county.get(address("web", code=code_of(2))).status_code == 404
    assert county.get(address("web", extension="docx")).status_code == 404


@pytest.mark.parametrize("channel", SERVING)
def test_a_channel_hands_out_its_forms_while_guides_is_down(county, channel):
    shown(county)
    fetch_all(county)
    county.file_source.down = True

    assert county.get(address(channel)).content == FORM


def test_a_release_waits_for_no_byte(county):
    county.file_source.down = True
    shown(county)

    assert county.get(f"web/v1/guides/{CODE}").status_code == 200
    answer = county.get(address("web"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert county.file_source.reads == [SHA]


def test_a_dead_source_is_asked_once_and_then_left_alone(county):
    county.file_source.down = True
    now = [100.0]
    store = FileStore(county.dbs["web"], county.file_source, clock=lambda: now[0])
    shown(county)
    prefetch = Prefetch(county.dbs["web"], store)
    for _ in range(3):
        with pytest.raises(Unavailable):
            prefetch.step()
    assert len(county.file_source.reads) == 1

    now[0] += 11
    county.file_source.down = False
    assert prefetch.step() == 1


def test_tampered_bytes_of_the_source_are_not_served(county):
    shown(county)
    county.file_source.replaced[SHA] = pdf("别的表")

    assert county.get(address("web")).status_code == 503
    assert county.execute("web", "SELECT count(*) FROM file") == [(0,)]


def test_tampered_bytes_of_the_own_store_are_fetched_again(county):
    shown(county)
    fetch_all(county)
    county.execute("web", "UPDATE file SET content = :other", other=pdf("别的表"))

    assert county.get(address("web")).content == FORM
    county.file_source.down = True
    assert county.get(address("web")).content == FORM


def test_many_readers_at_once_fetch_a_file_once(county):
    shown(county)
    county.file_source.gate.clear()
    store = county.files["web"]
    prefetch = Prefetch(county.dbs["web"], store)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(county.get, address("web")) for _ in range(7)] + [pool.submit(prefetch.step)]
        county.file_source.gate.set()
        answers = [one.result() for one in asked[:7]]

    assert {answer.content for answer in answers} == {FORM}
    assert county.file_source.reads == [SHA]


def test_a_full_store_serves_and_keeps_nothing_more(county):
    shown(county)
    store = FileStore(county.dbs["web"], county.file_source, most_bytes=len(FORM) - 1)
    county.files["web"] = store
    county.serve_anew()

    assert county.get(address("web")).content == FORM
    assert county.execute("web", "SELECT count(*) FROM file") == [(0,)]


def test_a_reader_who_has_the_form_gets_304_and_head_sends_no_body(county):
    shown(county)

    same = county.http.get(f"/{address('web')}", headers={"If-None-Match": f'"{SHA}"'})
    head = county.http.head(f"/{address('web')}")

    assert (same.status_code, same.content) == (304, b"")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(FORM)))


def test_a_rebuilt_channel_has_the_same_documents_and_keeps_its_forms(county):
    shown(county)
    fetch_all(county)
    county.file_source.down = True

    done = county.rebuild("web")

    assert done.differences == []
    assert county.get(address("web")).content == FORM


def test_a_guide_without_forms_has_the_document_that_it_always_had(county):
    county.release(item())
    county.release(guide(materials=[{"material_name": "登记表"}]))
    county.flow()

    for channel in ("web", "mobile", "kiosk", "portal"):
        document = county.get(f"{channel}/v1/guides/{CODE}").text
        assert '"files"' not in document
        assert '"forms"' not in document


def test_channels_read_files_with_their_token_and_readers_with_none(county):
    upload(county)

    def status(token):
        return county.get(f"guides/v1/files/{SHA}", token).status_code

    assert (status(None), status("wrong"), status(SERVICE)) == (401, 401, 200)
