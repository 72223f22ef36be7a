"""Personal data are masked by one rule everywhere, and detected where people wrote them by mistake."""

from datetime import date
from typing import Annotated

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.security.privacy import (
    Personal,
    PersonalDataSpan,
    PersonalKind,
    find_personal_data,
    mask_certificate,
    mask_mobile,
    mask_organisation,
    mask_person,
    mask_project_no,
    mask_resident_id,
    personal_fields,
    scrub,
)

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
DIGITS = st.characters(min_codepoint=ord("0"), max_codepoint=ord("9"))
FULL_WIDTH = str.maketrans("0123456789X@", "０１２３４５６７８９Ｘ＠")
SEPARATORS = st.sampled_from(["", "", "", " ", "-", "－", "\u3000", "\u200b", " - "])


@st.composite
def resident_ids(draw: st.DrawFn) -> str:
    region = draw(st.sampled_from(["440232", "110101", "650102", "331002"]))
    born = draw(st.dates(date(1900, 1, 1), date(2020, 12, 31)))
    number = f"{region}{born:%Y%m%d}{draw(st.integers(0, 999)):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))
    return number + "10X98765432"[total % 11]


@st.composite
def mobiles(draw: st.DrawFn) -> str:
    return f"1{draw(st.integers(3, 9))}{draw(st.integers(0, 10**9 - 1)):09}"


@st.composite
def bank_cards(draw: st.DrawFn) -> str:
    number = "6222" + draw(st.text(DIGITS, min_size=14, max_size=14))
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(number)))
    return number + str(-total % 10)


@st.composite
def spelled(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> tuple[str, str]:
    """Draw a number, and the same as somebody might type it."""
    number = draw(numbers)
    written = "".join(digit + draw(SEPARATORS) for digit in number[:-1]) + number[-1]
    return number, written.translate(FULL_WIDTH) if draw(st.booleans()) else written


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三", "张*"),
        ("张三丰", "张**"),
        ("张 三", "张*"),
        ("欧阳修", "欧阳*"),
        ("欧阳娜娜", "欧阳**"),
        ("欧阳", "欧*"),
        ("司馬相如", "司馬**"),
        ("阿卜杜拉·买买提", "阿**"),
        ("阿卜杜拉・买买提", "阿**"),
        ("欧阳·买买提", "欧**"),
        ("多吉卓玛", "多**"),
        ("张三（代办人李四）", "张**"),
        ("王", "*"),
        ("", ""),
        ("John Smith", "J**"),
        ("\u200b张三", "张*"),
        ("张**", "张**"),
    ],
)
def test_a_name_keeps_the_surname_only(name: str, masked: str) -> None:
    assert mask_person(name) == masked


@given(st.text(HAN | st.sampled_from("·•・"), min_size=1, max_size=20))
def test_a_masked_name_shows_at_most_a_surname_and_not_how_long_it_was(name: str) -> None:
    masked = mask_person(name)
    shown = masked.rstrip("*")
    hidden = name[len(shown) :]
    assume(hidden not in shown)
    assert hidden not in masked
    assert len(shown) <= 2
    assert 1 <= len(masked) - len(shown) <= 2


def test_an_organisation_is_public_and_a_sole_trader_is_a_person() -> None:
    assert mask_organisation("乳源瑶族自治县第一建筑有限公司") == "乳源瑶族自治县第一建筑有限公司"
    assert mask_organisation("张三小吃店", sole_trader=True) == "张****"


@pytest.mark.parametrize(
    "number", ["13812345678", "+86 138-1234-5678", "１３８１２３４５６７８", "0086 13812345678", "138 1234 5678"]
)
def test_a_mobile_shows_its_ends(number: str) -> None:
    assert mask_mobile(number) == "138****5678"


@pytest.mark.parametrize("number", ["0751-5381234", "5381234", "", "1381234567", "23812345678"])
def test_what_is_no_mobile_is_hidden_whole(number: str) -> None:
    assert mask_mobile(number) == "****"


def test_a_resident_id_hides_the_day_of_birth() -> None:
    assert mask_resident_id("44023219850101123x") == "440232********123X"
    assert mask_resident_id("440232 19850101 1234") == "440232********1234"
    assert mask_resident_id("G12345678") == "****5678"


@given(spelled(resident_ids()))
def test_a_masked_id_never_contains_the_day_of_birth(number: tuple[str, str]) -> None:
    plain, written = number
    assert plain[6:14] not in mask_resident_id(written)
    assert mask_resident_id(written) == f"{plain[:6]}********{plain[-4:]}"


