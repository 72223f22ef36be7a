"""The guide linter: each rule finds what breaks it, in rows as they are written, and nothing in the demonstration."""

from datetime import date

import pytest

from contracts.content.files import MaterialFile
from contracts.content.guides import Fee, Guide, Material, Question, Step, Window
from contracts.content.items import Item, LegalBasis
from services.demo import content
from shared.publishing.guide_linter.finding import Subject
from shared.publishing.guide_linter.linter import RULES, lint

TODAY = date(2026, 11, 30)
CODE = "11339921003991014U4000709901000"
ITEM = Item(
    code=CODE,
    catalog_code="000109901000",
    task_name="食品经营许可",
    task_type="01",
    by_law=[LegalBasis(law_name="《中华人民共和国食品安全法》", article="第三十五条")],
    use_level="4",
    dept_name="云溪县市场监督管理局",
    dept_code="11339921003991014U",
    serve_type=["2"],
    project_type="2",
    handle_type=["1", "2"],
    anticipate_day=20,
    anticipate_type="1",
    promise_day=5,
    promise_type="1",
    limit_scene_num=1,
    limit_scene_explain="须现场核对原件",
    is_fee=True,
    is_online=True,
    is_pay_online=True,
    online_handle_depth=["1", "2"],
    corp_topic_type=["010"],
    result_type="10",
    result_name="食品经营许可证",
)
GUIDE = Guide(
    code=CODE,
    task_name="食品经营许可",
    dept_name="云溪县市场监督管理局",
    accept_condition="1. 有固定的经营场所。\n2. 有专职食品安全管理人员。",
    materials=[Material(material_name="食品经营许可申请书", form_url="/forms/a.pdf")],
    steps=[Step(name=name, day=1) for name in ("受理", "审查", "决定", "办结", "送达")],
    fees=[Fee(fee_name="证书工本费", amount_fen=1000, fee_stand="每证10元", by_law="发改价格〔2015〕1号")],
    windows=[Window(address="云溪县溪山路168号政务服务中心一楼", window_no="3号", hours="工作日 9:00—17:00")],
    questions=[Question(question="多久能拿到证？", answer="五个工作日。")],
    link_way="0899-1234567",
    supervise_way="12345",
)


def found(item=None, guide=None, **about):
    subject = Subject(ITEM.model_copy(update=item or {}), GUIDE.model_copy(update=guide or {}), TODAY, **about)
    return [(one.rule, one.field) for one in lint(subject)]


def material(**changes):
    return {"materials": [Material(material_name="申请书", form_url="/forms/a.pdf").model_copy(update=changes)]}


def window(**changes):
    return {"windows": [GUIDE.windows[0].model_copy(update=changes)]}


def fee(**changes):
    return {"fees": [GUIDE.fees[0].model_copy(update=changes)]}


def law(name):
    return [LegalBasis(law_name=name)]


