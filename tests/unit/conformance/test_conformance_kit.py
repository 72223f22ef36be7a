"""The conformance kit: what it asks is right, right readers pass it, and every wrong answer is found."""

import json
import shlex
import sys
from functools import partial
from pathlib import Path

import pytest

from contracts.base import Json
from contracts.conformance import __main__ as command_line
from contracts.conformance import cases as kit
from contracts.conformance.adapter_process import AdapterFault, AdapterProcess
from contracts.conformance.cases import load
from contracts.conformance.county import Ledger, UnclearCase
from contracts.conformance.runner import Grade, grade
from contracts.envelope.publication import Publication
from shared.errors import Broken
from shared.transparency import checkpoint
from shared.transparency.canonical import digest
from shared.transparency.proof import LedgerEntry, Prover
from tests.harness.node_programs import node
from tests.harness.wrong_readers import FAULTS
from tongyuan_client.adapter import Adapter

CASES = load()
PYTHON = [sys.executable, "-m", "tongyuan_client.adapter"]


class InProcess:
    """Our client's adapter in this process, as `AdapterProcess` is one in another."""

    def __init__(self, folder: Path) -> None:
        self._adapter = Adapter(folder)

    def ask(self, command: Json) -> Json:
        try:
            return json.loads(json.dumps(self._adapter.answer(json.loads(json.dumps(command)))))
        except Exception as error:
            raise AdapterFault(repr(error)) from error

    def close(self) -> None:
        pass


def failures(grade_: Grade) -> dict[str, str | None]:
    return {verdict.case.name: verdict.problem for verdict in grade_.failed}


def test_there_are_cases_of_both_levels_and_of_everything_that_may_happen() -> None:
    levels = [case.level for case in CASES]
    inputs = {step.command["cmd"] for case in CASES for step in case.steps}
    refused = {reason for case in CASES for step in case.steps for reason in step.expected["refused"]}

    assert min(levels.count(1), levels.count(2)) >= 40
    assert inputs == {"open", "event", "page", "entry", "keys", "time", "restart"}
    assert refused == {"malformed", "digest", "proof", "signature"}
    assert all(any(step.expected[name] for case in CASES for step in case.steps) for name in kit.LISTS)


def test_our_client_keeps_both_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "clients/python")
    found = grade(partial(AdapterProcess, PYTHON), CASES)

    assert failures(found) == {}
    assert (found.level, len(found.verdicts)) == (2, len(CASES))