@pytest.mark.parametrize(
    ("number", "masked"), [("粤AB20201234", "****1234"), ("1234567", "****"), ("", "****"), ("12345678", "****5678")]
)
def test_a_certificate_shows_its_last_four(number: str, masked: str) -> None:
    assert mask_certificate(number) == masked


def test_a_case_number_of_our_form_shows_day_and_serial() -> None:
    assert mask_project_no("11440232MB2D06811W4000117051000202010200008") == "202010200008"
    assert mask_project_no("11440000006940116U244010200300103202010200008") == "202010200008"


@given(st.text(st.sampled_from("0123456789ABCXYZ-"), min_size=1, max_size=42))
def test_a_foreign_case_number_hides_at_least_half(number: str) -> None:
    shown = mask_project_no(number).removeprefix("****")
    assert len(shown) <= len(number) / 2
    assert len(shown) <= 4
    assert number.endswith(shown)


def test_marked_fields_are_known_to_the_type() -> None:
    class Letter(BaseModel):
        item: str
        name: Annotated[str, Personal]
        reason: Annotated[str | None, Personal()] = None

    assert personal_fields(Letter) == {"name", "reason"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("身份证11010519491231002X，已核", PersonalKind.RESIDENT_ID),
        ("身份证11010519491231002x", PersonalKind.RESIDENT_ID),
        ("身份证１１０１０５１９４９１２３１００２Ｘ", PersonalKind.RESIDENT_ID),
        ("110105 19491231 002X", PersonalKind.RESIDENT_ID),
        ("身份证441899199001010016", PersonalKind.RESIDENT_ID),  # a district that no table of districts holds
        ("电话138-1234-5678转", PersonalKind.MOBILE),
        ("+86 138 1234 5678", PersonalKind.MOBILE),
        ("联系王先生1３8１2３4５6７8", PersonalKind.MOBILE),
        ("卡号4111 1111 1111 1111", PersonalKind.BANK_CARD),
        ("发至wang.san＠example.com.cn。", PersonalKind.EMAIL),
    ],
)
def test_personal_data_in_free_text_are_found(text: str, kind: PersonalKind) -> None:
    assert [finding.kind for finding in find_personal_data(text)] == [kind]
    assert find_personal_data(scrub(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "咨询电话0751-5381234，工作日9:00-12:00",
        "办件编号11440232MB2D06811W4000117051000202010200008",
        "统一社会信用代码115113010833722043",
        "身份证110105194912310021",  # check character wrong
        "身份证110105194913310025",  # no thirteenth month
        "卡号4111 1111 1111 1112",
        "国务院令第716号，2019年4月26日，2020-10-20 09:30",
        "",
    ],
)
def test_public_numbers_are_left_alone(text: str) -> None:
    assert find_personal_data(text) == []
    assert scrub(text) == text


def test_two_numbers_side_by_side_are_both_found() -> None:
    found = find_personal_data("13812345678 13987654321，11010519491231002X")
    assert [(finding.kind, finding.start, finding.end) for finding in found] == [
        (PersonalKind.MOBILE, 0, 11),
        (PersonalKind.MOBILE, 12, 23),
        (PersonalKind.RESIDENT_ID, 24, 42),
    ]
    assert scrub("13812345678 13987654321，11010519491231002X") == "**** ****，****"


def test_a_finding_does_not_repeat_what_it_found() -> None:
    assert "1381234" not in repr(find_personal_data("13812345678"))
    assert find_personal_data("13812345678") == [PersonalDataSpan(0, 11, PersonalKind.MOBILE)]


@given(st.text(HAN, max_size=10), spelled(resident_ids() | mobiles() | bank_cards()), st.text(HAN, max_size=10))
def test_a_number_is_found_however_it_is_spelled(before: str, number: tuple[str, str], after: str) -> None:
    text = before + number[1] + after
    covered = [(finding.start, finding.end) for finding in find_personal_data(text)]
    assert covered == [(len(before), len(before) + len(number[1]))]
    assert scrub(text) == f"{before}****{after}"


@given(st.text(), spelled(resident_ids() | mobiles() | bank_cards()), st.text())
def test_scrubbed_text_holds_nothing_to_find(before: str, number: tuple[str, str], after: str) -> None:
    scrubbed = scrub(f"{before} {number[1]}；{after}")
    assert find_personal_data(scrubbed) == []
