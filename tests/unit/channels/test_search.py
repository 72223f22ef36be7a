"""Search finds items by everyday words, pinyin or code; over SQLite here, over PostgreSQL in the integration tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from services.channels.api.statements import INDEXED, SET_INDEXED
from services.channels.core.port import adapters
from services.channels.search import tokenizer
from services.channels.search.index import Indexed, SearchIndex, create_statements, indexed
from shared.database.engine import Database
from tests.harness.before_identity import put_back
from tests.harness.projecting import county, guide, item, of_guide, of_item, shown

ROOT = Path(__file__).parents[3]
REACHED = 10


@pytest.fixture
def db(tmp_path):
    database = Database("web", f"sqlite:///{tmp_path / 'web.db'}")
    make(database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def county_db(tmp_path_factory):
    """The demo county, indexed once; tests do not write to it."""
    database = Database("web", f"sqlite:///{tmp_path_factory.mktemp('county') / 'web.db'}")
    make(database)
    put(database, *county_rows())
    yield database
    database.close()


def test_an_item_is_found_by_a_word_of_its_name(county_db):
    assert all("身份证" in name for name in found(county_db, "身份证")[:3])
    assert all("户口登记" in name for name in found(county_db, "户口")[:3])


def test_a_whole_question_finds_what_it_is_about(county_db):
    assert all("身份证" in name for name in found(county_db, "办身份证要什么材料？")[:3])
    assert found(county_db, "怎么给孩子上户口")[0] == "户口登记(出生登记)"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sfz", "身份证"),
        ("SFZ", "身份证"),
        ("shenfenzheng", "身份证"),
        ("shenfen", "身份证"),
        ("shen fen zheng", "身份证"),
        ("hk", "户口"),
        ("hukou", "户口"),
        ("sfz补领", "身份证办理(丢失补领)"),
        ("身份证 diushi", "身份证办理(丢失补领)"),
    ],
)
def test_pinyin_in_full_or_by_initials_finds_as_characters_do(county_db, typed, meant):
    assert meant in found(county_db, typed)[0]


def test_a_word_with_two_readings_is_found_by_both(db):
    put(db, Indexed("item:1", ("商业银行开户",)), Indexed("item:2", ("行政许可",)))

    assert found_keys(db, "yinhang") == found_keys(db, "yinxing") == ["item:1"]
    assert "item:2" in found_keys(db, "xzxk")


@pytest.mark.parametrize("asked", ["开办企业", "kbqy", "kaibanqiye", "我想开办企业"])
def test_people_who_open_a_company_find_what_officials_call_it(db, asked):
    put(
        db,
        Indexed("item:1", ("企业开办",)),
        Indexed("item:2", ("企业设立登记",)),
        Indexed("item:3", ("企业投资项目备案",)),
        Indexed("item:4", ("居民身份证办理",)),
    )

    assert {"item:1", "item:2"} == set(found_keys(db, asked)[:2])
    assert "item:4" not in found_keys(db, asked)


@pytest.mark.parametrize(
    ("said", "official"),
    [("低保", "最低生活保障金给付"), ("房产证过户", "不动产登记(转移登记)"), ("驾照", "机动车驾驶证期满换证")],
)
def test_what_people_say_leads_to_the_official_name(county_db, said, official):
    assert found(county_db, said)[0] == official


def test_digits_find_codes_by_their_beginning(county_db):
    one = county()[0][0]

    assert f"item:{one.code}" in found_keys(county_db, one.code)
    assert f"item:{one.code}" in found_keys(county_db, one.catalog_code[:7])
    assert all(key.startswith(f"item:{one.code[:18]}") for key in found_keys(county_db, one.code[:18].lower()))


def test_a_unit_finds_its_items(county_db):
    keys = found_keys(county_db, "公安局")

    assert keys
    assert set(keys) <= {f"item:{one.code}" for one, _ in county() if "公安局" in one.dept_name}


def test_the_name_weighs_more_than_other_names_and_these_more_than_the_unit(db):
    put(
        db,
        Indexed("item:unit", ("残疾人证办理",), words="户口管理科"),
        Indexed("item:other", ("出生登记", "新生儿户口")),
        Indexed("item:name", ("户口迁移",)),
    )

    assert found_keys(db, "户口") == ["item:name", "item:other", "item:unit"]


def test_an_item_is_found_by_its_guide_when_nothing_is_called_so(db):
    put(db, Indexed("item:guide", ("残疾人证办理",), more="居民身份证 近期照片"))

    assert found_keys(db, "身份证") == ["item:guide"]

    put(db, Indexed("item:name", ("居民身份证办理",)))

    assert found_keys(db, "身份证") == ["item:name"]


def test_an_item_that_is_called_just_so_comes_first(db):
    put(db, Indexed("item:1", ("户口登记信息变更更正",)), Indexed("item:2", ("户口登记",)))

    assert found_keys(db, "户口登记") == ["item:2", "item:1"]


def test_nothing_is_found_that_shares_only_a_common_word(db):
    put(db, Indexed("item:1", ("食品经营许可办理",)), Indexed("item:2", ("居民身份证办理",)))

    assert found_keys(db, "怎么办理身份证") == ["item:2"]


def test_a_common_word_alone_is_looked_for(db):
    put(db, Indexed("item:1", ("税务注销即时办理",)))

    assert found_keys(db, "办理") == ["item:1"]


@pytest.mark.parametrize("silly", ["", " ", "？！……", "的", "怎么", "*", '"', "''", "x", "\0", "\ud83d"])
def test_what_says_nothing_finds_nothing(county_db, silly):
    assert found_keys(county_db, silly) == []


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        ('" OR name:*', "or name"),
        ("name:身份证", "name 身份证"),
        ("身份证*", "身份证"),
        ("NEAR(身份证 办理)", "near 身份证 办理"),
        ("身份证 AND NOT 办理", "身份证 and not 办理"),
        ("身份证'; DROP TABLE search; --", "身份证 drop table search"),
        ("^身份证", "身份证"),
        ("身份证:*B | 户口", "身份证 b 户口"),
    ],
)
def test_nothing_typed_becomes_syntax(county_db, attack, words):
    assert found_keys(county_db, attack) == found_keys(county_db, words)
    assert found_keys(county_db, "身份证")


@given(query=st.text(max_size=200))
def test_any_question_has_an_answer(county_db, query):
    keys = found_keys(county_db, query)

    assert len(keys) == len(set(keys)) <= REACHED


@pytest.mark.parametrize("long", ["身份证" * 3334, "x" * 10_000, "a b " * 2500, "ﷺ" * 10_000, "办" * 10_000])
def test_an_endless_question_is_cut_not_refused(county_db, long):
    assert len(found_keys(county_db, long)) <= REACHED


def test_every_item_of_the_county_is_found_first_by_its_full_name(county_db):
    missed = [one.task_name for one, _ in county() if found(county_db, one.task_name)[0] != one.task_name]

    assert missed == []


@given(data=st.data())
def test_every_item_is_found_by_what_people_call_it(county_db, data):
    one, _ = data.draw(st.sampled_from([pair for pair in county() if pair[0].keywords]))
    called = data.draw(st.sampled_from(one.keywords))

    assert one.task_name in found(county_db, called)


def test_an_item_indexed_anew_is_not_found_by_its_old_words(db):
    put(db, Indexed("item:1", ("户口迁移",)))
    put(db, Indexed("item:1", ("居住证办理",)))

    assert found_keys(db, "户口") == []
    assert found_keys(db, "居住证") == ["item:1"]


def test_the_last_of_two_rows_of_a_batch_counts(db):
    put(db, Indexed("item:1", ("户口迁移",)), Indexed("item:1", ("居住证办理",)))

    assert found_keys(db, "居住证") == ["item:1"]
    assert found_keys(db, "户口") == []


def test_a_removed_item_is_not_found(db):
    put(db, Indexed("item:1", ("户口迁移",)), Indexed("item:2", ("户口登记",)))

    with db.write() as session:
        SearchIndex(db).remove(session, ["item:1", "item:unknown"])

    assert found_keys(db, "户口") == ["item:2"]


def test_what_is_not_committed_is_not_found(db):
    def interrupted() -> None:
        with db.write() as session:
            SearchIndex(db).replace(session, [Indexed("item:1", ("户口迁移",))])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()

    assert found_keys(db, "户口") == []


def test_a_cleared_index_finds_nothing(db):
    put(db, Indexed("item:1", ("户口迁移",)))

    with db.write() as session:
        SearchIndex(db).clear(session)

    assert found_keys(db, "户口") == []


def test_after_the_upgrade_a_channel_indexes_its_items_anew(tmp_path):
    database = Database("web", f"sqlite:///{tmp_path / 'web.db'}")
    database.migrate("channels")
    with database.write() as session:
        session.connection().execute(SET_INDEXED, {"change": 7})
        put_back(session.connection(), "web", "0010")

    database.migrate("channels")

    assert list(database.fetch(INDEXED)) == []
    database.close()


@pytest.mark.parametrize("channel", sorted(adapters()))
def test_every_channels_documents_can_be_indexed(channel):
    one = item(keywords=["小孩身份证"], is_entry_center=True, user_topic_type=["090"])
    its_guide = guide(
        windows=[{"address": "一楼A区"}],
        materials=[{"material_name": "居民户口簿"}],
        questions=[{"question": "孩子能不能办？", "answer": "可以。"}],
    )

    row = indexed(shown(channel, of_item(one)), shown(channel, of_guide(its_guide)))

    assert row.key == f"item:{one.code}"
    assert row.names == ("居民身份证办理", "小孩身份证")
    assert {"云溪县公安局", "证件办理", one.code, one.catalog_code} == set(row.words.split())
    assert row.more == "居民户口簿 孩子能不能办？"


@given(text=st.text(max_size=300))
def test_tokens_hold_nothing_but_letters_and_digits(text):
    tokens = [*tokenizer.words(text), *tokenizer.tokens(text), *tokenizer.sounds(text)]

    assert all(token.isalnum() or all(char.isalnum() or not char.isascii() for char in token) for token in tokens)
    assert not any(char in "'\"*:&|!() \t\n\0" for token in tokens for char in token)


def test_full_width_and_upper_case_are_the_same_word():
    assert tokenizer.words("ＥＴＣ　Ａ级") == tokenizer.words("etc a级")


def test_words_load_late_quietly_and_leave_no_file(tmp_path):
    """In its own process, because this one has loaded the modules already."""
    code = (
        "import json, sys; from services.channels.search import index, tokenizer; before = 'rjieba' in sys.modules;"
        "tokenizer.sounds('身份证'); json.dump([before, 'rjieba' in sys.modules], sys.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [False, True]
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def make(database: Database) -> None:
    with database.write() as session:
        for statement in create_statements("sqlite"):
            session.connection().execute(text(statement))


def put(database: Database, *rows: Indexed) -> None:
    with database.write() as session:
        SearchIndex(database).replace(session, rows)


def county_rows() -> list[Indexed]:
    return [indexed(shown("web", of_item(one)), shown("web", of_guide(its))) for one, its in county()]


def found_keys(database: Database, query: str, limit: int = REACHED) -> list[str]:
    with database.read() as session:
        return SearchIndex(database).find(session, query, limit)


def found(database: Database, query: str) -> list[str]:
    names = {f"item:{one.code}": one.task_name for one, _ in county()}
    return [names[key] for key in found_keys(database, query)]