def test_a_reader_in_node_keeps_both_levels() -> None:
    found = grade(partial(AdapterProcess, node("adapter.mjs")), CASES)

    assert failures(found) == {}
    assert (found.language, found.level, len(found.verdicts)) == ("JavaScript", 2, len(CASES))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reader_with_one_rule_broken_is_found(fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case, make = FAULTS[fault]
    make(monkeypatch.setattr)
    found = grade(partial(InProcess, tmp_path), CASES)

    assert case in failures(found)
    assert found.level < next(one.level for one in CASES if one.name == case)


def test_a_deliberately_wrong_adapter_fails_exactly_where_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", ".:clients/python")
    wrong = ["guesses unknown operations", "never tells its age", "lets retired keys sign", "shows before the time"]
    command = shlex.join([sys.executable, "-m", "tests.harness.wrong_readers", *wrong])

    assert command_line.main(["--json", command]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    found = {one["case"] for one in told["cases"] if one["problem"]}
    assert found == {FAULTS[name][0] for name in wrong} | {"a-replayed-statement-makes-nothing-fresh"}
    assert (told["level"], told["claims"]) == (0, 2)


def test_the_command_line_grades_lists_and_names_the_first_wrong_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", ".:clients/python")
    assert command_line.main(["--list", "--level", "2"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len([case for case in CASES if case.level == 2])

    name = "an-unknown-operation-is-parked"
    wrong = shlex.join([sys.executable, "-m", "tests.harness.wrong_readers", "guesses unknown operations"])
    assert command_line.main(["--case", name, shlex.join(PYTHON), wrong]) == 1
    said = capsys.readouterr().out
    assert "tongyuan-client (Python) keeps level 2: 1 of 1 cases" in said
    assert f"✗ {name}" in said
    assert "step 2 (page 1-3): deliver: expected" in said
    assert "does not keep level 2: 0 of 1 cases" in said


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("pass", "ended at start"),
        ("input(); print('hello')", "is not JSON"),
        ("input(); print('[1]')", "is not an object"),
        ("input(); print('{\"protocol\": 7}')", "answers start with protocol 1"),
    ],
    ids=["ends", "prints", "lists", "another protocol"],
)
def test_a_program_that_is_no_adapter_is_told_so(
    program: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main([shlex.join([sys.executable, "-c", program])]) == 1
    assert complaint in capsys.readouterr().err


def test_an_adapter_that_dies_in_one_case_is_graded_in_the_others(tmp_path: Path) -> None:
    class Dying(InProcess):
        def ask(self, command: Json) -> Json:
            if "withdrawal" in str(command.get("name")):
                raise AdapterFault("the adapter ended")
            return super().ask(command)

    found = grade(partial(Dying, tmp_path), CASES)

    assert set(failures(found)) == {case.name for case in CASES if "withdrawal" in case.name}
    assert len(found.verdicts) == len(CASES)


def test_the_invented_county_is_as_the_real_ledger_signs_and_counts() -> None:
    """Our own prover accepts every honest entry of the kit, and computes the same digests."""
    ledger = Ledger(["item:A@1", "guide:B@1", {"entry": "item:A@2", "part_of": "act:catalog-set-1"}, "act:x-1@1"])
    for tree in range(1, 5):
        for position in range(1, tree + 1):
            entry = LedgerEntry.model_validate(ledger.entry(position, tree, ["k1"], kit.signing.ORIGIN))
            assert Prover(opened).proven(entry).place is not None
            assert digest(Publication.model_validate(entry.model_dump()).content()) == entry.digest


def opened(note: str) -> checkpoint.Checkpoint:
    return checkpoint.opened_checkpoint(note, [checkpoint.NoteKey.of_vkey(kit.signing.vkey("k1"))])


def test_what_the_kit_calls_spoilt_is_refused_by_our_own_prover() -> None:
    ledger = Ledger(["item:A@1", "item:C@1", "item:D@1"])
    good = ledger.entry(1, 3, ["k1"], kit.signing.ORIGIN)
    of_the_body = {"body", "body of another version", "end"}
    for name, spoil in kit.spoiling.ENTRY.items():
        entry = LedgerEntry.model_validate(spoil(json.loads(json.dumps(good))))
        if name in of_the_body:
            assert digest(entry.content()) != entry.digest, name
        elif name != "wrong signature beside a good one":
            with pytest.raises(Broken):
                Prover(opened).proven(entry)


def test_every_run_puts_the_same_bytes() -> None:
    again = load()

    assert [step.command for case in CASES for step in case.steps] == [
        step.command for case in again for step in case.steps
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- {name: a, level: 3, rule: r, ledger: [], steps: []}", "level 3"),
        ("- {name: a, level: 1, rule: r, ledger: [], steps: [{opne: {}}]}", "unknown"),
        ("- {name: a, level: 1, rule: r, ledger: ['item A'], steps: []}", "is not an entry"),
        ("- {name: a, level: 1, rule: r, ledger: [], steps: [{event: 1}]}", "no entry 1"),
        ("- {name: a, level: 1, rule: r, ledger: [], steps: [{time: soon}]}", "is not an offset"),
        ("- {name: a, level: 1, rule: r, ledger: [], steps: []}\n" * 2, "used twice"),
    ],
)
def test_a_case_that_cannot_be_understood_is_named(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text(text)

    with pytest.raises(UnclearCase, match=complaint):
        load(tmp_path)


def test_a_case_is_quoted_in_the_page_that_explains_the_protocol() -> None:
    page = (kit.FOLDER.parent / "README.md").read_text(encoding="utf-8")

    assert f"{len(CASES)} cases" in page
    for name in ("deliver", "ask", "parked", "refused", "reset", "halted", "stale", "position", *_commands()):
        assert f"`{name}`" in page, name


def _commands() -> set[str]:
    return {"start", "case", "stop"} | {step.command["cmd"] for case in CASES for step in case.steps}
