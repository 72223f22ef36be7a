"""Every function that opens a transaction for writing has decided whether the audit log tells of it."""

import ast
from collections.abc import Iterator

import pytest

from tests.harness.county import REPOSITORY

RECORDERS = {"record", "record_audit", "note", "_note", "_record"}
CALLS_AUDITED = {
    # Commands of editions, cases and feedback, which append their rows themselves (tests/unit/audit/test_audit_log.py).
    "services/applications/privacy/error_guard.py": "the transaction of every command of cases",
    "services/catalog/commands.py": "editions",
    "services/guides/commands.py": "editions",
    "services/guides/feedback.py": "feedback: `_moved`; what readers send is no act of the staff",
    "services/guides/following.py": "editions, as `system`",
    "shared/publishing/editions/drafts.py": "editions: `release_row`",
    "shared/publishing/http.py": "editions",
    "shared/publishing/import_undo.py": "imports",
    "shared/publishing/imports/engine.py": "imports",
    "shared/publishing/sets/http.py": "sets",
    "shared/publishing/reviews/urgent.py": "`_execute` and `request`",
    "services/console/accounts/sign_in.py": "`_complete` and recovery codes; failed attempts are counted, not logged",
    "services/channels/core/audit.py": "acts that take several transactions",
}
NO_DECISION = {
    # What a service makes from what others decided, and can make again.
    "services/applications/canary.py": "a release that nobody decides on and nobody sees",
    "services/auditor/commands.py": "findings",
    "services/auditor/inspection/source_comparison.py": "findings",
    "services/channels/api/live_stream.py": "search index",
    "services/channels/core/store.py": "entries of the ledger",
    "services/channels/files/store.py": "copies of files that released guides name",
    "services/channels/recovery/aside.py": "a rebuild, of which recovery/http.py tells beginning and end",
    "services/channels/recovery/rebuild.py": "likewise",
    "services/channels/recovery/drill.py": "likewise; drills by timer change nothing",
    "services/channels/recovery/repair.py": "recovery/http.py tells of it",
    "services/channels/trust/continuity.py": "a signed head",
    "services/channels/trust/ledger_keys.py": "endorsed keys and refused heads",
    "services/ledger/scrub/repair.py": "the ledger's own repair, from its sources",
    "services/ledger/scrub/rounds.py": "the progress of the self-check",
    "services/ledger/signing/heads.py": "signed heads",
    "services/ledger/signing/refusal.py": "why the ledger does not sign",
    "services/ledger/sources/audit_head.py": "newest rows of the audit logs",
    "services/ledger/sources/source_lane.py": "entries",
    "services/importing/jobs/store.py": "jobs; what a job does is in the logs of the sources",
    "services/subscriptions/case_hooks/queue.py": "how calls went",
    "services/subscriptions/amqp/feeder.py": "how far queues are filled",
    "services/subscriptions/log/ledger_reading.py": "entries of the ledger",
    "services/subscriptions/webhooks/queue.py": "deliveries; a pause has its row, see `_pause`",
    "services/deployment/__main__.py": "files",
    "shared/publishing/reviews/policy.py": "a setting, in a store that names none; it is never changed there",
    "shared/county/store.py": "the county's name in a new store; `tongyuan county rename` tells of a change",
    "shared/database/engine.py": "the door itself",
}
OF_ONE_PERSON = {
    # What readers and the staff keep for themselves, and what counts attempts.
    "services/channels/api/reader_feedback.py": "what a reader sends",
    "services/channels/mobile/subscriptions.py": "what an app subscribes to",
    "services/subscriptions/case_hooks/store.py": "likewise, at the service that calls it",
    "services/channels/pages/ticket_calls.py": "which numbers are called",
    "services/console/accounts/demo.py": "people of a demonstration",
    "services/console/accounts/lockout.py": "attempts",
    "services/console/accounts/sessions.py": "sessions; signing in is logged",
    "services/console/drafts/working_copies.py": "working copies; a saved draft is in the source's log",
    "services/console/receipts/receipts.py": "where a release is shown",
    "services/console/receipts/feeds.py": "receipts of what the logs of the sources tell",
    "services/console/receipts/opening.py": "a receipt; the release is in the source's log",
}
EXCEPTIONS = {
    "services/console/accounts/second_factor.py": {"SecretSeals.reseal": "`change_key` tells of it; no secret changes"},
    "shared/publishing/reviews/gathering.py": {
        "begin": "an empty review, of which `close` tells",
        "gather": "likewise",
    },
    "services/console/accounts/credentials.py": {"Credentials.begin_second_factor": "not in use until it is confirmed"},
    "services/channels/kiosk/screens.py": {"ScreenStore.note": "a report, every three seconds"},
}
"""Functions of modules that append rows in all others."""


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not isinstance(node, ast.ClassDef):
                yield f"{prefix}{node.name}", node
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


def calls(function: ast.AST) -> Iterator[ast.Call]:
    """The calls of a function, without those of the functions inside it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from calls(node)


def opens_a_transaction(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return name == "write_together" or (name == "write" and not call.args and not call.keywords)


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def writing() -> dict[str, dict[str, set[str]]]:
    """Module → function that writes → names of what it calls."""
    found: dict[str, dict[str, set[str]]] = {}
    for folder in ("services", "shared"):
        for file in sorted((REPOSITORY / folder).rglob("*.py")):
            for name, function in functions(ast.parse(file.read_text())):
                made = list(calls(function))
                if any(opens_a_transaction(call) for call in made):
                    module = file.relative_to(REPOSITORY).as_posix()
                    found.setdefault(module, {})[name] = {name_of(call) for call in made}
    return found


WRITING = writing()
DECIDED = CALLS_AUDITED.keys() | NO_DECISION.keys() | OF_ONE_PERSON.keys()


@pytest.mark.parametrize("module", sorted(WRITING.keys() - DECIDED))
def test_a_function_that_writes_appends_to_the_audit_log_or_says_here_why_not(module: str) -> None:
    silent = {name for name, called in WRITING[module].items() if not called & RECORDERS}

    assert silent == EXCEPTIONS.get(module, {}).keys()


def test_no_decision_is_about_a_module_that_writes_nothing() -> None:
    assert (DECIDED | EXCEPTIONS.keys()) - WRITING.keys() == set()