BROKEN = [
    ("G-1", "project_type", {"promise_day": 0}, {"steps": []}),
    ("G-1", "project_type", {"project_type": "1"}, {}),
    ("G-2", "promise_day", {"promise_day": 21}, {}),
    ("G-2", "promise_day", {"promise_day": 61, "anticipate_day": 60, "anticipate_type": "2"}, {}),
    ("G-3", "anticipate_day", {"anticipate_day": None, "anticipate_type": None}, {}),
    ("G-4", "result_type", {"result_type": "20"}, {}),
    ("G-4", "result_type", {"result_name": "关于同意设立的批复"}, {}),
    ("G-4", "result_type", {"result_type": "99"}, {}),
    ("G-5", "limit_scene_explain", {"limit_scene_explain": None}, {}),
    ("G-5", "limit_scene_num", {"limit_scene_num": 0, "is_online": False, "handle_type": ["1"]}, {}),
    ("G-6", "limit_scene_num", {"online_handle_depth": ["1", "5"]}, {}),
    ("G-7", "fees", {}, {"fees": []}),
    ("G-7", "fees.0.by_law", {}, fee(by_law=None)),
    ("G-7", "is_pay_online", {"is_pay_online": None}, {}),
    ("G-7", "is_pay_online", {"is_fee": False}, {"fees": []}),
    ("G-7", "fees.0.fee_name", {"is_fee": False, "is_pay_online": False}, {}),
    ("G-8", "supervise_way", {}, {"supervise_way": "电话：0899-1234567"}),
    ("G-8", "link_way", {}, {"link_way": "县局 5351234"}),
    ("G-8", "windows.0.phone", {}, window(phone="65351234")),
    ("G-9", "windows.0.address", {}, window(address="云溪县市场监督管理局", window_no=None)),
    ("G-9", "windows.0.hours", {}, window(hours="周一至周五")),
    ("G-9", "windows.0.hours", {}, window(hours=None)),
    ("G-10", "corp_topic_type", {"corp_topic_type": []}, {}),
    ("G-10", "user_topic_type", {"user_topic_type": ["005"]}, {}),
    ("G-11", "materials.0.material_name", {}, material(material_name="法律法规规定的其他材料")),
    ("G-11", "materials.0.material_name", {}, material(material_name="相关证明材料")),
    ("G-11", "accept_condition", {}, {"accept_condition": "符合条件即可"}),
    ("G-11", "time_limit_explain", {}, {"time_limit_explain": "办理时间另行通知"}),
    ("G-12", "questions", {}, {"questions": []}),
    ("G-12", "steps", {}, {"steps": GUIDE.steps[:-1]}),
    ("G-12", "steps", {"promise_day": 4}, {}),
    ("G-13", "by_law", {"by_law": []}, {}),
    ("G-13", "is_fee", {"is_fee": None}, {"fees": []}),
    ("G-13", "materials", {}, {"materials": None}),
    ("G-13", "windows", {}, {"windows": []}),
    ("G-13", "supervise_way", {}, {"supervise_way": None}),
    ("G-14", "materials.0.source_type", {}, material(form_url=None)),
    ("G-16", "by_law.0.law_name", {"by_law": law("《中华人民共和国合同法》")}, {}),
    ("G-16", "by_law.0.law_name", {}, {"by_law": law("中华人民共和国婚姻法")}),
    ("G-16", "fees.0.by_law", {}, fee(by_law="依据《中华人民共和国物权法》第二十二条")),
    ("G-16", "plan_cancel_date", {"plan_cancel_date": TODAY}, {}),
    ("G-18", "fees", {"is_fee": False}, {}),
    ("G-18", "time_limit_explain", {}, {"time_limit_explain": "承诺办结时限7个工作日"}),
    ("G-18", "dept_name", {}, {"dept_name": "云溪县民政局"}),
    ("G-17", "windows.0.address", {}, window(address="云溪县XX路168号政务服务中心一楼", window_no="3号")),
    ("G-17", "limit_scene_explain", {"limit_scene_explain": "待定"}, {}),
]


def test_an_uploaded_blank_form_is_a_form_and_a_sample_is_none():
    file = {"sha256": "a" * 64, "media_type": "application/pdf", "size": 9, "name": "表.pdf"}
    blank, sample = (MaterialFile.model_validate({**file, "purpose": one}) for one in ("blank", "sample"))

    assert found({}, material(form_url=None, files=[blank])) == []
    assert [rule for rule, *_ in found({}, material(form_url=None, files=[sample]))] == ["G-14"]


def test_a_guide_that_keeps_every_rule_has_no_findings():
    assert found() == []


@pytest.mark.parametrize(("rule", "field", "item", "guide"), BROKEN)
def test_what_breaks_a_rule_is_found_at_its_field(rule, field, item, guide):
    assert (rule, field) in found(item, guide)


def test_a_certificate_must_be_in_the_county_s_list_where_there_is_one():
    guide = material(material_name="居住证明", form_url=None, source_type="20")

    assert found({}, guide) == []
    assert found({}, guide, certificates=frozenset({"居住证明"})) == []
    assert found({}, guide, certificates=frozenset()) == [("G-15", "materials.0.material_name")]


def test_every_rule_but_the_list_of_certificates_is_broken_by_some_row():
    assert {rule for rule, _ in RULES} == {f"G-{number}" for number in range(1, 19)}
    assert {rule for rule, *_ in BROKEN} == {rule for rule, _ in RULES} - {"G-15"}


def test_the_demonstration_keeps_every_rule():
    items = {item.code: item for item in content.items()}

    assert [one for guide in content.guides() for one in lint(Subject(items[guide.code], guide, TODAY))] == []


def test_what_a_law_says_is_quoted_and_not_judged():
    basis = LegalBasis(law_name="《中华人民共和国食品安全法》", content="其他材料由国务院另行通知")

    assert found({"by_law": [basis]}) == []


def test_every_finding_says_in_chinese_what_is_wrong_and_what_to_do():
    for _, _, item, guide in BROKEN:
        subject = Subject(ITEM.model_copy(update=item), GUIDE.model_copy(update=guide), TODAY)
        for one in lint(subject):
            assert any("一" <= character <= "鿿" for character in one.message)
            assert any("一" <= character <= "鿿" for character in one.remedy)
