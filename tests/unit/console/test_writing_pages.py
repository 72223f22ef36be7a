"""The pages of writing: what is typed is never lost, and never over what nobody has seen."""

import contextlib
import re
import sqlite3

import httpx
import pytest

from contracts.codes.tables import TASK_TYPE
from services.console.content.shape import ContentKind
from tests.harness.desk import csrf
from tests.harness.desk_sources import EDITOR
from tests.harness.forms import Form
from tests.harness.writing_desk import writing_desk

GUIDE, ITEM = ContentKind.GUIDE, ContentKind.ITEM


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    with writing_desk(tmp_path_factory.mktemp("writing")) as made:
        yield made


@pytest.fixture
def code(county, request):
    """An item of its own for each test."""
    place = [one.nodeid for one in request.session.items if one.module is request.module].index(request.node.nodeid)
    return county.items[place % 12].code


def opened(browser, code):
    answer = browser.get(f"/content/{code}")
    assert answer.status_code == httpx.codes.OK, answer.text
    return Form(answer.text, "writing")


def send(browser, code, act, form, **changes):
    return browser.post(f"/content/{code}", data=form.sent(act, **changes))


def draft(county, code, kind=GUIDE):
    return county.sources.editions.find(kind, code, EDITOR).draft


def test_a_form_that_changes_nothing_changes_no_byte(county, code):
    before = draft(county, code), draft(county, code, ITEM)
    browser = county.desk.session("bianji")

    answer = send(browser, code, "save", opened(browser, code))

    assert answer.status_code == httpx.codes.OK
    assert (draft(county, code), draft(county, code, ITEM)) == before


def test_what_is_saved_is_a_draft_at_the_source(county, code):
    browser = county.desk.session("bianji")

    send(browser, code, "save", opened(browser, code), **{"guide.link_way": "县公安局：0899-1234567"})

    assert draft(county, code)["link_way"] == "县公安局：0899-1234567"
    assert draft(county, code) != county.sources.editions.find(GUIDE, code, EDITOR).in_force


def test_what_is_half_typed_and_wrong_survives_signing_out(county, code):
    browser = county.desk.session("bianji")
    send(browser, code, "keep", opened(browser, code), **{"item.promise_day": "约五天", "guide.remedy": "写到一半"})

    browser.post("/sign-out", data={"csrf": csrf(browser)})
    again = dict(opened(county.desk.session("bianji"), code).fields)

    assert (again["item.promise_day"], again["guide.remedy"]) == ("约五天", "写到一半")


def test_what_was_kept_is_there_for_a_process_that_knows_nothing_of_the_one_before(county, code):
    browser = county.desk.session("bianji")
    send(browser, code, "keep", opened(browser, code), **{"guide.remedy": "断电之前写的"})

    # Read past the pool of the process that wrote it: what is not committed is not there.
    file = county.desk.db.engine.url.database
    with contextlib.closing(sqlite3.connect(file)) as connection:
        (texts,) = connection.execute("SELECT texts FROM working_copy WHERE code = ?", (code,)).fetchone()

    assert "断电之前写的" in texts


def test_an_error_stands_at_its_field_and_nothing_typed_is_lost(county, code):
    browser = county.desk.session("bianji")
    before = draft(county, code, ITEM)

    answer = send(
        browser, code, "save", opened(browser, code), **{"item.promise_day": "约五天", "item.short_name": "新简称"}
    )

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert 'id="item.promise_day-error"' in answer.text
    assert "请填写整数" in answer.text
    assert dict(Form(answer.text, "writing").fields)["item.short_name"] == "新简称"
    assert draft(county, code, ITEM) == before


def test_the_second_of_two_people_gets_a_merge_by_field(county, code):
    first, second = county.desk.session("bianji"), county.desk.browser("zuozhe")
    forms = opened(first, code), opened(second, code)

    send(first, code, "save", forms[0], **{"guide.link_way": "第一个人改的：0899-1111111"})
    answer = send(second, code, "save", forms[1], **{"guide.remedy": "第二个人改的"})

    assert answer.status_code == httpx.codes.OK
    assert "已并入" in answer.text
    assert (draft(county, code)["link_way"], draft(county, code)["remedy"]) == (
        "第一个人改的：0899-1111111",
        "第二个人改的",
    )


def test_where_both_changed_the_same_field_both_values_are_shown_and_a_person_decides(county, code):
    first, second = county.desk.session("bianji"), county.desk.browser("zuozhe")
    forms = opened(first, code), opened(second, code)

    send(first, code, "save", forms[0], **{"guide.link_way": "第一个：0899-1111111"})
    asked = send(second, code, "save", forms[1], **{"guide.link_way": "第二个：0899-2222222"})

    assert asked.status_code == httpx.codes.CONFLICT
    assert "第一个：0899-1111111" in asked.text
    assert "第二个：0899-2222222" in asked.text
    assert draft(county, code)["link_way"] == "第一个：0899-1111111"

    decision = re.search(r'name="(decide\.[^"]+)"', asked.text)[1]
    answer = send(second, code, "save", Form(asked.text, "writing"), **{decision: "mine"})

    assert answer.status_code == httpx.codes.OK
    assert draft(county, code)["link_way"] == "第二个：0899-2222222"


