"""Messages, identifiers, cursors and checkpoints of strangers: accepted, or refused with the documented error."""

import base64
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.codes import identifiers
from contracts.codes.identifiers import BasicCode, CodeError, HandleItemCode, ImplementationCode, ProjectNo
from contracts.envelope.event import Event
from contracts.envelope.publication import Head, Publication, Release
from services.channels.api import queries
from services.channels.core.store import state
from shared import trace
from shared.errors import Broken, Invalid, NotFound, Unavailable
from shared.messaging.delivery import Message
from shared.security.case_ref import normalise_project_no, normalise_query_code
from shared.transparency.checkpoint import NoteKey, checkpoint_text, opened_checkpoint, signature_line
from tests.harness.hostile import CHANGES, VALUES, mutated
from tests.harness.pipeline import item, pipeline

EXAMPLES = Path(__file__).resolve().parents[3] / "contracts" / "examples"
SOURCES = sorted((EXAMPLES / "sources").glob("*.json"))
PUBLICATIONS = sorted((EXAMPLES / "publications").glob("*.json"))
SOUND = {path: orjson.loads(path.read_bytes()) for path in (*SOURCES, *PUBLICATIONS)}
for _path in PUBLICATIONS:
    # Far ahead: a forged entry at the next position is accepted at first, and halts the channel later.
    if "position" in SOUND[_path]["data"]:
        SOUND[_path]["data"]["position"] = 1_000_000
TEXT = st.text(max_size=60) | st.text(alphabet="0123456789ABCWXYZ-", min_size=1, max_size=50)


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory):
    with pipeline(tmp_path_factory.mktemp("fuzz"), channels=["web"]) as made:
        made.release(item(1))
        made.flow()
        yield made


def message(body: bytes) -> Message:
    return Message(body, "339921000000.item.release", "stranger", 1)


def heights(county: Any) -> list[Any]:
    return [
        county.execute("ledger", "SELECT count(*) FROM entry"),
        county.execute("web", "SELECT count(*) FROM document"),
    ]


@settings(max_examples=80)
@given(data=st.data())
def test_a_stranger_cannot_make_a_reader_fail_with_any_message(county, data):
    """It is accepted, refused with a reason, or waits for predecessors that its source says exist; nothing else."""
    takers = {
        "ledger": (county.intake.take, SOURCES),
        "web": (county.channels["web"].take, PUBLICATIONS),
        "guides": (county.watch.take, PUBLICATIONS),
    }
    take, files = takers[data.draw(st.sampled_from(sorted(takers)))]
    sound = SOUND[data.draw(st.sampled_from(files))]
    body = orjson.dumps(data.draw(mutated(sound) | VALUES))
    county.flow()  # what an earlier example got through is repaired now, not by the next one
    before = heights(county)
    try:
        refusals = take([message(body)])
    except (Unavailable, NotFound):
        assert heights(county) == before
        return
    assert all(refusal.index == 0 and refusal.reason for refusal in refusals)
    if refusals:
        assert heights(county) == before


@pytest.mark.parametrize("change", CHANGES)
def test_hostile_bytes_are_refused_with_a_reason_and_then_change_nothing(county, change):
    before = heights(county)
    for take, file in ((county.intake.take, SOURCES[0]), (county.channels["web"].take, PUBLICATIONS[0])):
        changed = CHANGES[change](orjson.dumps(SOUND[file]))
        refusals = take([message(changed)])
        assert all(refusal.reason for refusal in refusals)
        if refusals:
            assert heights(county) == before


@settings(max_examples=60)
@given(data=st.data(), model=st.sampled_from([Event, Release, Publication, Head]))
def test_a_contract_reads_or_refuses(data, model):
    sound = SOUND[data.draw(st.sampled_from(sorted(SOUND)))]
    with suppress(ValidationError):
        model.model_validate(data.draw(mutated(sound) | mutated(sound.get("data", {"a": 1})) | VALUES))


@given(text=TEXT)
def test_a_code_is_read_or_refused_by_its_rule(text):
    for parse in (BasicCode.parse, ImplementationCode.parse, HandleItemCode.parse, ProjectNo.parse):
        try:
            assert str(parse(text)) == text
        except CodeError as error:
            assert error.rule  # noqa: PT017  # any text may be valid, too
    assert identifiers.item_code_problem(text) is None or isinstance(identifiers.item_code_problem(text), str)
    identifiers.uscc_problem(text)
    identifiers.is_project_no(text)
    identifiers.is_resident_id(text)


@given(text=st.text(max_size=60))
def test_what_people_type_is_read_or_refused_without_repeating_it(text):
    for read in (normalise_project_no, normalise_query_code):
        try:
            read(text)
        except Invalid as error:
            assert all(v.value is None for v in error.violations)  # noqa: PT017  # likewise


@given(since=st.text(max_size=64) | st.from_regex(r"\A[0-9a-f]{0,8}\.[0-9]{0,30}\Z"))
def test_a_cursor_that_nobody_was_given_is_refused(county, since):
    assume(since not in ("", "0"))
    with county.dbs["web"].read() as session, pytest.raises((Invalid, queries.StartOver)):
        queries.cursor(session, since)


@given(ahead=st.integers(-3, 3))
def test_a_cursor_is_read_as_it_was_given_and_never_from_the_future(county, ahead):
    with county.dbs["web"].read() as session:
        at = state(session)
        asked = max(0, at.change + ahead)
        if asked > at.change:
            with pytest.raises(queries.StartOver):
                queries.cursor(session, f"{at.epoch}.{asked}")
        else:
            assert queries.cursor(session, f"{at.epoch}.{asked}") == asked


@given(header=st.text(max_size=80))
def test_a_trace_of_a_stranger_is_read_or_replaced(header):
    with trace.act(header) as current:
        assert current


KEY = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
NOTE_KEY = NoteKey("county", KEY.public_key().public_bytes_raw())


def signed(text: str) -> str:
    return f"{text}\n{signature_line('county', NOTE_KEY.key_id, KEY.sign(text.encode()))}"


SOUND_NOTE = signed(checkpoint_text("county", 7, b"\1" * 32))


@given(
    note=st.text(max_size=200)
    | st.builds(lambda at, what: SOUND_NOTE[:at] + what + SOUND_NOTE[at:], st.integers(0, len(SOUND_NOTE)), TEXT)
    | st.builds(lambda at: SOUND_NOTE[:at] + SOUND_NOTE[at + 1 :], st.integers(0, len(SOUND_NOTE) - 1))
    | st.sampled_from(["x" * 10_000_000, "\n" * 1_000_000, "— " * 500_000, signed("a\n"), signed("")])
)
def test_a_checkpoint_is_the_signed_one_or_broken(note):
    try:
        found = opened_checkpoint(note, [NOTE_KEY])
    except Broken:
        assert note != SOUND_NOTE
    else:
        assert (found.size, found.root) == (7, b"\1" * 32)


@given(
    text=st.text(max_size=80)
    | st.binary(max_size=60).map(lambda raw: "county+00000000+" + base64.b64encode(raw).decode())
)
def test_a_verifier_key_is_read_or_broken(text):
    with suppress(Broken):
        assert NoteKey.of_vkey(text).vkey == text
