"""Publications for tests of projections, search and pages, given or generated."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st

from contracts.content.cases import Badge, CaseProgress, Milestone, Stage
from contracts.content.guides import Fee, Guide, Material, Question, Step, Window
from contracts.content.items import Item, LegalBasis
from contracts.envelope.publication import Op, Publication
from services.channels.core.port import adapters
from services.demo import content
from shared.transparency.canonical import digest

REGION = "339921000000"
CODE = "11339921003991014U400070990100001"
CASE = "ossmsqalrmoj2l7zbkj5rmaof5rag62bkgedpluzngfgy6a42rjq"
MOMENT = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)

readable = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
words = st.text(readable, min_size=1, max_size=400).filter(str.strip)
few_words = st.text(readable, min_size=1, max_size=90).filter(str.strip)
maybe_words = st.none() | words
maybe = st.sampled_from([None, True, False])
codes_of = {
    "serve_type": list("1234569"),
    "handle_type": list("123"),
    "handle_area": list("123456"),
    "user_topic_type": ["005", "090", "999", "777"],
    "corp_topic_type": ["005", "010", "999", "777"],
}


def published(key: str, body: dict[str, Any] | None, version: int = 1, position: int = 1, **fields: Any) -> Publication:
    """Return a publication as the ledger gives it, with its content's digest."""
    release = {
        "source": "catalog",
        "sequence": position,
        "key": key,
        "kind": key.partition(":")[0],
        "version": version,
        "op": Op.WITHDRAW if body is None else Op.RELEASE,
        "region": REGION,
        "released_at": MOMENT,
        "recorded_at": MOMENT,
        "body": body,
        "position": position,
        "digest": "0" * 64,
    } | fields
    publication = Publication.model_validate(release)
    return publication.model_copy(update={"digest": digest(publication.content())})


def item(**fields: Any) -> Item:
    """Return an item with only the required fields, and `fields`."""
    least = {
        "code": CODE,
        "catalog_code": "000709901000",
        "task_name": "居民身份证办理",
        "task_type": "07",
        "use_level": "4",
        "dept_name": "云溪县公安局",
        "dept_code": "11339921003991014U",
    }
    return Item.model_validate(least | fields)


def guide(**fields: Any) -> Guide:
    """Return a guide with only the required fields, and `fields`."""
    return Guide.model_validate({"code": CODE, "task_name": "居民身份证办理", "dept_name": "云溪县公安局"} | fields)


def progress(**fields: Any) -> CaseProgress:
    """Return a case in progress, with `fields`."""
    case = {
        "item_code": CODE,
        "stage": Stage.PROCESSING,
        "state": "IN_REVIEW",
        "state_label": "正在办理",
        "badges": [Badge.CORRECTION],
        "apply_date": date(2026, 3, 2),
        "accept_date": date(2026, 3, 3),
        "promise_date": date(2026, 3, 24),
        "milestones": [Milestone(state="ACCEPTED", label="受理", day=date(2026, 3, 3))],
        "advice": "您的申请正在办理，您暂时不需要做什么。",
        "salt": "00112233445566778899aabbccddeeff",
    }
    return CaseProgress.model_validate(case | fields)


def of_item(one: Item) -> Publication:
    return published(f"item:{one.code}", one.model_dump(mode="json"))


def of_guide(one: Guide) -> Publication:
    return published(f"guide:{one.code}", one.model_dump(mode="json"))


def of_case(one: CaseProgress) -> Publication:
    return published(f"application:{CASE}", one.model_dump(mode="json"))


def shown(channel: str, publication: Publication) -> dict[str, Any]:
    """Return a channel's document of a publication that it shows."""
    document = adapters()[channel].project(publication)
    assert document is not None
    return document


@cache
def county() -> list[tuple[Item, Guide]]:
    """Return the demo county's items, each with its guide."""
    guides = {one.code: one for one in content.guides()}
    return [(one, guides[one.code]) for one in content.items()]


def leaves(value: Any) -> Iterator[Any]:
    """Yield every value in a document that is neither list nor object."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def lists_of(field: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(codes_of[field]), unique=True, max_size=3)


any_law = st.builds(LegalBasis, law_name=few_words, article=st.none() | st.just("第十条"))
any_day = st.none() | st.integers(0, 3650)

any_item = st.builds(
    item,
    task_name=words,
    short_name=st.none() | few_words,
    keywords=st.lists(words, max_size=3),
    by_law=st.lists(any_law, max_size=2),
    project_type=st.sampled_from([None, "1", "2", "9"]),
    promise_day=any_day,
    promise_type=st.sampled_from([None, "1", "2"]),
    anticipate_day=any_day,
    limit_scene_num=st.none() | st.integers(0, 99),
    limit_scene_explain=maybe_words,
    is_fee=st.sampled_from([None, True, False]),
    is_entry_center=maybe,
    is_online=maybe,
    is_service_terminals=maybe,
    online_handle_url=st.none() | st.just("https://zwfw.yunxi.example/apply"),
    mobile_terminal_url=st.none() | st.just("https://m.yunxi.example/apply"),
    result_name=maybe_words,
    **{field: lists_of(field) for field in codes_of} | {"handle_type": st.none() | lists_of("handle_type")},
)

any_guide = st.builds(
    guide,
    task_name=words,
    accept_condition=maybe_words,
    materials=st.none()
    | st.lists(
        st.builds(
            Material,
            material_name=words,
            is_need=maybe,
            tolerable=maybe,
            material_type=st.sampled_from([None, "1", "2"]),
            copies=st.none() | st.integers(0, 99),
            source_type=st.sampled_from([None, "10", "20", "99"]),
            fill_explain=maybe_words,
        ),
        max_size=3,
    ),
    steps=st.lists(st.builds(Step, name=few_words, content=maybe_words), max_size=3),
    fees=st.lists(st.builds(Fee, fee_name=few_words, fee_stand=words), max_size=2),
    windows=st.lists(st.builds(Window, address=words, window_no=st.none() | st.just("A01")), max_size=2),
    questions=st.lists(st.builds(Question, question=words, answer=words), max_size=2),
    by_law=st.lists(any_law, max_size=2),
    link_way=maybe_words,
)
