"""Puts every case to an adapter and compares its answers with what the rules of the feed demand."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from contracts.base import Json
from contracts.conformance.adapter_process import AdapterFault
from contracts.conformance.cases import LEVELS, Case, Step

PROTOCOL = 1
LONGEST_VALUE = 300
STALE_FROM = 2
"""Level from which an adapter knows the age of the newest statement."""


class Adapter(Protocol):
    """What answers: a process, or an object in this one."""

    def ask(self, command: Json) -> Json:
        """Return the answer. Raises `AdapterFault`."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True)
class Verdict:
    """How one case went. `problem`: the first wrong answer; None when all were right."""

    case: Case
    problem: str | None


@dataclass
class Grade:
    """What an adapter says of itself, and how its cases went."""

    name: str
    language: str
    claims: int
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def failed(self) -> list[Verdict]:
        """The cases that were answered wrongly."""
        return [verdict for verdict in self.verdicts if verdict.problem is not None]

    @property
    def level(self) -> int:
        """The highest level that is kept whole, with those below it; 0: not even the first."""
        broken = {verdict.case.level for verdict in self.failed}
        tried = {verdict.case.level for verdict in self.verdicts}
        kept = 0
        for level in LEVELS:
            if level not in tried or level in broken:
                break
            kept = level
        return kept

    def as_json(self) -> Json:
        """Return the grade as JSON."""
        cases = [{"case": one.case.name, "level": one.case.level, "problem": one.problem} for one in self.verdicts]
        return {
            "name": self.name,
            "language": self.language,
            "claims": self.claims,
            "level": self.level,
            "cases": cases,
        }


def grade(start: Callable[[], Adapter], cases: Iterable[Case]) -> Grade:
    """Run an adapter through the cases of every level that it claims. Raises `AdapterFault` if it does not start.

    `start` is called again after a fault, so that one case cannot spoil the others.
    """
    adapter = start()
    try:
        said = adapter.ask({"cmd": "start", "protocol": PROTOCOL})
        if said.get("protocol") != PROTOCOL or said.get("level") not in LEVELS:
            raise AdapterFault(f"an adapter answers start with protocol {PROTOCOL} and a level of {LEVELS}, got {said}")
        found = Grade(str(said.get("name")), str(said.get("language")), said["level"])
        for case in cases:
            if case.level > found.claims:
                continue
            try:
                problem = _problem(adapter, case)
            except AdapterFault as fault:
                problem = str(fault)
                adapter.close()
                adapter = start()
                adapter.ask({"cmd": "start", "protocol": PROTOCOL})
            found.verdicts.append(Verdict(case, problem))
        return found
    finally:
        adapter.close()


def _problem(adapter: Adapter, case: Case) -> str | None:
    if adapter.ask(case.begin()).get("ready") is not True:
        return "the answer to case is not ready: true"
    for number, step in enumerate(case.steps, 1):
        answer = adapter.ask(step.command)
        if wrong := _difference(step, answer, case.level):
            return f"step {number} ({step.told}): {wrong}"
    return None


def _difference(step: Step, answer: Json, level: int) -> str | None:
    for name, wanted in step.expected.items():
        if name == "stale" and level < STALE_FROM:
            continue
        given = answer.get(name)
        if name == "ask" and isinstance(given, list):
            given = [one for place, one in enumerate(given) if one not in given[:place]]
        if given != wanted or type(given) is not type(wanted):
            return f"{name}: expected {_short(wanted)}, got {_short(given)}"
    return None


def _short(value: object) -> str:
    """Write a value with bodies cut to the mark by which they differ."""
    if isinstance(value, list):
        value = [_marked(one) for one in value]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def _marked(one: object) -> object:
    if isinstance(one, dict) and isinstance(one.get("body"), dict):
        return {**one, "body": {"_": one["body"].get("_"), "members": len(one["body"])}}
    return one
