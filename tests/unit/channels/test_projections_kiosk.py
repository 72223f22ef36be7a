"""The kiosk shows what the hall takes, in answers short enough to read standing."""

from hypothesis import given

from services.channels.core.port import adapters
from services.channels.kiosk.adapter import NOTE, PARAGRAPH
from tests.harness.projecting import any_guide, guide, item, of_guide, of_item, shown

WINDOWS = [{"address": "一楼A区"}, {"address": "派出所", "window_no": "A01、A02号窗口"}]


def test_an_item_outside_the_hall_is_not_shown():
    assert adapters()["kiosk"].project(of_item(item(is_entry_center=False))) is None


def test_a_guide_without_a_window_is_not_shown():
    assert adapters()["kiosk"].project(of_guide(guide())) is None


def test_whether_this_machine_can_do_it_is_said_in_the_list_too():
    document = shown("kiosk", of_item(item(is_entry_center=True, is_service_terminals=True)))

    assert document["is_service_terminals"] is True
    assert adapters()["kiosk"].summary(document)["is_service_terminals"] is True


def test_where_is_a_window_number_if_there_is_one():
    assert shown("kiosk", of_guide(guide(windows=WINDOWS)))["glance"]["where"] == "A01、A02号窗口"
    assert shown("kiosk", of_guide(guide(windows=WINDOWS[:1])))["glance"]["where"] == "一楼A区"


def test_what_to_bring_names_the_necessary_materials():
    materials = [
        {"material_name": "登记表", "is_need": True},
        {"material_name": "户口簿", "is_need": True},
        {"material_name": "照片", "is_need": False},
        {"material_name": "结婚证", "tolerable": True},
    ]

    glance = shown("kiosk", of_guide(guide(windows=WINDOWS, materials=materials)))["glance"]

    assert glance["bring"] == "2样：登记表、户口簿"


def test_an_item_of_which_nobody_says_whether_the_hall_takes_it_is_not_in_the_hall():
    assert adapters()["kiosk"].project(of_item(item())) is None


@given(one=any_guide)
def test_texts_are_short_and_every_material_is_named(one):
    document = adapters()["kiosk"].project(of_guide(one))
    if document is None:
        return

    assert all(len(paragraph) <= PARAGRAPH for paragraph in document["condition"])
    materials = document["materials"] or []
    assert (document["materials"] is None) == (one.materials is None)
    assert all(len(material["note"]) <= NOTE for material in materials)
    assert [material["name"] for material in materials] == [m.material_name for m in one.materials or ()]
