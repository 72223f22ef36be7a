"""What goes up to the tables `up_task_*` comes down as the same item, on the fields that both know."""

import csv
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.content.guides import Fee, Guide, Material, Question, Step, Window
from contracts.content.items import Item, LegalBasis
from services.exchange.items.item_rows import Envelope, ReleasedItem, item_rows, too_long, unstated
from services.exchange.items.joined_rows import join
from services.exchange.tables.csv_folder import parse_csv, read_folder, write_folder
from services.exchange.tables.definitions import FAMILY_OF_TYPE, ITEM_TABLES
from services.importing.formats.up_task import convert
from services.importing.row import Accepted, Row

ENVELOPE = Envelope("2026-12-01 09:00:00", "20261201-1", "999")
UNIT = "11440232MB2D06811W"
NOT_SENT = {
    *("salt", "announcements", "short_name", "keywords"),
    *("remedy", "tolerable", "form_url", "example_url", "files", "amount_fen"),
    *("window_no", "phone", "traffic", "content", "result"),
}
"""Fields for which the tables have no column: docs/integrating/exchange.md lists them."""

word = st.text("甲乙丙丁子丑寅卯县乡ABC", min_size=2, max_size=12)
flag = st.none() | st.booleans()
days = st.none() | st.integers(0, 3650)


def some(codes: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(codes.split()), unique=True, max_size=3)


@st.composite
def released(draw: st.DrawFn) -> ReleasedItem:
    task_type = draw(st.sampled_from(sorted(FAMILY_OF_TYPE)))
    catalog_code = f"00{task_type}17{draw(st.integers(0, 999_999)):06}"
    code = f"{UNIT}4{catalog_code}" + draw(st.sampled_from(["", "01", "17"]))
    name, dept = draw(word), draw(word)
    laws = draw(
        st.lists(
            st.builds(LegalBasis, law_name=word, article=st.none() | st.just("第十三条")),
            max_size=3,
            unique_by=lambda law: law.law_name,
        )
    )
    promise, legal = draw(days), draw(days)
    item = Item(
        code=code,
        catalog_code=catalog_code,
        task_name=name,
        task_type=task_type,
        by_law=laws,
        use_level="4",
        dept_name=dept,
        dept_code=UNIT,
        local_task_code=draw(st.none() | st.just("LOCAL-0001")),
        power_source=draw(st.none() | st.sampled_from("123456")),
        dept_type=draw(st.none() | st.sampled_from("1239")),
        entrust_name=draw(st.none() | word),
        serve_type=draw(some("1 2 3 4 5 6 9")),
        project_type=draw(st.none() | st.sampled_from("129")),
        handle_type=draw(some("1 2 3")) or None,
        handle_area=draw(some("1 2 3 4 5 6")),
        anticipate_day=legal,
        anticipate_type=None if legal is None else draw(st.sampled_from("12")),
        promise_day=promise,
        promise_type=None if promise is None else draw(st.sampled_from("12")),
        limit_scene_num=draw(st.none() | st.integers(0, 99)),
        limit_scene_explain=draw(st.none() | word),
        **{name: draw(flag) for name in ("is_fee", "is_entry_center", "is_online", "is_schedule", "is_pay_online")},
        is_express=draw(flag),
        is_service_terminals=draw(flag),
        online_handle_depth=draw(some("1 2 3 4 5 6 7 9")) or None,
        online_handle_url=draw(st.none() | st.just("https://zwfw.example.gov.cn/a?b=1")),
        result_type=draw(st.none() | st.sampled_from(["10", "20", "30", "99"])),
        result_name=draw(st.none() | word),
        plan_cancel_date=draw(st.none() | st.dates(min_value=date(2030, 1, 1))),
    )
    return ReleasedItem(item, draw(guides(item)), draw(st.integers(1, 50)))


