"""Signed notes and checkpoints: any altered byte in the text, a name or a signature is detected."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.signing.signer import Signer
from shared.errors import Broken
from shared.transparency.checkpoint import (
    COSIGNATURE,
    NoteKey,
    checkpoint_text,
    cosignature_line,
    opened,
    opened_checkpoint,
    signature_line,
    signer_ids,
    verify_checkpoint,
)

NAME = "tongyuan/339921000000"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(NAME, PRIVATE)
KEY = NoteKey(NAME, SIGNER.public_key)
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ROOT = bytes(range(100, 132))
TEXT = checkpoint_text(NAME, 1234, ROOT)
NOTE = SIGNER.checkpoint(1234, ROOT)
# The example of the signed-note specification, as https://c2sp.org/signed-note prints it.
SPEC_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SPEC_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_example_of_the_specification_is_opened():
    key = NoteKey.of_vkey(SPEC_KEY)
    text, signed_by = opened(SPEC_NOTE, [key])

    assert key.vkey == SPEC_KEY
    assert text.endswith("what your problem is.\n")
    assert signed_by == {"c74f20a3"}


def test_what_was_signed_is_read_back():
    assert verify_checkpoint(NOTE, NAME, SIGNER.public_key) == (1234, ROOT)
    assert signer_ids(NOTE) == {KEY.key_id.hex()}


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_any_altered_byte_is_found(place, change):
    raw = bytearray(NOTE.encode())
    raw[place] ^= change
    try:
        note = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(Broken):
        opened_checkpoint(note, [KEY])


@given(st.integers(0, len(NOTE) - 1))
def test_a_note_cut_short_is_no_note(end):
    with pytest.raises(Broken):
        opened_checkpoint(NOTE[:end], [KEY])


@given(st.text(max_size=300))
def test_anything_else_is_refused_as_broken(text):
    with pytest.raises(Broken):
        opened_checkpoint(text, [KEY])
    with pytest.raises(Broken):
        NoteKey.of_vkey(text)


def line_of(private, name=NAME, text=TEXT):
    public = NoteKey(name, private.public_key().public_bytes_raw())
    return signature_line(name, public.key_id, private.sign(text.encode()))


def test_signatures_of_unknown_keys_are_passed_over():
    assert opened_checkpoint(NOTE + line_of(OTHER), [KEY]).size == 1234


def test_a_wrong_signature_of_a_known_key_spoils_the_note_whatever_others_say():
    known = [KEY, NoteKey(NAME, OTHER.public_key().public_bytes_raw())]
    assert len(opened_checkpoint(NOTE + line_of(OTHER), known).signed_by) == 2

    with pytest.raises(Broken, match="invalid signature"):
        opened_checkpoint(NOTE + line_of(OTHER, text="something else\n"), known)


@pytest.mark.parametrize("text", [
    f"{NAME}\n01\n{base64.b64encode(ROOT).decode()}\n",
    f"{NAME}\n-1\n{base64.b64encode(ROOT).decode()}\n",
    f"{NAME}\n١\n{base64.b64encode(ROOT).decode()}\n",
    f"{NAME}\n1\n{base64.b64encode(ROOT[1:]).decode()}\n",
    f"{NAME}\n1\n",
    f"{NAME}/other\n1\n{base64.b64encode(ROOT).decode()}\n",
    f"\n1\n{base64.b64encode(ROOT).decode()}\n",
])  # fmt: skip
def test_a_signed_text_that_is_no_checkpoint_of_this_log_is_refused(text):
    with pytest.raises(Broken):
        opened_checkpoint(SIGNER.note(text), [KEY])


def test_base64_has_one_spelling():
    spelled_otherwise = NOTE.replace("=\n\n", "\n\n")

    with pytest.raises(Broken):
        opened_checkpoint(spelled_otherwise, [KEY])


@given(st.integers(0, 2**40))
def test_a_witness_cosigns_with_the_time_at_which_it_looked(moment):
    witness = NoteKey("web.example", OTHER.public_key().public_bytes_raw(), COSIGNATURE)
    note = NOTE + cosignature_line(witness.name, OTHER, NOTE, moment)

    assert opened_checkpoint(note, [KEY, witness]).signed_by == {KEY.key_id.hex(), witness.key_id.hex()}
    raw = bytearray(base64.b64decode(note.splitlines()[-1].split(" ")[2]))
    raw[4 + 7] ^= 1
    later = NOTE + signature_line(witness.name, bytes(raw[:4]), bytes(raw[4:]))
    with pytest.raises(Broken, match="invalid signature"):
        opened_checkpoint(later, [KEY, witness])
