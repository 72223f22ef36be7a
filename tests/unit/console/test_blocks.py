"""Content blocks: one value, changed once in every draft that states it, and taken back as one act."""

import pytest

from services.console.blocks.block_values import uses, with_value
from services.console.blocks.blocks import Blocks
from services.console.content.shape import ContentKind
from services.demo import content
from shared.errors import Conflict, Invalid
from shared.text.validation import body_of
from shared.tokens.person import SYSTEM
from tests.harness.desk_sources import EDITOR, desk_sources
from tests.harness.stores import store

GUIDE = ContentKind.GUIDE
OLD, NEW = "0899-5350000", "0899-5359999"


@pytest.fixture
def county(tmp_path):
    with desk_sources(tmp_path) as sources:
        for guide in content.guides()[:4]:
            sources.guides.save_guide(SYSTEM, guide.code, {**body_of(guide), "link_way": f"县服务中心：{OLD}"}, None)
        db = store("console", f"sqlite:///{tmp_path / 'console'}.db")
        yield sources, Blocks(db, sources.editions)
        db.close()


def link_ways(sources):
    return [sources.editions.find(GUIDE, one.code, EDITOR).draft["link_way"] for one in content.guides()[:4]]


def test_a_block_is_bound_where_its_value_is_found(county):
    _, blocks = county

    block = blocks.create(EDITOR, "服务中心电话", OLD)

    assert sorted(code for _, code in block.bound) == sorted(one.code for one in content.guides()[:4])


def test_a_block_is_changed_once_and_all_drafts_follow(county):
    sources, blocks = county
    block = blocks.create(EDITOR, "服务中心电话", OLD)

    shown = blocks.preview(EDITOR, block, NEW)
    assert [[one.label for one in effect.found] for effect in shown] == [["咨询方式"]] * 4
    assert set(link_ways(sources)) == {f"县服务中心：{OLD}"}

    _, done = blocks.change(EDITOR, block.id, block.version, NEW)
    assert {one.result for one in done} == {"saved"}
    assert set(link_ways(sources)) == {f"县服务中心：{NEW}"}


def test_a_change_is_taken_back_as_one_act_and_what_was_changed_since_stays(county):
    sources, blocks = county
    block = blocks.create(EDITOR, "服务中心电话", OLD)
    change, _ = blocks.change(EDITOR, block.id, block.version, NEW)
    first = sources.editions.find(GUIDE, content.guides()[0].code, EDITOR)
    sources.guides.save_guide(SYSTEM, first.draft["code"], {**first.draft, "link_way": "由人改过"}, int(first.etag))

    blocks.undo(EDITOR, change)

    assert link_ways(sources) == ["由人改过", *[f"县服务中心：{OLD}"] * 3]
    assert blocks.find(block.id).value == OLD


def test_who_has_not_seen_the_newest_block_changes_nothing(county):
    sources, blocks = county
    block = blocks.create(EDITOR, "服务中心电话", OLD)
    blocks.change(EDITOR, block.id, block.version, NEW)

    with pytest.raises(Conflict):
        blocks.change(EDITOR, block.id, block.version, "0899-5351111")
    assert set(link_ways(sources)) == {f"县服务中心：{NEW}"}


def test_a_document_that_is_no_longer_bound_keeps_its_value(county):
    sources, blocks = county
    block = blocks.create(EDITOR, "服务中心电话", OLD)
    bound = blocks.bind(EDITOR, block.id, block.version, block.bound[1:])

    blocks.change(EDITOR, block.id, bound.version, NEW)

    assert sorted(link_ways(sources)).count(f"县服务中心：{OLD}") == 1


def test_a_number_is_not_found_inside_a_longer_one():
    assert uses(GUIDE, {"link_way": "0899-53500001"}, OLD) == []
    assert uses(GUIDE, {"link_way": f"{OLD}、12345"}, OLD) == ["link_way"]


def test_the_amount_of_a_fee_follows_its_words():
    body = {"fees": [{"fee_name": "工本费", "amount_fen": 1000, "fee_stand": "每证10元"}]}

    changed = with_value(GUIDE, body, "每证10元", "每证20元")
    assert changed["fees"] == [{"fee_name": "工本费", "amount_fen": 2000, "fee_stand": "每证20元"}]


def test_identifiers_and_words_of_laws_are_never_changed():
    body = {"code": OLD, "by_law": [{"law_name": OLD}], "link_way": OLD}

    assert with_value(GUIDE, body, OLD, NEW) == {**body, "link_way": NEW}


@pytest.mark.parametrize("value", ["元", " 0899-5350000", ""])
def test_a_value_that_stands_everywhere_or_nowhere_is_refused(county, value):
    with pytest.raises(Invalid):
        county[1].create(EDITOR, "甲", value)