@st.composite
def guides(draw: st.DrawFn, item: Item) -> Guide:
    materials = st.builds(
        Material,
        material_name=word,
        is_need=flag,
        material_type=st.none() | st.sampled_from("123"),
        material_format=st.none() | st.sampled_from("123"),
        copies=st.none() | st.integers(0, 99),
        source_type=st.none() | st.sampled_from(["10", "20", "99"]),
        source_explain=st.none() | word,
        fill_explain=st.none() | word,
        accept_stand=st.none() | word,
    )
    fees = st.builds(Fee, fee_name=word, fee_stand=word, by_law=st.none() | word, is_desc=flag)
    return Guide(
        code=item.code,
        task_name=item.task_name,
        dept_name=item.dept_name,
        by_law=item.by_law,
        accept_condition=draw(word),
        materials=draw(st.lists(materials, max_size=3, unique_by=lambda one: one.material_name)) or None,
        steps=draw(st.lists(st.builds(Step, name=word, day=days), max_size=3, unique_by=lambda one: one.name)),
        fees=draw(st.lists(fees, max_size=2, unique_by=lambda one: one.fee_name)),
        windows=draw(st.lists(st.builds(Window, address=word, hours=st.none() | word), max_size=1)),
        questions=draw(st.lists(st.builds(Question, question=word, answer=word), max_size=2)),
        special_procedure=draw(st.none() | word),
        time_limit_explain=draw(st.none() | word),
        link_way=draw(st.none() | st.just("0751-5361234")),
        supervise_way=draw(st.none() | st.just("12345")),
    )


def shared(value: object) -> object:
    """Return what both sides know of a body."""
    if isinstance(value, dict):
        return {name: shared(part) for name, part in value.items() if name not in NOT_SENT}
    return [shared(part) for part in value] if isinstance(value, list) else value


def down(one: ReleasedItem) -> Accepted:
    with TemporaryDirectory() as folder:
        batch = Path(folder) / "batch"
        write_folder(batch, item_rows(one, ENVELOPE), {})
        joined = join(read_folder(batch, ITEM_TABLES))
    assert not joined.refusals
    (item,) = joined.items
    outcome = convert(Row(1, item))
    assert isinstance(outcome, Accepted), outcome
    return outcome


@settings(max_examples=150, deadline=None)
@given(released())
def test_an_item_and_its_guide_come_down_as_they_went_up(one: ReleasedItem) -> None:
    outcome = down(one)

    assert outcome.item is not None
    assert shared(outcome.item.model_dump(mode="json")) == shared(one.item.model_dump(mode="json"))
    assert outcome.guide is not None
    assert one.guide is not None
    assert shared(outcome.guide.model_dump(mode="json")) == shared(one.guide.model_dump(mode="json"))
    assert outcome.version == one.version


@settings(max_examples=20, deadline=None)
@given(released())
def test_a_withdrawn_item_comes_down_as_a_withdrawal(one: ReleasedItem) -> None:
    gone = ReleasedItem(one.item, one.guide, one.version, withdrawn=True)

    assert down(gone).withdraw == one.item.code


@settings(max_examples=20, deadline=None)
@given(released())
def test_the_same_version_has_the_same_rows_and_the_next_one_others(one: ReleasedItem) -> None:
    later = ReleasedItem(one.item, one.guide, one.version + 1)

    def guids(of: ReleasedItem) -> list[str]:
        return [str(row["row_guid"]) for rows in item_rows(of, ENVELOPE).values() for row in rows]

    assert guids(one) == guids(one)
    assert len(set(guids(one))) == len(guids(one))
    assert not set(guids(one)) & set(guids(later))
    assert all(len(guid) <= 50 for guid in guids(one))


BARE = Item(
    code=f"{UNIT}4000117051000",
    catalog_code="000117051000",
    task_name="消防设计审查",
    task_type="01",
    use_level="4",
    dept_name="住建局",
    dept_code=UNIT,
)
"""An item of which only what must be is stated."""


def test_what_nobody_states_is_null_and_named() -> None:
    rows = item_rows(ReleasedItem(BARE, None, 1), ENVELOPE)

    (basic,) = rows["up_task_general_basic"]
    assert (basic["promise_day"], basic["is_fee"], basic["transact_addr"]) == (None, None, None)
    assert "up_task_general_basic.promise_day" in unstated(rows)
    assert "up_task_general_basic.task_name" not in unstated(rows)


def test_a_value_longer_than_its_column_is_refused_and_not_cut() -> None:
    windows = [Window(address="鹰峰中路1号" * 45), Window(address="鹰峰中路2号" * 45)]
    guide = Guide(code=BARE.code, task_name="消防设计审查", dept_name="住建局", windows=windows)

    (refusal,) = too_long(item_rows(ReleasedItem(BARE, guide, 1), ENVELOPE))

    assert (refusal.field, refusal.rule) == ("transact_addr", "max-length")


def test_reading_a_table_changes_no_limit_of_other_readers() -> None:
    before = csv.field_size_limit()
    parse_csv("up_task_general_basic.csv", b"task_name\n" + b"x" * (before + 1))
    assert csv.field_size_limit() == before
