"""The service platform shows everything as released, with labels for codes."""

from hypothesis import given

from contracts.base import MADE_BY_THE_SOURCE
from tests.harness.projecting import any_guide, any_item, guide, item, of_guide, of_item, shown


@given(one=any_item)
def test_every_field_of_an_item_but_its_salt_is_there_under_its_own_name(one):
    assert one.model_dump(mode="json", exclude=set(MADE_BY_THE_SOURCE)).items() <= shown("web", of_item(one)).items()


@given(one=any_guide)
def test_every_field_of_a_guide_but_its_salt_is_there(one):
    document = shown("web", of_guide(one))

    assert is_within(one.model_dump(mode="json", exclude=set(MADE_BY_THE_SOURCE)), document)


def is_within(stated, shown):
    """Whether everything stated is shown, at any depth; more may be shown beside it, such as labels.

    A list of no files is left out, so that documents of before there were any stay as they are.
    """
    if isinstance(stated, dict):
        given = {name: value for name, value in stated.items() if value or name != "files"}
        return all(name in shown and is_within(value, shown[name]) for name, value in given.items())
    if isinstance(stated, list):
        return len(stated) == len(shown) and all(map(is_within, stated, shown))
    return stated == shown


def test_a_code_has_its_label_beside_it():
    labels = shown("web", of_item(item(serve_type=["1", "2"], promise_day=5, promise_type="1")))["labels"]

    assert labels["task_type"] == "行政确认"
    assert labels["serve_type"] == ["自然人", "企业法人"]
    assert labels["promise"] == "5个工作日"


def test_a_code_of_a_newer_table_keeps_its_code_and_has_no_label():
    document = shown("web", of_item(item(user_topic_type=["090", "777"])))

    assert document["user_topic_type"] == ["090", "777"]
    assert document["labels"]["user_topic_type"] == ["证件办理"]


def test_materials_and_fees_say_in_words_what_they_are():
    document = shown(
        "web",
        of_guide(
            guide(
                materials=[
                    {
                        "material_name": "户口簿",
                        "is_need": True,
                        "copies": 2,
                        "material_type": "2",
                        "material_format": "3",
                    },
                    {"material_name": "照片"},
                ],
                fees=[{"fee_name": "工本费", "fee_stand": "20元/证", "is_desc": True}],
            )
        ),
    )

    assert document["materials"][0]["words"] == "必要 · 复印件 2份 · 纸质/电子化"
    assert document["materials"][1]["words"] == "以窗口告知为准"
    assert document["fees"][0]["words"] == "20元/证（可减免）"
    assert document["glance"] == {
        "bring": "2样（是否都要带，以窗口告知为准）：户口簿、照片",
        "cost": "工本费：20元/证（可减免）",
    }