def test_another_window_of_the_same_person_overwrites_nothing_unseen(county, code):
    browser = county.desk.session("bianji")
    windows = opened(browser, code), opened(browser, code)

    send(browser, code, "keep", windows[0], **{"guide.remedy": "第一个窗口"})
    answer = send(browser, code, "keep", windows[1], **{"guide.remedy": "第二个窗口"})

    assert answer.status_code == httpx.codes.CONFLICT
    assert "第一个窗口" in answer.text
    assert dict(Form(answer.text, "writing").fields)["guide.remedy"] == "第二个窗口"


def test_a_part_is_added_moved_and_removed_without_scripts(county, code):
    browser = county.desk.session("bianji")
    form = opened(browser, code)
    count = len(draft(county, code)["materials"])

    assert send(browser, code, "add:guide.materials", form).headers["location"].endswith("#guide.materials")
    form = opened(browser, code)
    send(browser, code, "save", form, **{f"guide.materials.{count}.material_name": "新材料"})
    assert [one["material_name"] for one in draft(county, code)["materials"]][count:] == ["新材料"]

    send(browser, code, f"up:guide.materials.{count}", opened(browser, code))
    send(browser, code, "save", opened(browser, code))
    assert draft(county, code)["materials"][count - 1]["material_name"] == "新材料"

    send(browser, code, f"remove:guide.materials.{count - 1}", opened(browser, code))
    send(browser, code, "save", opened(browser, code))
    assert len(draft(county, code)["materials"]) == count


def test_a_form_that_was_cut_off_on_its_way_changes_nothing(county, code):
    browser = county.desk.session("bianji")
    sent = opened(browser, code).sent("save")
    del sent["@end"]
    before = draft(county, code)

    assert browser.post(f"/content/{code}", data=sent).status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert draft(county, code) == before


def test_an_editor_of_one_department_cannot_write_what_is_another_s(county):
    other = next(one.code for one in county.items[:12] if not one.code.startswith("11339921003991014U"))
    browser = county.desk.session("jingcha")

    assert browser.get(f"/content/{other}").status_code == httpx.codes.FORBIDDEN
    assert browser.get(f"/content/{county.items[0].code}").status_code == httpx.codes.OK


def test_the_list_is_searched_by_words_department_and_state(county):
    browser = county.desk.session("bianji")

    assert county.items[0].code in browser.get("/content", params={"q": "居民身份证 首次"}).text
    assert "没有符合条件的事项" in browser.get("/content", params={"q": "没有这样的字"}).text
    assert "没有符合条件的事项" in browser.get("/content", params={"state": "withdrawn"}).text
    police = browser.get("/content", params={"department": "11339921003991014U"}).text
    assert set(re.findall(r"/console/content/([0-9A-Z]{18})", police)) == {"11339921003991014U"}


def test_a_new_item_begins_at_its_row_of_the_directory_with_what_is_known(county):
    browser, basic = county.desk.session("zuozhe"), county.items[0].catalog_code
    row = next(one for one in county.directory if one.catalog_code == basic)
    assert (
        f"/console/content/new?basic={row.catalog_code}"
        in browser.get("/content/new", params={"q": row.task_name}).text
    )
    assert row.task_name in browser.get("/content/new", params={"basic": row.catalog_code}).text
    sent = {"csrf": csrf(browser), "unit": "11339921003991014U", "level": "4", "situation": "88"}

    begun = browser.post(f"/content/new/{row.catalog_code}", data=sent)

    code = f"11339921003991014U4{row.catalog_code}88"
    assert begun.headers["location"] == f"/console/content/{code}"
    fields = dict(opened(browser, code).fields)
    known = [fields[name] for name in ("item.task_name", "item.task_type", "item.dept_name")]
    assert known == [row.task_name, f"{row.task_type} {TASK_TYPE[row.task_type]}", "云溪县公安局"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("unit", "", "请选择实施单位"),
        ("unit", "12345", "18位"),
        ("level", "9", "行使层级只能是"),
        ("situation", "7", "两位数字"),
        ("situation", "七七", "两位数字"),
        ("copy", "0" * 31, "无法复制"),
    ],
)
def test_what_is_wrong_about_a_new_item_is_told_at_its_field(county, field, value, words):
    browser, basic = county.desk.session("zuozhe"), county.items[0].catalog_code
    sent = {"unit": "11339921003991014U", "level": "4", "situation": "66", "copy": "", field: value}

    answer = browser.post(f"/content/new/{basic}", data={**sent, "csrf": csrf(browser)})

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert re.search(rf'id="{field}-error">[^<]*{words}', answer.text), answer.text
    assert f'value="{value}"' in answer.text or field in ("unit", "level", "copy"), "what was typed stays"


