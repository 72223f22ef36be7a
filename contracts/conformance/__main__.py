"""`python -m contracts.conformance ADAPTER…`: grade a program that reads a county's events."""

import argparse
import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from functools import partial

from contracts.conformance.adapter_process import AdapterFault, AdapterProcess
from contracts.conformance.cases import LEVELS, Case, load
from contracts.conformance.runner import Grade, grade


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 every adapter keeps the level that it claims, 1 one does not, 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m contracts.conformance", description=__doc__)
    parser.add_argument("adapter", nargs="*", help='command of an adapter, such as "node adapter.js"')
    parser.add_argument("--case", action="append", help="only this case; repeatable")
    parser.add_argument("--level", type=int, choices=LEVELS, help="only cases of this level")
    parser.add_argument("--json", action="store_true", help="write the grades as JSON")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    options = parser.parse_args(arguments)
    cases = [case for case in load() if _wanted(case, options.case, options.level)]
    if options.list:
        _say(f"{case.level}  {case.name}: {case.rule}" for case in cases)
        return 0
    if not options.adapter or not cases:
        parser.error("no adapter was named" if cases else "no case has this name and level")
    try:
        grades = [grade(partial(AdapterProcess, shlex.split(command)), cases) for command in options.adapter]
    except (AdapterFault, OSError) as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    if options.json:
        _say([json.dumps([one.as_json() for one in grades], ensure_ascii=False, indent=2)])
    else:
        _say(line for one in grades for line in _told(one))
    return 1 if any(one.failed for one in grades) else 0


def _wanted(case: Case, names: Sequence[str] | None, level: int | None) -> bool:
    return (not names or case.name in names) and level in (None, case.level)


def _told(one: Grade) -> list[str]:
    good = len(one.verdicts) - len(one.failed)
    lines = [f"✗ {verdict.case.name}: {verdict.case.rule}\n    {verdict.problem}" for verdict in one.failed]
    claim = "keeps" if not one.failed else "does not keep"
    return [*lines, f"{one.name} ({one.language}) {claim} level {one.claims}: {good} of {len(one.verdicts)} cases"]


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
