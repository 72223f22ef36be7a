"""The forms of subscribers: filters by choices, as JSON and in words; every wrong field is told in Chinese."""

import ast
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.datastructures import FormData

from services.console.subscribers.filters import OP_CHOICES, TypedFilters, typed_of, words
from services.console.subscribers.form import (
    TypedSubscription,
    key_content,
    range_content,
    reason_of,
    rotation_content,
)
from services.console.subscribers.views import event_words
from services.console.subscribers.words import chinese, errors_of
from services.subscriptions.registry.filters import require_filters
from shared.errors import Invalid
from tests.harness.county import REPOSITORY
from tests.harness.pipeline import code_of, unit_code

BY_CHOICES: list[tuple[TypedFilters, list[Any], list[str]]] = [
    (TypedFilters(), [], []),
    (TypedFilters(kinds=("item",)), [{"exact": {"kind": "item"}}], ["种类：事项"]),
    (
        TypedFilters(kinds=("item", "guide"), ops=("withdraw",)),
        [{"any": [{"exact": {"kind": "item"}}, {"exact": {"kind": "guide"}}]}, {"exact": {"op": "withdraw"}}],
        ["种类：事项、办事指南", "动作：撤下"],
    ),
    (
        TypedFilters(departments=f"{unit_code()}\n1133", items=code_of(1)),
        [
            {"any": [{"prefix": {"department": unit_code()}}, {"prefix": {"department": "1133"}}]},
            {"exact": {"item": code_of(1)}},
        ],
        [f"部门编码以此开头：{unit_code()}、1133", f"实施编码：{code_of(1)}"],
    ),
]
ONLY_JSON: list[tuple[list[Any], str]] = [
    ([{"not": {"exact": {"op": "withdraw"}}}], "除了（动作：撤下）"),
    ([{"prefix": {"key": "item:11"}}], "键以此开头：item:11"),
    ([{"exact": {"kind": "item", "op": "release"}}], "种类是事项，动作是发布"),
    ([{"exact": {"kind": "hologram"}}], "种类是hologram"),
    ([{"any": [{"exact": {"kind": "item"}}, {"prefix": {"department": "11"}}]}],
     "任一满足（种类：事项；部门编码以此开头：11）"),
    ([{"all": [{"exact": {"kind": "item"}}, {"not": {"exact": {"kind": "act"}}}]}],
     "同时满足（种类：事项；除了（种类：行为说明））"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "filters", "said"), BY_CHOICES)
def test_what_is_chosen_becomes_filters_and_is_shown_as_the_same_choices(
    typed: TypedFilters, filters: list[Any], said: list[str]
) -> None:
    assert typed.filters() == require_filters(filters)
    assert typed_of(filters) == typed
    assert words(filters) == said


@pytest.mark.parametrize(("filters", "said"), ONLY_JSON)
def test_what_no_choice_can_say_is_shown_as_json_and_comes_back_unchanged(filters: list[Any], said: str) -> None:
    typed = typed_of(require_filters(filters))

    assert json.loads(typed.text) == filters
    assert typed.filters() == filters
    assert words(filters) == [said]


@pytest.mark.parametrize(
    ("typed", "field", "rule"),
    [
        (TypedFilters(text="[{"), "filters", "json"),
        (TypedFilters(text='{"exact": {"kind": "item"}}'), "filters", "form"),
        (TypedFilters(kinds=("item",), text="[]"), "filters", "both"),
        (TypedFilters(kinds=("application",)), "kinds", "choice"),
        (TypedFilters(departments="11 33，44"), "departments", "code"),
        (TypedFilters(items="\n".join(str(number) for number in range(191))), "items", "size"),
    ],
)
def test_a_wrong_filter_names_the_field_of_the_form(typed: TypedFilters, field: str, rule: str) -> None:
    with pytest.raises(Invalid) as refused:
        typed.filters()

    assert [(one.field, one.rule) for one in refused.value.violations] == [(field, rule)]


