"""People's own words find the item that answers them: 200 questions over the demo county, 60 held back from tuning."""

import pytest
from sqlalchemy import text

from services.channels.search.everyday_words import TABLE
from services.channels.search.index import SearchIndex, create_statements, indexed
from shared.database.engine import Database
from tests.harness.projecting import county, of_guide, of_item, shown
from tests.harness.questions import people_ask

ASKED = list(people_ask())
HELD_BACK = [question for question in ASKED if question.held_back]


@pytest.fixture(scope="module")
def find(tmp_path_factory):
    """Return the short names of the first ten items for a question."""
    database = Database("web", f"sqlite:///{tmp_path_factory.mktemp('county') / 'web.db'}")
    items = [shown("web", of_item(one)) for one, _ in county()]
    guides = [shown("web", of_guide(its)) for _, its in county()]
    with database.write() as session:
        for statement in create_statements("sqlite"):
            session.connection().execute(text(statement))
        SearchIndex(database).replace(session, [indexed(*pair) for pair in zip(items, guides, strict=True)])
    names = {f"item:{item['code']}": item["short_name"] for item in items}

    def found(query: str) -> list[str]:
        with database.read() as session:
            return [names[key] for key in SearchIndex(database).find(session, query, 10)]

    yield found
    database.close()


def test_there_are_two_hundred_questions_about_items_of_the_county():
    names = {shown("web", of_item(one))["short_name"] for one, _ in county()}

    assert len(ASKED) == len({question.text for question in ASKED}) == 200
    assert len(HELD_BACK) == 60
    assert all(question.answers <= names for question in ASKED)


@pytest.mark.parametrize("questions", [ASKED, HELD_BACK], ids=["all", "held back"])
def test_people_find_what_they_ask_for_in_their_own_words(find, questions):
    found = {question: find(question.text) for question in questions}
    first = sum(not question.answers.isdisjoint(names[:1]) for question, names in found.items())
    three = sum(not question.answers.isdisjoint(names[:3]) for question, names in found.items())
    nothing = sum(not names for names in found.values())

    assert (first / len(found) >= 0.85, three / len(found) >= 0.95, nothing / len(found) <= 0.02) == (True, True, True)


@pytest.mark.parametrize(
    ("asked", "answer"), [("新生儿医保", "居民医保参保"), ("老人过世后的手续", "注销户口"), ("老人", "高龄津贴")]
)
def test_who_it_is_for_weighs_less_than_what_it_is_about(find, asked, answer):
    assert find(asked)[0] == answer


def test_a_sentence_in_pinyin_is_understood(find):
    assert find("wo yao ban yingyezhizhao")[0] in find("营业执照")[:2]
    assert find("wo xiang ban ju zhu zheng")[0] == find("居住证")[0]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("公基金", "公积金"),
        ("身份正", "身份证"),
        ("居注证", "居住证"),
        ("养老保显", "养老保险"),
        ("结昏登记", "结婚登记"),
    ],
)
def test_a_word_that_sounds_right_is_understood(find, slip, meant):
    assert find(slip) == find(meant) != []


@pytest.mark.parametrize("initials", ["kbqy", "kgs", "sbk", "db", "yyzz", "ybk", "gjj", "cjz"])
def test_initials_find_what_the_word_finds_that_they_suggest(find, initials):
    words = {"kbqy": "开办企业", "kgs": "开公司", "sbk": "社保卡", "db": "低保", "yyzz": "营业执照", "ybk": "医保卡"}
    word = words.get(initials) or {"gjj": "公积金", "cjz": "残疾证"}[initials]

    assert find(word)[0] in find(initials)[:3]


def test_no_everyday_term_stands_twice_in_the_table():
    terms = [term for line in TABLE.read_text("utf-8").splitlines() for term in line.partition(" = ")[0].split()]

    assert sorted(terms) == sorted(set(terms))
