"""Items and guides in every combination of facts, for property tests of what carries them elsewhere."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from contracts.content.guides import Fee, Guide, Material, Question, Step, Window
from contracts.content.items import Item, LegalBasis
from services.exchange.items.item_rows import ReleasedItem

UNIT = "11440232MB2D06811W"
CODE = f"{UNIT}4000117051000"

BARE = ReleasedItem(
    Item(
        code=CODE,
        catalog_code="000117051000",
        task_name="消防设计审查",
        task_type="01",
        use_level="4",
        dept_name="住建局",
        dept_code=UNIT,
    ),
    None,
    1,
)
"""An item of which only what must be is stated."""

word = st.text("甲乙丙丁子丑寅卯县乡ABC\"\\'：𠮷", min_size=2, max_size=12)
text = st.lists(word, min_size=1, max_size=3).map("。\n".join)
flag = st.none() | st.booleans()
days = st.none() | st.integers(0, 3650)
address = st.none() | st.just("https://zwfw.example.gov.cn/a?b=1")


def some(codes: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(codes.split()), unique=True, max_size=3)


def one_of(codes: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(codes.split())


laws = st.builds(
    LegalBasis,
    law_name=word,
    document_no=st.none() | word,
    article=st.none() | st.just("第十三条"),
    content=st.none() | text,
)
materials = st.builds(
    Material,
    material_name=word,
    is_need=flag,
    tolerable=flag,
    material_type=one_of("1 2 3"),
    material_format=one_of("1 2 3"),
    copies=st.none() | st.integers(0, 99),
    source_type=one_of("10 20 99"),
    source_explain=st.none() | word,
    form_url=address,
    example_url=address,
    fill_explain=st.none() | text,
    accept_stand=st.none() | text,
)
fees = st.builds(
    Fee,
    fee_name=word,
    amount_fen=st.none() | st.integers(0, 10**9),
    fee_stand=text,
    by_law=st.none() | word,
    is_desc=flag,
    desc_explain=st.none() | word,
)
windows = st.builds(
    Window,
    address=word,
    window_no=st.none() | word,
    hours=st.none() | text,
    phone=st.none() | st.just("0751-5361234"),
    traffic=st.none() | word,
)
steps = st.builds(Step, name=word, content=st.none() | text, day=days, result=st.none() | word)
questions = st.builds(Question, question=word, answer=text)


@st.composite
def items(draw: st.DrawFn) -> Item:
    task_type = draw(st.sampled_from(["01", "05", "07", "08", "09", "10", "20"]))
    catalog_code = f"00{task_type}17{draw(st.integers(0, 999_999)):06}"
    promise, legal = draw(days), draw(days)
    names = ("is_fee", "is_entry_center", "is_online", "is_schedule", "is_pay_online", "is_express")
    flags: dict[str, Any] = {name: draw(flag) for name in names}
    return Item(
        code=f"{UNIT}4{catalog_code}" + draw(st.sampled_from(["", "01", "17"])),
        catalog_code=catalog_code,
        task_name=draw(word),
        short_name=draw(st.none() | st.just("简称")),
        keywords=draw(st.lists(st.sampled_from(["落户", "盖房", "开店"]), unique=True)),
        task_type=task_type,
        by_law=draw(st.lists(laws, max_size=3, unique_by=lambda law: law.law_name)),
        use_level="4",
        dept_name=draw(word),
        dept_code=UNIT,
        local_task_code=draw(st.none() | st.just("LOCAL-0001")),
        power_source=draw(one_of("1 2 3 4 5 6")),
        dept_type=draw(one_of("1 2 3 9")),
        entrust_name=draw(st.none() | word),
        serve_type=draw(some("1 2 3 4 5 6 9")),
        project_type=draw(one_of("1 2 9")),
        handle_type=draw(some("1 2 3")) or None,
        handle_area=draw(some("1 2 3 4 5 6")),
        anticipate_day=legal,
        anticipate_type=None if legal is None else draw(st.sampled_from("12")),
        promise_day=promise,
        promise_type=None if promise is None else draw(st.sampled_from("12")),
        limit_scene_num=draw(st.none() | st.integers(0, 99)),
        limit_scene_explain=draw(st.none() | text),
        **flags,
        is_service_terminals=draw(flag),
        online_handle_depth=draw(some("1 2 3 4 5 6 7 9")) or None,
        online_handle_url=draw(address),
        mobile_terminal_url=draw(address),
        user_topic_type=draw(some("005 010 999")),
        corp_topic_type=draw(some("005 010 999")),
        result_type=draw(one_of("10 20 30 99")),
        result_name=draw(st.none() | word),
        plan_cancel_date=draw(st.none() | st.dates(min_value=date(2030, 1, 1))),
    )


@st.composite
def released_items(draw: st.DrawFn) -> ReleasedItem:
    item = draw(items())
    guide = Guide(
        code=item.code,
        task_name=item.task_name,
        dept_name=item.dept_name,
        by_law=item.by_law,
        accept_condition=draw(text),
        materials=draw(st.lists(materials, max_size=3)) or None,
        steps=draw(st.lists(steps, max_size=12)),
        fees=draw(st.lists(fees, max_size=3)),
        windows=draw(st.lists(windows, max_size=3)),
        questions=draw(st.lists(questions, max_size=2)),
        special_procedure=draw(st.none() | text),
        time_limit_explain=draw(st.none() | text),
        link_way=draw(st.none() | st.just("0751-5361234")),
        supervise_way=draw(st.none() | st.just("12345")),
        remedy=draw(st.none() | text),
    )
    return ReleasedItem(item, guide, draw(st.integers(1, 50)))
