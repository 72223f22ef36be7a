"""One edition: release it, withdraw it, cancel what is planned. The source does it; the desk opens a receipt."""

from typing import Any

from pydantic import Field

from contracts.base import Contract, Json, Timestamp, format_time
from contracts.content.acts import LONGEST_NOTE
from services.console.release.previews import PATHS
from services.console.release.receipts import Followed, open_receipt, told
from services.console.upstream.services import Services
from shared.database.engine import Database
from shared.tokens.person import Person


class Which(Contract):
    """An edition as it was read: `etag` of the source's answer."""

    kind: str = Field(pattern=r"^(item|guide)$", title="种类")
    code: str = Field(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", title="编码")
    etag: str = Field(pattern=r"^[0-9]{1,9}(-[0-9]{1,9})?$", title="修订号")


class ReleaseOne(Which):
    """Release the draft: at once, or from `effective_at` on. `note`: the change note for citizens."""

    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    expires_at: Timestamp | None = Field(default=None, title="失效时间")
    plans: str | None = Field(default=None, pattern=r"^(keep|cancel)$", title="已有计划的处理")
    note: str | None = Field(default=None, min_length=1, max_length=LONGEST_NOTE, title="变更说明")


class WithdrawOne(Which):
    """Withdraw for good, or suspend. `instead`: what people should do, told with the note."""

    how: str = Field(default="withdraw", pattern=r"^(withdraw|suspend)$", title="方式")
    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    plans: str | None = Field(default=None, pattern=r"^(keep|cancel)$", title="已有计划的处理")
    reason: str = Field(pattern=r"^(withdrawal|succession|correction)$", title="原因")
    successors: list[str] = Field(default=[], max_length=20, title="承接事项")
    note: str = Field(min_length=1, max_length=300, title="撤下原因说明")
    instead: str | None = Field(default=None, min_length=1, max_length=180, title="群众现在怎么办")


def release_one(db: Database, services: Services, person: Person, wanted: ReleaseOne) -> Json:
    """Release through the source and open a receipt. Raises what the source raises."""
    reason = {"reason": "correction", "note": wanted.note} if wanted.note else {}
    asked = {"effective_at": wanted.effective_at, "expires_at": wanted.expires_at, "plans": wanted.plans}
    return _done(db, services, person, wanted, "release", {**_told(asked), **reason})


def withdraw_one(db: Database, services: Services, person: Person, wanted: WithdrawOne) -> Json:
    """Withdraw or suspend through the source and open a receipt. Raises what the source raises."""
    note = wanted.note if wanted.instead is None else f"{wanted.note}。现在请这样办：{wanted.instead}"
    asked = {"effective_at": wanted.effective_at, "plans": wanted.plans}
    reason = {"reason": wanted.reason, "note": note, "successors": wanted.successors}
    return _done(db, services, person, wanted, wanted.how, {**_told(asked), **reason})


def cancel_plans(services: Services, person: Person, wanted: Which, *, ends: bool) -> Json:
    """Cancel every planned version of an edition, with `ends` also the end of what is in force."""
    source, path = PATHS[wanted.kind]
    body = {"ends": ends}
    found: Json = services.post(
        source, f"{path}/{wanted.code}/cancel-plans", person, body, if_match=wanted.etag
    ).content
    return found


def _done(db: Database, services: Services, person: Person, wanted: Which, step: str, asked: Json) -> Json:
    source, path = PATHS[wanted.kind]
    answer = services.post(source, f"{path}/{wanted.code}/{step}", person, asked, if_match=wanted.etag)
    made: Json | None = answer.content.get("released")
    if made is None:
        return {"edition": answer.content, "etag": answer.etag, "receipt": None}
    op = "release" if step == "release" else "withdraw"
    body = answer.content.get("draft") or {}
    followed = Followed(
        title=str(body.get("task_name") or wanted.code),
        by=person.display_name,
        due_at=max(asked.get("effective_at") or made["released_at"], made["released_at"]),
        versions=[{"key": made["key"], "version": made["version"], "op": op}],
    )
    # If we die before this commit, the release stands and has no receipt: channels and audits are not concerned.
    with db.write() as session:
        receipt = told(open_receipt(session, followed))
    return {"edition": answer.content, "etag": answer.etag, "receipt": receipt}


def _told(asked: dict[str, Any]) -> Json:
    return {
        name: value if isinstance(value, str) else format_time(value)
        for name, value in asked.items()
        if value is not None
    }
