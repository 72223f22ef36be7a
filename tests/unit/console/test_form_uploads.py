"""Forms and samples at the desk: uploaded at their material without a script; a bad one loses nothing typed."""

import re

import httpx
import pytest

from services.console.content.files import files_from, lines_of, size_words
from services.console.content.shape import ContentKind, FieldKind, field_at, label_of, shape_of
from tests.harness.desk_sources import EDITOR
from tests.harness.form_files import docx, pdf
from tests.harness.forms import Form
from tests.harness.writing_desk import writing_desk

FORM = pdf("登记表")
PLACE = "guide.materials.0"
PATH = f"{PLACE}.files"
BLANK, SAMPLE = f"upload.blank.{PLACE}", f"upload.sample.{PLACE}"
MACROS = docx(parts={"word/vbaProject.bin": b"\x01"})


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    with writing_desk(tmp_path_factory.mktemp("uploads")) as made:
        yield made


@pytest.fixture
def code(county, request):
    """An item of its own for each test."""
    place = [one.nodeid for one in request.session.items if one.module is request.module].index(request.node.nodeid)
    return county.items[place % 12].code


@pytest.fixture
def browser(county):
    return county.desk.session("bianji")


def form_of(browser, code):
    return Form(browser.get(f"/content/{code}").text, "writing")


def press(browser, code, act, files=None, **changes):
    """Send the form as a browser does that has no scripts: as multipart, every file field with it."""
    fields = form_of(browser, code).sent(act, **changes)
    sent = [
        (name, (None, value)) for name, values in fields.items() if not name.startswith("upload.") for value in values
    ]
    chosen = files or {}
    sent += [(name, chosen.get(name, ("", b""))) for name in fields if name.startswith("upload.")]
    return browser.post(f"/content/{code}", files=sent)


def draft(county, code):
    return county.sources.editions.find(ContentKind.GUIDE, code, EDITOR).draft


def test_an_uploaded_form_is_in_the_draft_that_is_saved(county, code, browser):
    answer = press(browser, code, f"upload:{PATH}", {BLANK: ("申请表.exe", FORM)})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/content/{code}#{PATH}")

    page = browser.get(f"/content/{code}").text
    assert "空白表格：申请表.pdf" in page
    assert "PDF，1 KB" in page
    press(browser, code, "save")

    (file,) = draft(county, code)["materials"][0]["files"]
    assert (file["purpose"], file["name"], file["size"]) == ("blank", "申请表.pdf", len(FORM))


def test_a_chosen_file_goes_along_with_whichever_button_is_pressed(county, code, browser):
    answer = press(browser, code, "save", {SAMPLE: ("样表.docx", docx("张某某"))})

    assert answer.status_code == httpx.codes.OK
    assert [one["purpose"] for one in draft(county, code)["materials"][0]["files"]] == ["sample"]


def test_a_bad_file_is_told_at_its_field_and_nothing_typed_is_lost(county, code, browser):
    before = draft(county, code)
    answer = press(browser, code, "save", {BLANK: ("申请表.docx", MACROS)}, **{"guide.remedy": "写到一半"})

    assert answer.status_code == 422
    assert "申请表.docx 文件里有宏" in re.search(f'id="{re.escape(PATH)}-error">([^<]*)', answer.text)[1]
    assert dict(Form(answer.text, "writing").fields)["guide.remedy"] == "写到一半"
    assert dict(form_of(browser, code).fields)["guide.remedy"] == "写到一半"
    assert draft(county, code) == before


def test_one_good_and_one_bad_file_the_good_one_stays(code, browser):
    press(browser, code, f"upload:{PATH}", {BLANK: ("好.pdf", FORM), SAMPLE: ("坏.pdf", b"MZ")})

    page = browser.get(f"/content/{code}").text
    assert "空白表格：好.pdf" in page
    assert "坏.pdf" not in page


def test_a_removed_file_is_gone_from_the_draft_and_the_others_stay(county, code, browser):
    press(browser, code, "save", {BLANK: ("表.pdf", FORM), SAMPLE: ("样.docx", docx())})
    blank, _ = draft(county, code)["materials"][0]["files"]

    press(browser, code, f"drop:{PATH}:{blank['sha256']}")
    press(browser, code, "save")

    assert [one["name"] for one in draft(county, code)["materials"][0]["files"]] == ["样.docx"]


def test_files_go_with_their_material_when_it_is_moved(county, code, browser):
    name = draft(county, code)["materials"][0]["material_name"]
    press(browser, code, "save", {BLANK: ("表.pdf", FORM)})
    press(browser, code, f"down:{PLACE}")
    press(browser, code, "save")

    second = draft(county, code)["materials"][1]
    assert (second["material_name"], second["files"][0]["name"]) == (name, "表.pdf")


def test_who_reviews_opens_a_form_that_is_not_released(county, code, browser):
    press(browser, code, "save", {BLANK: ("表.pdf", FORM)})
    (file,) = draft(county, code)["materials"][0]["files"]

    answer = county.desk.session("shenhe").get(f"/files/{file['sha256']}")

    assert (answer.status_code, answer.content) == (200, FORM)
    assert answer.headers["content-disposition"] == "attachment"
    assert county.desk.browser().get(f"/files/{file['sha256']}").status_code == 303


def test_a_difference_tells_two_forms_of_one_name_apart(code, browser):
    press(browser, code, "save", {BLANK: ("表.pdf", FORM)})

    page = browser.get(f"/content/{code}/differences").text

    assert "表格文件" in page
    assert "空白表格：表.pdf（PDF，1 KB，摘要" in page


def test_a_record_of_a_file_that_was_changed_by_hand_is_refused_at_its_field(code, browser):
    answer = press(browser, code, "save", **{PATH: "这不是文件"})

    assert answer.status_code == 422
    assert "请删除它，再上传一次" in answer.text


def test_the_files_of_a_material_are_one_field_of_the_form():
    (files,) = [one for one in shape_of(ContentKind.GUIDE)["materials"].parts if one.name == "files"]

    assert (files.kind, files.parts, files.states_none) == (FieldKind.FILES, (), False)
    assert field_at(ContentKind.GUIDE, "materials.2.files.0.name") == files
    assert label_of(ContentKind.GUIDE, "materials.2.files.0.name") == "申请材料第3项 · 表格文件"


def test_lines_of_files_are_read_back_as_they_were():
    files = [
        {"sha256": "a" * 64, "size": 9, "media_type": "application/pdf", "purpose": "blank", "name": "表 一.pdf"},
        {"sha256": "a" * 64, "size": 9, "media_type": "application/pdf", "purpose": "sample", "name": "样.pdf"},
    ]

    assert files_from(lines_of(files)) == files
    assert files_from("") == []


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 KB"), (24_577, "25 KB"), (1024**2, "1.0 MB"), (10 * 1024**2, "10.0 MB")]
)
def test_sizes_are_said_as_people_read_them(count, words):
    assert size_words(count) == words