def sent(**fields: Any) -> TypedSubscription:
    return TypedSubscription.of_form(FormData(list(fields.items())))


def test_every_wrong_field_of_a_new_subscription_is_told_at_once() -> None:
    typed = sent(name="", delivery="webhook", url="", start="position", position="-1", rate="１０", payload_limit="1",
                 contact="科" * 201, filters="{")  # fmt: skip
    with pytest.raises(Invalid) as refused:
        typed.added()

    fields = [one.field for one in refused.value.violations]
    assert fields == ["name", "position", "contact", "filters", "rate", "payload_limit", "url"]
    assert all("一" <= one.message[0] <= "鿿" for one in refused.value.violations)


def test_a_reader_of_the_feed_has_no_address_and_no_limits() -> None:
    with pytest.raises(Invalid) as refused:
        sent(name="某系统", delivery="feed", start="now", url="https://a.example").added()

    assert [one.field for one in refused.value.violations] == ["url"]
    content = sent(name="某系统", delivery="feed", start="now", rate="", payload_limit="").added()
    assert content == {"name": "某系统", "delivery": "feed", "start": "now", "contact": "", "filters": []}


def test_the_small_forms_refuse_what_the_service_would() -> None:
    for read, form, field in (
        (key_content, {"scopes": "feed", "days": "0"}, "days"),
        (key_content, {"days": "3"}, "scopes"),
        (rotation_content, {"overlap_hours": "169"}, "overlap_hours"),
        (range_content, {"first": "1", "last": "x"}, "last"),
    ):
        with pytest.raises(Invalid) as refused:
            read(FormData(form))
        assert [one.field for one in refused.value.violations] == [field]
    assert key_content(FormData([("scopes", "feed"), ("old_keys_hours", "0")])) == {
        "scopes": ["feed"],
        "old_keys_hours": 0,
    }


@pytest.mark.parametrize("reason", ["", "x", "事" * 201, "张某 13800138000 要求"])
def test_a_reason_that_is_missing_long_or_personal_is_refused(reason: str) -> None:
    with pytest.raises(Invalid):
        reason_of(reason)


def messages() -> Iterator[str]:
    """Every sentence with which the subscriptions service refuses what operators send, and each rule of an address."""
    places = ("services/subscriptions/registry", "services/subscriptions/webhooks/deliveries.py",
              "shared/webhooks/addresses.py")  # fmt: skip
    calls = {"Conflict", "NotFound", "Violation", "_wrong", "_refused", "ForbiddenAddress"}
    for place in places:
        path = REPOSITORY / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in calls:
                    yield from (text for one in node.args if len(text := sentence(one)) > len("position"))


def sentence(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_everything_that_the_service_refuses_is_told_in_chinese_alone() -> None:
    found = [one for one in messages() if " " in one or any("一" <= letter <= "鿿" for letter in one)]

    english = [one for one in found if chinese(one) == one or any(word in chinese(one) for word in (" is ", " must "))]
    assert english == []
    assert len(found) > 20


def test_a_place_within_filters_is_told_at_the_field_of_the_json() -> None:
    with pytest.raises(Invalid) as refused:
        require_filters([{"any": [{"exact": {"colour": "red"}}]}])

    (message,) = errors_of(refused.value).items()
    assert message[0] == "filters"
    assert message[1].startswith("0.any.0.exact：属性只有")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("tongyuan.item.released", "事项：发布"),
        ("tongyuan.guide.withdrawn", "办事指南：撤下"),
        ("tongyuan.subscription.test", "测试事件"),
        ("tongyuan.subscription.rested", "tongyuan.subscription.rested"),
        ("tongyuan.hologram.projected", "tongyuan.hologram.projected"),
    ],
)
def test_an_event_is_named_in_chinese_where_this_version_knows_it(event: str, said: str) -> None:
    assert event_words(event) == said
    assert set(OP_CHOICES) == {"release", "withdraw"}
