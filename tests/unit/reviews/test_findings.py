"""What the machine finds for each gate, and the county's own word lists."""

import pytest

from contracts.content.guides import Guide
from contracts.content.items import Item
from shared.errors import SettingsError
from shared.publishing.reviews.findings.finder import Finder
from shared.publishing.reviews.findings.word_lists import WordLists, read_word_lists
from tests.harness.pipeline import code_of, guide, item

CODE = code_of(1)


def found(content, lists=None):
    finder = Finder(Item if isinstance(content, Item) else Guide, lists or WordLists())
    return finder.findings(CODE, content.model_dump(mode="json"))


def rules(content, lists=None):
    return {(one["gate"], one["rule"]) for one in found(content, lists)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("联系人手机13800138000", ("secrecy", "personal")),
        ("机密★三年", ("secrecy", "secret_mark")),
        ("内部资料，注意保存", ("secrecy", "internal_mark")),
        ("请到某某窗口", ("text", "placeholder")),
        ("申请人的的材料", ("text", "doubled")),
        ("ＡＢＣ表", ("text", "full_width")),
        ("先受理,后审核", ("text", "half_width")),
        ("依据《中华人民共和国合同法》", ("legal", "repealed")),
        ("按有关规定执行", ("policy", "G-11")),
    ],
)
def test_a_text_is_read_for_every_gate(words, expected):
    assert expected in rules(guide(1, special_procedure=words))
    assert expected not in rules(guide(1, special_procedure="无特别程序"))


def test_a_catch_all_material_is_for_the_policy_gate():
    assert ("policy", "G-11") in rules(guide(1, materials=[{"material_name": "其他材料"}]))


def test_an_item_without_a_basis_is_for_the_legal_gate():
    assert ("legal", "no_basis") in rules(item(1, by_law=[]))
    assert ("legal", "no_basis") not in rules(item(1, by_law=[{"law_name": "中华人民共和国居民身份证法"}]))


def test_a_finding_names_no_personal_number_and_has_one_name():
    content = guide(1, special_procedure="手机13800138000")
    assert "13800138000" not in str(found(content))
    assert [one["id"] for one in found(content)] == [one["id"] for one in found(content)]


def test_what_leaves_the_channels_has_no_findings():
    assert Finder(Item).findings(CODE, None) == []


def lists_of(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return read_word_lists(folder)


def test_a_word_of_the_county_is_found_with_what_to_write(tmp_path):
    lists = lists_of(tmp_path, political="# 名称\n云溪市\t云溪县\n", repealed="《云溪县旧办法》\t由新办法废止\n")
    told = found(guide(1, special_procedure="云溪市按《云溪县旧办法》办理"), lists)

    political = next(one for one in told if one["gate"] == "political")
    assert (political["text"], "应写“云溪县”" in political["message"]) == ("云溪市", True)
    assert any(one["rule"] == "repealed" and "由新办法废止" in one["message"] for one in told)
    in_basis = guide(1, by_law=[{"law_name": "云溪县旧办法"}])
    assert ("legal", "G-16") in rules(in_basis, lists)


def test_a_broken_list_stops_the_start_and_names_the_line(tmp_path):
    with pytest.raises(SettingsError, match=r"text\.txt, line 2"):
        lists_of(tmp_path, text="好\n" + "长" * 101)
    (tmp_path / "text.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        read_word_lists(tmp_path)
    (tmp_path / "text.txt").unlink()
    with pytest.raises(SettingsError, match="is no list"):
        lists_of(tmp_path, polical="错字")
    with pytest.raises(SettingsError, match="not a folder"):
        read_word_lists(tmp_path / "missing")
    assert read_word_lists(None) == WordLists()