def test_a_code_that_exists_and_a_unit_of_others_are_refused_at_the_row_too(county):
    basic = county.items[0].catalog_code
    theirs = {"unit": county.items[0].code[:18], "level": "4", "situation": county.items[0].code[31:]}
    writer, police = county.desk.session("zuozhe"), county.desk.session("jingcha")

    assert "这个编码已经有了" in writer.post(f"/content/new/{basic}", data={**theirs, "csrf": csrf(writer)}).text
    other = {**theirs, "unit": "11339921003991022N", "situation": "55", "csrf": csrf(police)}
    assert "不由您起草" in police.post(f"/content/new/{basic}", data=other).text


def test_a_row_of_the_directory_is_found_by_program(county):
    found = county.desk.session("bianji").get("/v1/directory", params={"q": "身份证"}).json()

    assert found["total"] == len(found["rows"]) >= 1
    assert set(found["rows"][0]) == {"catalog_code", "task_name", "task_type", "use_level"}


def test_a_new_item_is_copied_from_another_and_released_by_who_may(county):
    browser, new = county.desk.session("zuozhe"), county.items[20]
    begun = browser.post("/content/new", data={"csrf": csrf(browser), "code": new.code, "copy": county.items[0].code})
    assert begun.headers["location"] == f"/console/content/{new.code}"
    form = opened(browser, new.code)
    stated = {f"item.{name}": getattr(new, name) for name in ("task_name", "dept_name", "task_type")}

    answer = send(browser, new.code, "release", form, **stated)

    assert answer.status_code == httpx.codes.SEE_OTHER, re.findall(r'class="error"[^>]*>([^<]+)', answer.text)
    receipt = browser.get(answer.headers["location"].removeprefix("/console")).text
    link = f'<a href="/console/content/{new.code}">'
    assert f"{link}事项第1版</a>、{link}办事指南第1版</a>" in receipt
    guide = county.sources.editions.find(GUIDE, new.code, EDITOR)
    assert (guide.in_force["code"], guide.in_force["task_name"]) == (new.code, new.task_name)


def test_the_differences_to_what_is_in_force_are_told_field_by_field(county, code):
    browser = county.desk.session("bianji")
    send(browser, code, "save", opened(browser, code), **{"guide.supervise_way": "新的投诉电话：0899-7654321"})

    text = browser.get(f"/content/{code}/differences").text

    assert "监督投诉方式" in text
    assert "<ins>新的投诉电话：0899-7654321</ins>" in text


def test_the_json_api_merges_and_tells_conflicts_like_the_page(county, code):
    browser = county.desk.session("bianji")
    headers = {"x-csrf-token": csrf(browser)}
    read = browser.get(f"/v1/content/{code}").json()["guide"]
    base = {"etag": read["etag"], "base": read["draft"], "base_released": read["begun_from"]}
    path = f"/v1/content/{code}/guide"

    one = browser.put(path, json={**base, "body": {**read["draft"], "remedy": "甲写的"}}, headers=headers).json()
    two = browser.put(path, json={**base, "body": {**read["draft"], "remedy": "乙写的"}}, headers=headers).json()

    assert one["result"] == "saved"
    assert two["result"] == "conflicts"
    assert [(each["theirs"], each["mine"]) for each in two["conflicts"]] == [("甲写的", "乙写的")]
    sides = {"seen": two["seen"], "sides": {two["conflicts"][0]["key"]: "mine"}}
    wanted = {**base, **sides, "body": {**read["draft"], "remedy": "乙写的"}}
    three = browser.put(path, json=wanted, headers=headers).json()
    assert three["result"] == "saved"
    assert draft(county, code)["remedy"] == "乙写的"


def test_the_script_keeps_what_is_typed_and_gets_findings(county, code):
    browser = county.desk.session("bianji")
    copy = browser.get(f"/v1/working-copies/{code}").json()
    texts = {**copy["texts"], "guide.materials.0.material_name": "其他材料"}

    kept = browser.put(
        f"/v1/working-copies/{code}",
        json={"texts": texts, "version": copy["version"]},
        headers={"x-csrf-token": csrf(browser)},
    ).json()

    assert kept["version"] == copy["version"] + 1
    assert ("G-11", "guide.materials.0.material_name") in [(one["rule"], one["path"]) for one in kept["findings"]]
    assert code in [one["code"] for one in browser.get("/v1/working-copies").json()["working_copies"]]
