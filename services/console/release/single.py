"""One code: release its drafts, withdraw one, cancel what is planned. The source does it; the desk opens a receipt."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from contracts.base import Contract, Json, Timestamp, format_time
from contracts.content.acts import LONGEST_NOTE
from contracts.content.announcements import AnnouncementText
from services.console.accounts.roles import require_own
from services.console.content.shape import ContentKind
from services.console.receipts.opening import Followed, receipt_of
from services.console.receipts.receipts import told
from services.console.upstream.editions import PLACES, HttpServices
from shared.database.engine import Database
from shared.errors import TongyuanError
from shared.tokens.person import Person

Etag = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(-[0-9]{1,9})?$")]


class Which(Contract):
    """An edition as it was read: `etag` of the source's answer."""

    kind: str = Field(pattern=r"^(item|guide)$", title="种类")
    code: str = Field(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", title="编码")
    etag: Etag = Field(title="修订号")


class ReleaseDrafts(Contract):
    """Release the drafts of a code that `etags` names, as they were read: at once, or from `effective_at` on.

    `plans=cancel` puts them in the place of what is planned: that is how a plan gets another time or text. `note`: the
    change note for citizens.
    """

    code: str = Field(pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$", title="编码")
    etags: dict[ContentKind, Etag] = Field(min_length=1, title="修订号", description="By kind: item, guide.")
    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    expires_at: Timestamp | None = Field(default=None, title="失效时间")
    plans: str | None = Field(default=None, pattern=r"^(keep|cancel)$", title="已有计划的处理")
    note: str | None = Field(default=None, min_length=1, max_length=LONGEST_NOTE, title="变更说明")
    announcement: AnnouncementText | None = Field(
        default=None, title="预告", description="What citizens are told on the page in force until effective_at."
    )


class WithdrawOne(Which):
    """Withdraw for good, or suspend. `instead`: what people should do, told with the note."""

    how: str = Field(default="withdraw", pattern=r"^(withdraw|suspend)$", title="方式")
    effective_at: Timestamp | None = Field(default=None, title="生效时间")
    plans: str | None = Field(default=None, pattern=r"^(keep|cancel)$", title="已有计划的处理")
    reason: str = Field(pattern=r"^(withdrawal|succession|correction)$", title="原因")
    successors: list[str] = Field(default=[], max_length=20, title="承接事项")
    note: str = Field(min_length=1, max_length=300, title="撤下原因说明")
    instead: str | None = Field(default=None, min_length=1, max_length=180, title="群众现在怎么办")


def release_drafts(db: Database, services: HttpServices, person: Person, wanted: ReleaseDrafts) -> Json:
    """Release through the sources, the item first, and open one receipt.

    Return the sources' answers by kind, `receipt` (None if all of it was released already) and `failed`: why the guide,
    which comes second, was not released. Raises what the source says about the first document, and `NotAllowed` for a
    code of another department.
    """
    require_own(person, wanted.code)
    reason = {"reason": "correction", "note": wanted.note} if wanted.note else {}
    asked = {"effective_at": wanted.effective_at, "expires_at": wanted.expires_at, "plans": wanted.plans}
    answers: dict[str, Json] = {}
    failed = ""
    for kind in ContentKind:
        if kind not in wanted.etags:
            continue
        source, path = PLACES[kind]
        address = f"{path}/{wanted.code}/release"
        try:
            sent = {**_told(asked), **reason}
            if wanted.announcement is not None and not answers:
                # The page of an item shows its guide too, so one of both says it.
                sent["announcement"] = wanted.announcement.model_dump(mode="json", exclude_none=True)
            answers[kind] = services.post(source, address, person, sent, if_match=wanted.etags[kind]).content
        except TongyuanError as error:
            if not answers:
                raise
            failed = str(error)
    return {
        "editions": answers,
        "receipt": _receipt(db, person, wanted.code, "release", answers, asked),
        "failed": failed,
    }


def withdraw_one(db: Database, services: HttpServices, person: Person, wanted: WithdrawOne) -> Json:
    """Withdraw or suspend through the source and open a receipt. Raises what the source raises."""
    note = wanted.note if wanted.instead is None else f"{wanted.note}。现在请这样办：{wanted.instead}"
    asked = {"effective_at": wanted.effective_at, "plans": wanted.plans}
    reason = {"reason": wanted.reason, "note": note, "successors": wanted.successors}
    source, path = PLACES[ContentKind(wanted.kind)]
    sent = {**_told(asked), **reason}
    answer = services.post(source, f"{path}/{wanted.code}/{wanted.how}", person, sent, if_match=wanted.etag)
    receipt = _receipt(db, person, wanted.code, "withdraw", {wanted.kind: answer.content}, asked)
    return {"edition": answer.content, "etag": answer.etag, "receipt": receipt}


def cancel_plans(services: HttpServices, person: Person, wanted: Which, *, ends: bool) -> Json:
    """Cancel every planned version of an edition, with `ends` also the end of what is in force."""
    source, path = PLACES[ContentKind(wanted.kind)]
    body = {"ends": ends}
    found: Json = services.post(
        source, f"{path}/{wanted.code}/cancel-plans", person, body, if_match=wanted.etag
    ).content
    return found


def _receipt(
    db: Database, person: Person, code: str, op: str, answers: Mapping[str, Json], asked: Mapping[str, Any]
) -> Json | None:
    """Open the receipt of what sources have released; None if that is nothing."""
    made = [answer["released"] for answer in answers.values() if answer.get("released")]
    if not made:
        return None
    names = [str((answer.get("draft") or {}).get("task_name") or "") for answer in answers.values()]
    released_at = max(one["released_at"] for one in made)
    later = asked.get("effective_at")
    followed = Followed(
        title=next(filter(None, names), code),
        by=person.display_name,
        due_at=max(format_time(later), released_at) if later else released_at,
        versions=[{"key": one["key"], "version": one["version"], "op": op} for one in made],
    )
    # If we die before this commit, the release stands, and its receipt is opened from the source's feed (`feeds`).
    return told(receipt_of(db, followed))


def _told(asked: dict[str, Any]) -> Json:
    return {
        name: value if isinstance(value, str) else format_time(value)
        for name, value in asked.items()
        if value is not None
    }
