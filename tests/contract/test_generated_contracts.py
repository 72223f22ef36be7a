"""The documents that follow from the contracts are up to date, whole, and true of what the services send."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contracts.__main__ import main
from contracts.content.feedback import FEEDBACK_TYPE
from contracts.envelope.event import EVENT_TYPES, HEAD_TYPE, Event
from contracts.envelope.messages import BODIES, FEEDBACK, INTAKE, MESSAGES, MessageType
from contracts.envelope.publication import Publication, Release
from contracts.generators import documents
from contracts.generators.json_schema import BODY_FILES, DRAFT, GENERATED, MODELS
from services.applications.intake import hall_messages
from services.deployment import asyncapi
from services.guides.feedback import FeedbackStore
from services.runtime import manifests
from shared.feeds.follower import decode
from shared.messaging.delivery import Message
from shared.security.case_ref import case_ref
from shared.transparency.canonical import digest
from shared.transparency.checkpoint import NoteKey, verify_checkpoint
from tests.harness import contract_examples
from tests.harness.documents import CONTRACTS, example, load, objects, references, resolve, stored, validator
from tests.harness.pipeline import pipeline

ROOT = Path(__file__).resolve().parents[2]
CHINESE = re.compile("[\u4e00-\u9fff]")
RELEASES = [message for message in MESSAGES if message.kind is not None]
EVENTS = [message for message in MESSAGES if message.enveloped]
LEDGER_EVENTS = [message for message in EVENTS if message is not FEEDBACK]

each_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
each_event = pytest.mark.parametrize("message", EVENTS, ids=lambda message: message.name)
each_release = pytest.mark.parametrize("message", RELEASES, ids=lambda message: message.name)
SCHEMAS = [*MODELS, *(message.name for message in MESSAGES)]
"""Names of all schemas, without generating them; `test_every_document_is_looked_at` compares."""
each_schema = pytest.mark.parametrize("name", SCHEMAS)


def test_no_generated_document_is_stale() -> None:
    assert documents.stale() == []
    assert documents.differing(written()) == []


def written() -> dict[str, str]:
    """Return every generated document by its path: those of the contracts alone, and those that list queues."""
    return {**documents.documents(), **documents.broker_documents(manifests.topology())}


def test_every_example_is_sealed_as_the_services_would() -> None:
    made = {name: contract_examples.text(document) for name, document in contract_examples.documents().items()}

    assert {name: stored(f"examples/{name}.json") for name in made} == made


def test_a_stale_document_is_named_and_fails_the_check(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = copy / "schemas" / "item.json"
    schema.write_text(schema.read_text().replace("事项名称", "名称"))
    (copy / "EVENTS.md").unlink()
    (copy / "schemas" / "forgotten.json").write_text("{}")

    assert main(["--check", "--root", str(copy)]) == asyncapi.main(["--check", "--root", str(copy)]) == 1
    assert re.findall(r"contracts/(\S+):", capsys.readouterr().out) == [
        "schemas/forgotten.json",
        "schemas/item.json",
        "EVENTS.md",
    ]


def test_writing_brings_every_document_up_to_date(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(copy / "schemas" / "publications")
    (copy / "schemas" / "forgotten.json").write_text("{}")
    (copy / "asyncapi.json").unlink()

    assert main(["--root", str(copy)]) == asyncapi.main(["--root", str(copy)]) == 0
    told = capsys.readouterr().out
    assert "schemas/publications/tongyuan.ledger.head.json: written" in told
    assert "asyncapi.json: written" in told
    assert main(["--check", "--root", str(copy)]) == asyncapi.main(["--check", "--root", str(copy)]) == 0


def test_the_check_is_silent_when_nothing_is_stale(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--root", str(copy)]) == asyncapi.main(["--check", "--root", str(copy)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_documents_do_not_depend_on_the_order_of_sets(seed: str) -> None:
    program = (
        "import json; from contracts.generators import documents as g; from services.runtime import manifests as m; "
        "print(json.dumps({**g.documents(), **g.broker_documents(m.topology())}))"
    )
    made = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert json.loads(made) == written()


PATHS = ["asyncapi.json", "EVENTS.md", *(f"schemas/{name}.json" for name in SCHEMAS)]


def test_every_document_is_looked_at() -> None:
    assert sorted(PATHS) == sorted(written())


@pytest.mark.parametrize("path", PATHS)
def test_a_generated_document_says_so_and_ends_with_one_newline(path: str) -> None:
    content = stored(path)

    assert GENERATED in "".join(content.splitlines()[:4])
    assert content.endswith("\n")
    assert not content.endswith("\n\n")


@each_schema
def test_a_schema_is_valid_by_its_draft(name: str) -> None:
    schema = load(f"schemas/{name}.json")

    assert schema["$schema"] == DRAFT
    jsonschema.Draft202012Validator.check_schema(schema)
    assert [reference for reference in references(schema) if resolve(schema, reference) is None] == []


@each_schema
def test_every_field_has_a_chinese_title(name: str) -> None:
    schema = load(f"schemas/{name}.json")
    untitled = [
        field
        for part in objects(schema)
        for field, inner in part.get("properties", {}).items()
        if not CHINESE.search(inner.get("title", ""))
    ]

    assert CHINESE.search(schema["title"])
    assert untitled == []


def test_every_event_type_is_documented_in_both_feeds() -> None:
    names = {message.name for message in EVENTS}

    assert names == {f"{feed}/{kind}" for feed in ("sources", "publications") for kind in EVENT_TYPES.values()} | {
        f"publications/{HEAD_TYPE}",
        f"feedback/{FEEDBACK_TYPE}",
    }


@each_message
def test_an_example_fits_its_schema(message: MessageType) -> None:
    validator(message).validate(example(message))


@each_event
def test_an_example_is_read_by_the_contracts(message: MessageType) -> None:
    event = Event.model_validate(example(message))
    data = message.data.model_validate(event.data)

    assert event.type == message.type
    if message.body is not None:
        assert isinstance(data, Release)
        assert message.body.model_validate(data.body).model_dump(mode="json", exclude_none=True) == data.body


@each_release
def test_the_digest_of_an_example_can_be_recomputed(message: MessageType) -> None:
    data = message.data.model_validate(example(message)["data"])

    assert isinstance(data, Release)
    assert digest(data.content()) == data.digest


@each_release
def test_the_envelope_of_an_example_speaks_of_its_data(message: MessageType) -> None:
    event = example(message)
    data = event["data"]

    assert event["id"] == f"{data['key']}/{data['version']}"
    assert event["subject"] == data["key"]
    assert event["type"] == EVENT_TYPES[data["kind"], data["op"]]
    assert event["source"] in {f"/tongyuan/{producer}" for producer in message.producers}
    assert event["sequence"] == str(data.get("position", data["sequence"]))


def test_the_guides_take_the_example_of_what_a_reader_says(tmp_path: Path) -> None:
    body = (CONTRACTS / "examples" / f"{FEEDBACK.name}.json").read_bytes()
    with pipeline(tmp_path, channels=[]) as county:
        feedback = FeedbackStore(county.dbs["guides"])
        assert feedback.take([Message(body, FEEDBACK.routing_keys[0], "example")]) == []
        (row,) = feedback.page(None, None, 0, 10)["feedback"]

    assert row["tags"].keys() == {"109", "111"}


@pytest.mark.parametrize("message", LEDGER_EVENTS, ids=lambda message: message.name)
def test_the_services_take_every_example(message: MessageType) -> None:
    body = (CONTRACTS / "examples" / f"{message.name}.json").read_bytes()
    entry_type = Release if message.feed == "sources" else Publication
    batch = decode("test", [Message(body, message.routing_keys[0], "example")], entry_type)

    assert batch.refusals == []
    assert len(batch.entries) + len(batch.heads) == 1


@pytest.mark.parametrize("message", INTAKE, ids=lambda message: message.name)
def test_the_applications_take_every_example_of_a_report(message: MessageType) -> None:
    body = (CONTRACTS / "examples" / f"{message.name}.json").read_bytes()

    assert hall_messages.read(Message(body, "any", "example")).facts


def test_the_report_of_a_hall_opens_the_case_that_the_examples_are_about() -> None:
    report = load("examples/intake/hall.json")

    assert report["case_ref"] == case_ref(report["project_no"], "ZZZZ-ZZZZ-ZZZZ") == contract_examples.CASE_REF


@each_message
def test_a_schema_lets_fields_pass_that_a_later_version_adds(message: MessageType) -> None:
    later = example(message)
    for part in objects(later):
        part["added_later"] = "x"

    validator(message).validate(later)


@each_event
def test_a_schema_refuses_a_message_of_another_type(message: MessageType) -> None:
    for other in EVENTS:
        if other.type != message.type:
            assert not validator(message).is_valid(example(other))


@each_message
def test_a_schema_refuses_a_message_without_a_field_that_it_requires(message: MessageType) -> None:
    for field in load(f"schemas/{message.name}.json")["required"]:
        lacking = example(message)
        del lacking[field]
        assert not validator(message).is_valid(lacking), field


def test_the_example_head_covers_the_example_entries() -> None:
    entries = sorted(
        (
            Publication.model_validate(example(message)["data"])
            for message in RELEASES
            if message.feed == "publications"
        ),
        key=lambda entry: entry.position,
    )
    head = load(f"examples/publications/{HEAD_TYPE}.json")["data"]
    signer = contract_examples.SIGNER

    assert [entry.position for entry in entries] == list(range(1, head["size"] + 1))
    assert contract_examples.root_of(entries).hex() == head["root"]
    size, root = verify_checkpoint(head["checkpoint"], signer.name, signer.public_key)
    assert (size, root.hex()) == (head["size"], head["root"])
    assert NoteKey(signer.name, signer.public_key).vkey in stored("examples/README.md")


def test_the_table_of_events_links_to_what_is_there() -> None:
    page = stored("EVENTS.md")
    links = re.findall(r"\]\(([^)]+)\)", page)

    assert [link for link in links if not (CONTRACTS / link).is_file()] == []
    assert [message.name for message in MESSAGES if f"schemas/{message.name}.json" not in links] == []
    assert [message.type for message in MESSAGES if f"`{message.type}`" not in page] == []


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_written_by_hand_says_nothing_that_its_contract_leaves_out(kind: Any) -> None:
    written = load(f"examples/bodies/{BODY_FILES.get(kind, kind)}.json")

    assert contract_examples.body(kind) == written


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The documents of contracts/, to be spoilt."""
    return Path(shutil.copytree(CONTRACTS, tmp_path / "contracts", ignore=shutil.ignore_patterns("__pycache__")))
