"""A case, as the applications service shows it to a clerk, as rows of `up_pro_*`. Pure.

Of persons only the required columns are filled: 申请人, its type and its document. Contacts, addresses, 办理摘要 (it
contains the name), free texts that are not required and certificate numbers stay NULL.
"""

from datetime import datetime

from contracts.base import Json
from contracts.codes.identifiers import BASIC, USCC
from contracts.content.items import Item
from services.exchange.items.item_rows import Envelope, codes_of, guid_of
from services.exchange.tables.definitions import TABLES, Row, Tables
from shared.text.dates import BEIJING

PROCESS_STATES = {
    "received": "1",
    "withdrawn": "2",
    "accepted": "3",
    "not_applicable": "4",
    "not_accepted": "5",
    "correction_requested": "6",
    "correction_completed": "7",
    "review_started": "8",
    "approved": "11",
    "approved_tolerant": "12",
    "rejected": "13",
    "withdrawn_back": "14",
    "revoked": "15",
}
"""Event of a fact → 办件状态 (domain reference, section 6.1), written as 业务动作.

The exchange's own list of codes is not known.
"""

STATE_NAMES = {
    "1": "接件",
    "2": "撤件",
    "3": "受理",
    "4": "不受理",
    "5": "不予受理",
    "6": "补正开始",
    "7": "补正结束",
    "8": "部门办理",
    "11": "办结（通过）",
    "12": "办结（容缺通过）",
    "13": "办结（不通过）",
    "14": "撤回",
    "15": "撤销",
}
RESULTS = ("approved", "approved_tolerant", "rejected", "withdrawn_back", "revoked")
SPECIAL_STARTED, SPECIAL_ENDED, ACCEPTED, SUBMITTED = "special_started", "special_ended", "accepted", "submitted"


def is_reportable(case: Json) -> bool:
    """Whether a case is open and shown by the county: neither withdrawn nor erased."""
    return bool(case["open"] and case["version"] and not case["withdrawn"] and not case["erased"])


def standing_facts(case: Json) -> list[Json]:
    """Return the facts of a case that no later one has superseded."""
    superseded = set(case.get("superseded", ()))
    return [fact for fact in case["facts"] if fact["fact_id"] not in superseded]


def case_rows(case: Json, item: Item | None, item_version: int | None, envelope: Envelope) -> Tables:
    """Return the rows of one case by table, those without which the county knows nothing left out.

    `item`: the released item of the case, None if there is none now.
    """
    facts = standing_facts(case)
    sent = envelope.around("I")
    made: Tables = {name: [] for name in TABLES if name.startswith("up_pro_")}
    accepted = [fact for fact in facts if fact["event"] == ACCEPTED]
    if accepted:
        made["up_pro_accept"].append(
            _row("up_pro_accept", case, "accept", _accept(case, item, item_version, accepted[-1]), sent)
        )
    for fact in facts:
        if fact["event"] in PROCESS_STATES:
            made["up_pro_process"].append(_row("up_pro_process", case, fact["fact_id"], _process(fact), sent))
    for start, end in _specials(facts):
        row = _special(start, end)
        made["up_pro_special_procedure"].append(_row("up_pro_special_procedure", case, start["fact_id"], row, sent))
    for fact in facts:
        if fact["event"] in RESULTS:
            made["up_pro_result"].append(_row("up_pro_result", case, fact["fact_id"], _result(fact), sent))
    return {name: rows for name, rows in made.items() if rows}


def _accept(case: Json, item: Item | None, item_version: int | None, accepted: Json) -> Row:
    applicant = case.get("applicant") or {}
    code = case["item_code"]
    return {
        **codes_of(code),
        "catalog_code": code[BASIC],
        "task_name": item.task_name if item else None,
        "task_version": None if item_version is None else str(item_version),
        "project_type": item.project_type if item else None,
        "apply_date": case["apply_date"],
        "accept_date": case["accept_date"],
        "promise_date": case["promise_date"],
        "org_code": code[USCC],
        "org_name": item.dept_name if item else None,
        "handle_user_name": accepted.get("handle_user"),
        "accept_doc_no": accepted.get("accept_doc_no"),
        "applyer_name": applicant.get("name"),
        "applyer_type": applicant.get("kind"),
        "applyer_page_type": applicant.get("page_type"),
        "applyer_page_code": applicant.get("page_code"),
    }


def _process(fact: Json) -> Row:
    state = PROCESS_STATES[fact["event"]]
    moment = beijing(fact["occurred_at"])
    return {
        "event_name": state,
        "process_name": STATE_NAMES[state],
        "handle_user_name": fact.get("handle_user"),
        "handle_explain": fact.get("explain"),
        # A fact is a moment; a step without an end is written with its start (GB/T 39046).
        "event_start_time": moment,
        "event_end_time": moment,
    }


def _specials(facts: list[Json]) -> list[tuple[Json, Json | None]]:
    """Pair each start with the first end after it that is no earlier one's; None while it is open."""
    ordered = sorted(facts, key=lambda fact: fact["occurred_at"])
    starts = [fact for fact in ordered if fact["event"] == SPECIAL_STARTED]
    ends = [fact for fact in ordered if fact["event"] == SPECIAL_ENDED]
    pairs: list[tuple[Json, Json | None]] = []
    for start in starts:
        end = next((one for one in ends if one["occurred_at"] >= start["occurred_at"]), None)
        ends = [one for one in ends if one is not end]
        pairs.append((start, end))
    return pairs


def _special(start: Json, end: Json | None) -> Row:
    return {
        "special_type": start.get("special_type"),
        "special_name": start.get("special_name"),
        "special_reason": start.get("reason"),
        "special_time": beijing(start["occurred_at"]),
        "end_time": beijing(end["occurred_at"]) if end else None,
        "handle_user": start.get("handle_user"),
    }


def _result(fact: Json) -> Row:
    return {
        "result_type": PROCESS_STATES[fact["event"]],
        "result_date": beijing(fact["occurred_at"]),
        "result_cetr_name": fact.get("result_name"),
    }


def _row(table: str, case: Json, identity: str, values: Row, sent: Row) -> Row:
    number = case["project_no"]
    row = {"row_guid": guid_of(number, table, identity), "project_no": number, **values, **sent}
    return {column: row.get(column) for column in TABLES[table].columns}


def beijing(moment: str) -> str:
    """Return a time as the tables write it: Beijing time without offset, to the second."""
    return datetime.fromisoformat(moment).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
