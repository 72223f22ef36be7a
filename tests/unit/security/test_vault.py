"""Sealed values can be opened only in their own place and with their own key."""

from base64 import b64encode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Broken, Unavailable
from shared.security.vault import SealedField, Tampered, UnknownKey, Vault, add_key, is_sealed, make_keys, retire_keys

TEXT = "欧阳试 13812345678"
PLACE = SealedField("application", "personal", ("37-1",))
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
words = st.text(max_size=60)
places = st.builds(SealedField, words, words, st.lists(words, min_size=1, max_size=2).map(tuple))


@pytest.fixture
def vault(tmp_path):
    make_keys(tmp_path / "keys")
    return Vault(tmp_path / "keys")


@SAME_FOLDER
@given(text=words, place=places)
def test_what_is_sealed_opens_in_its_place(vault, text, place):
    sealed = vault.seal(text, place)

    assert vault.open(sealed, place) == text
    assert is_sealed(sealed)
    assert sealed.isascii()


@SAME_FOLDER
@given(place=places, other=places)
def test_it_opens_in_no_other_place(vault, place, other):
    if place != other:
        with pytest.raises(Tampered):
            vault.open(vault.seal(TEXT, place), other)


@SAME_FOLDER
@given(data=st.data())
def test_a_changed_character_is_noticed_and_named_without_the_content(vault, data):
    sealed = vault.seal(TEXT, PLACE)
    at = data.draw(st.integers(0, len(sealed) - 1))
    # Sealed anew in every run: only numbers are drawn, so that a repetition draws the same.
    others = [character for character in "AZaz09-_." if character != sealed[at]]
    other = others[data.draw(st.integers(0, 7))]
    changed = sealed[:at] + other + sealed[at + 1 :]

    with pytest.raises((Tampered, UnknownKey), match=r"application\.personal of row [0-9a-f]{12} ") as refused:
        vault.open(changed, PLACE)
    assert not any(told in str(refused.value) for told in ("欧阳", "1381234", "37-1", sealed[12:]))


@pytest.mark.parametrize("value", ["", "{}", '{"applicant": {}}', "1.", "1.12345678", "2.12345678.AAAA"])
def test_what_was_never_sealed_is_refused(vault, value):
    with pytest.raises(Tampered, match="not sealed"):
        vault.open(value, PLACE)


def test_the_same_text_never_looks_the_same(vault):
    assert len({vault.seal(TEXT, PLACE) for _ in range(50)}) == 50


def test_another_countys_key_says_which_key_is_missing(vault, tmp_path):
    sealed = vault.seal(TEXT, PLACE)
    make_keys(tmp_path / "others")

    with pytest.raises(UnknownKey, match=f"sealed with key {vault.ring()[0].key_id}, which .*others does not hold"):
        Vault(tmp_path / "others").open(sealed, PLACE)


def test_a_new_key_is_used_at_once_and_the_old_one_still_opens(vault):
    before = vault.seal(TEXT, PLACE)
    newest = add_key(vault.path)

    assert vault.seal(TEXT, PLACE).startswith(newest.prefix)
    assert vault.open(before, PLACE) == TEXT
    assert not vault.is_current(before)


def test_a_retired_key_opens_nothing_until_its_line_is_put_back(vault):
    before = vault.seal(TEXT, PLACE)
    add_key(vault.path)
    (old,) = retire_keys(vault.path)

    with pytest.raises(UnknownKey, match=old.key_id):
        vault.open(before, PLACE)
    aside = vault.path.with_name("keys.retired")
    assert aside.stat().st_mode & 0o777 == 0o600
    vault.path.write_bytes(vault.path.read_bytes() + aside.read_bytes())
    assert vault.open(before, PLACE) == TEXT


def test_every_retired_key_is_kept_once(vault):
    for _ in range(3):
        add_key(vault.path)
        retire_keys(vault.path)
    retired = Vault(vault.path.with_name("keys.retired")).ring()

    assert len(retired) == 3 == len(set(retired))
    assert vault.ring()[0] not in retired


def test_names_are_the_same_again_under_a_key_and_differ_between_keys(vault):
    before = vault.names(TEXT)
    add_key(vault.path)

    assert vault.names(TEXT)[1:] == before
    assert vault.names(TEXT)[0] not in before
    assert vault.names(TEXT + "x")[1:] != before


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"12345678 AAAA\n", b"no key at all\n", b"\xff\xfe", b"12345678 " + b64encode(bytes(32)) + b"\n"],
)
def test_what_is_no_key_file_is_refused_by_line_and_not_repeated(tmp_path, content):
    (tmp_path / "keys").touch(mode=0o600)
    (tmp_path / "keys").write_bytes(content)

    with pytest.raises(Broken, match=r"contains no key|line 1: must be") as refused:
        Vault(tmp_path / "keys").ring()
    assert "AAAA" not in str(refused.value)


def test_keys_that_others_may_read_are_refused(vault):
    vault.path.chmod(0o644)
    with pytest.raises(Broken, match="readable by others"):
        Vault(vault.path).ring()


def test_without_a_file_it_says_so(tmp_path):
    with pytest.raises(Unavailable, match="keys: No such file"):
        Vault(tmp_path / "keys").seal(TEXT, PLACE)


def test_a_key_is_never_printed(vault):
    (key,) = vault.ring()
    assert key.key_id not in repr(key.secret)
    assert repr(key.secret)[2:-1] not in repr(key)
