"""The parts of the hall's screens: windows by place, hours, life events, the finder, QR codes, the board."""

import xml.etree.ElementTree as ET  # its usual name

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes.tables import THEME_LEGAL_PERSON, THEME_NATURAL_PERSON
from services.channels.api.cached import CachedUntilChanged
from services.channels.core.port import adapters
from services.channels.kiosk import hall
from services.channels.pages import qr, ticket_calls
from services.channels.search import tokenizer
from services.channels.text import chinese_labels, english_labels
from services.channels.text.life_events import LIFE_EVENTS
from services.channels.text.opening_hours import opening
from shared.errors import Invalid
from shared.text.validation import parse
from tests.harness.projecting import any_item, county, item, of_guide, of_item, shown

MORNING, AFTERNOON = ["08:30", "12:00"], ["13:30", "17:30"]
WORKING = [MORNING, AFTERNOON]
NORMAL = "工作日 上午8:30—12:00，下午13:30—17:30"


def documents(channel="kiosk"):
    adapter = adapters()[channel]
    items = [adapter.project(of_item(one)) for one, _ in county()]
    guides = [adapter.project(of_guide(its)) for _, its in county()]
    return [one for one in items if one], [one for one in guides if one]


@pytest.mark.parametrize(
    ("hours", "day", "spans"),
    [
        (NORMAL, "1", WORKING),
        (NORMAL, "6", None),
        ("工作日 上午8:30-12:00，下午1:30-5:30", "5", WORKING),
        (f"{NORMAL}；周六上午9:00—11:30", "6", [["09:00", "11:30"]]),
        ("全天24小时（含节假日）", "7", [["00:00", "24:00"]]),
        ("周一至周日 9:00~17:00", "7", [["09:00", "17:00"]]),
    ],
)
def test_hours_are_read_by_day(hours, day, spans):
    assert opening(hours)["week"].get(day) == spans


def test_summers_other_afternoon_stands_beside_the_usual_one():
    found = opening(f"{NORMAL}（夏令时下午14:30—18:00）")

    assert (found["week"]["1"], found["summer"]["1"]) == (WORKING, [MORNING, ["14:30", "18:00"]])


def test_a_day_that_is_spoken_of_without_a_time_is_unsure():
    assert opening(f"{NORMAL}；周六上午预约办理")["unsure"] == [6]
    assert opening(f"{NORMAL}；2月14日、七夕节遇周末照常办理")["unsure"] == [6, 7]


@pytest.mark.parametrize(
    "hours", [None, "", "工作日", "请电话预约", "工作日 25:00—26:00", "工作日 17:00—9:00", "9:00—17:00"]
)
def test_hours_that_are_not_understood_are_not_guessed(hours):
    assert opening(hours) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_hours(hours):
    found = opening(hours)

    assert found is None or found["week"]


def test_every_life_event_names_themes_of_its_side_and_no_catch_all():
    for event in LIFE_EVENTS:
        table = THEME_NATURAL_PERSON if event.side == "person" else THEME_LEGAL_PERSON
        assert event.themes
        assert {*event.themes} <= table.keys() - {"998", "999"}


def test_life_events_have_their_own_names_and_marks():
    for names in zip(*((event.code, event.mark, event.zh, event.en) for event in LIFE_EVENTS), strict=True):
        assert len({*names}) == len(names)


def test_an_item_belongs_to_the_events_of_its_themes():
    marriage = next(event for event in LIFE_EVENTS if event.code == "marriage")

    assert marriage.takes(shown("web", of_item(item(user_topic_type=["060"]))))
    assert not marriage.takes(shown("web", of_item(item(user_topic_type=["090"], corp_topic_type=["005"]))))


@given(any_item)
def test_english_answers_exactly_where_chinese_does(one):
    head = adapters()["web"].project(of_item(one))["glance"]

    assert {name for name, text in english_labels.glance(one).items() if text} == {
        name for name, text in head.items() if text
    }
    assert all(text is None or text.isascii() for text in english_labels.glance(one).values())


def test_windows_stand_by_building_floor_and_number_each_with_its_items():
    items, guides = documents()
    found = hall.buildings(guides, frozenset(one["code"] for one in items))
    first = found[0]

    assert first.address.endswith("政务服务中心")
    floors = [area.name[0] for area in first.areas]
    assert floors == sorted(floors, key="一二三四五".index)
    named = {
        code for building in found for area in building.areas for window in area.windows for code, _ in window.items
    }
    assert named == {guide["code"] for guide in guides} & {one["code"] for one in items}


def test_a_guide_without_its_item_opens_no_window():
    _, guides = documents()

    assert hall.buildings(guides, frozenset()) == []


def test_the_finder_knows_every_item_by_name_and_by_sound():
    items, _ = documents()
    rows = hall.finder(items)["items"]

    assert [row["code"] for row in rows] == [one["code"] for one in items]
    assert all(len(row["names"]) == len(row["sounds"]) for row in rows)
    assert all(sound.isascii() for row in rows for sound in row["sounds"])


def test_common_words_lead_to_an_item():
    assert hall.finder([])["common"] == []
    items, _ = documents()
    assert "身份证" in [each["word"] for each in hall.finder(items)["common"]]


def test_syllables_keep_second_readings_letters_and_digits():
    assert tokenizer.syllables("银行卡A4（新）") == "yin xing/hang ka a 4 xin"


def test_what_is_kept_is_made_once_until_the_cursor_moves():
    made, cursor = [], ["a"]
    kept = CachedUntilChanged(lambda: cursor[0], lambda: made.append(1) or len(made))

    assert [kept.get(), kept.get()] == [1, 1]
    cursor[0] = "b"
    assert kept.get() == 2


def test_a_code_is_svg_without_style_and_with_a_quiet_zone():
    drawn = ET.fromstring(str(qr.svg("HTTP://CN/V/G/1/1/AB")))

    assert drawn.get("viewBox").split()[2:] == ["29", "29"]
    assert not [each for each in drawn.iter() if "style" in each.attrib]


@pytest.mark.parametrize("text", ["https://" + "x" * 8_000, "https://" + "x" * 293])
def test_an_address_too_long_to_scan_has_no_code(text):
    assert qr.svg(text) == ""


@pytest.mark.parametrize("ticket", ["A032", "7", "AB1234"])
def test_a_ticket_is_letters_and_few_digits(ticket):
    assert parse(ticket_calls.Calls, {"calls": [{"ticket": ticket, "window": "A01"}]}).calls[0].ticket == ticket


@pytest.mark.parametrize("ticket", ["张三", "A032 张", "13800138000", "33992119900101001X", "a32", "", "A-32", "12345"])
def test_nothing_that_could_name_a_person_is_a_ticket(ticket):
    with pytest.raises(Invalid):
        parse(ticket_calls.Calls, {"calls": [{"ticket": ticket, "window": "A01"}]})


@pytest.mark.parametrize("minutes", [0, 31])
def test_a_call_ends_by_itself_within_half_an_hour(minutes):
    with pytest.raises(Invalid):
        parse(ticket_calls.Calls, {"calls": [], "minutes": minutes})


def test_fees_have_an_english_sum_only_where_each_is_an_amount():
    one = next(its for _, its in county() if its.fees)
    amounts = [fee.amount_fen for fee in one.fees]

    assert (english_labels.fees(one) is None) == (None in amounts)
    assert chinese_labels.fees(one)
