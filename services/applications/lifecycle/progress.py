"""What applicant and channels may see of a case: codes, days and fixed texts, nothing that a person typed."""

from collections.abc import Mapping

from contracts.content.cases import Badge, CaseProgress, Milestone, Stage
from services.applications.lifecycle.definitions import CLOSED, CaseState, CaseStatus, CaseStep
from services.applications.lifecycle.facts import FactEvent

_MOST_MILESTONES = 200

LABELS: Mapping[CaseStatus, str] = {
    CaseStatus.PENDING: "已登记",
    CaseStatus.SUBMITTED: "已提交，等待预审",
    CaseStatus.PRE_REJECTED: "预审未通过",
    CaseStatus.RECEIVED: "已收件，等待受理",
    CaseStatus.CORRECTION: "需要补正材料",
    CaseStatus.NOT_APPLICABLE: "不需要受理",
    CaseStatus.NOT_ACCEPTED: "不予受理",
    CaseStatus.WITHDRAWN: "已撤件",
    CaseStatus.ACCEPTED: "已受理",
    CaseStatus.IN_REVIEW: "正在办理",
    CaseStatus.REVIEW_CORRECTION: "需要补正材料",
    CaseStatus.SPECIAL: "特别程序进行中",
    CaseStatus.APPROVED: "已办结（通过）",
    CaseStatus.APPROVED_TOLERANT: "已办结（容缺通过）",
    CaseStatus.REJECTED: "已办结（不予通过）",
    CaseStatus.WITHDRAWN_BACK: "已撤回",
    CaseStatus.REVOKED: "决定已撤销",
}

ADVICE: Mapping[CaseStatus, str] = {
    CaseStatus.PENDING: "您的办件已登记，办理信息正在同步，请稍后再查询。",
    CaseStatus.SUBMITTED: "您的申请已收到，工作人员正在预审，请耐心等待。",
    CaseStatus.PRE_REJECTED: "您的申请暂未通过预审。请按收到的说明修改后重新提交，如有疑问欢迎咨询办理窗口。",
    CaseStatus.RECEIVED: "您的材料已收到，一般会在五个工作日内告知是否受理。",
    CaseStatus.CORRECTION: "您的材料还需补充。请按一次性告知书所列内容补齐，交到办理窗口或在网上提交即可。",
    CaseStatus.NOT_APPLICABLE: "您申请的事项依法不需要在本部门办理，详情请看书面告知，或咨询办理窗口。",
    CaseStatus.NOT_ACCEPTED: "您的申请未予受理，原因请看不予受理通知书。如有异议，可依法申请行政复议或提起行政诉讼。",
    CaseStatus.WITHDRAWN: "本次申请已撤件。如仍需办理，欢迎您随时重新申请。",
    CaseStatus.ACCEPTED: "您的申请已受理，我们会在承诺的期限内办结。",
    CaseStatus.IN_REVIEW: "您的申请正在办理，您暂时不需要做什么。",
    CaseStatus.REVIEW_CORRECTION: "办理中发现材料还需补充。请按补正通知所列内容补齐，补齐后会继续办理。",
    CaseStatus.SPECIAL: "您的办件正在进行听证、检验、鉴定或延长审批等特别程序，结束后会继续办理。",
    CaseStatus.APPROVED: "您的申请已通过。请按约定的方式领取结果，领取时请带上受理凭证。",
    CaseStatus.APPROVED_TOLERANT: "您的申请已容缺通过。请在承诺的期限内补齐其余材料。",
    CaseStatus.REJECTED: "您的申请未获通过，理由请看书面决定。如有异议，可依法申请行政复议或提起行政诉讼。",
    CaseStatus.WITHDRAWN_BACK: "本次申请已撤回。如仍需办理，欢迎您随时重新申请。",
    CaseStatus.REVOKED: "原决定已依法撤销，理由请看书面决定。如有异议，可依法申请行政复议或提起行政诉讼。",
}

STEP_LABELS: Mapping[FactEvent, str] = {
    FactEvent.SUBMITTED: "提交申请",
    FactEvent.PRE_REJECTED: "预审未通过",
    FactEvent.RECEIVED: "收件",
    FactEvent.CORRECTION_REQUESTED: "告知补正",
    FactEvent.CORRECTION_COMPLETED: "补正完成",
    FactEvent.NOT_APPLICABLE: "告知不需要受理",
    FactEvent.NOT_ACCEPTED: "不予受理",
    FactEvent.ACCEPTED: "受理",
    FactEvent.REVIEW_STARTED: "部门开始办理",
    FactEvent.SPECIAL_STARTED: "特别程序开始",
    FactEvent.SPECIAL_ENDED: "特别程序结束",
    FactEvent.APPROVED: "办结（通过）",
    FactEvent.APPROVED_TOLERANT: "办结（容缺通过）",
    FactEvent.REJECTED: "办结（不予通过）",
    FactEvent.WITHDRAWN: "撤件",
    FactEvent.WITHDRAWN_BACK: "撤回",
    FactEvent.REVOKED: "撤销决定",
    FactEvent.DELIVERED: "结果送达",
}

RESULT_AHEAD_LABEL = "已有办理结果"
RESULT_AHEAD_ADVICE = "您的办件已有结果，办理过程的记录正在同步，请稍后再查询，或咨询办理窗口。"
DEEMED_LABEL = "视为受理"
DELIVERED_ADVICE = "办理结果已送达。欢迎您对我们的服务作出评价。"
PAUSED_ADVICE = "特别程序所需的时间不计入办理期限。"
OVERDUE_ADVICE = "办理时间已超过承诺，我们深表歉意，正在督促尽快办结；您可以向办理窗口了解原因。"


def public_progress(case: CaseState, item_code: str, salt: str) -> CaseProgress:
    """Return the body of a case's release. `item_code`: 31 or 33 characters; `salt`: 32 hex digits, new for each
    release.

    It is built from states, events and days only, so that no name, number or free text can get into it. While the clock
    is stopped, no promised day is shown, because it will change.
    """
    return CaseProgress(
        item_code=item_code,
        stage=case.stage,
        state=_public(case.state),
        state_label=RESULT_AHEAD_LABEL if _result_is_ahead(case) else LABELS[case.state],
        badges=list(case.badges),
        apply_date=case.apply_date,
        accept_date=case.accept_date,
        promise_date=None if case.paused else case.promise_date,
        promise_provisional=True if case.provisional and not case.paused else None,
        result_date=case.result_date,
        milestones=[_milestone(step) for step in case.steps][-_MOST_MILESTONES:],
        advice=_advice(case),
        salt=salt,
    )


def _public(state: CaseStatus) -> str:
    """Map the state to the public one: the phase in which a correction is requested is not shown."""
    return CaseStatus.CORRECTION if state == CaseStatus.REVIEW_CORRECTION else state


def _milestone(step: CaseStep) -> Milestone:
    deemed = step.implied and step.event == FactEvent.ACCEPTED
    label = DEEMED_LABEL if deemed else STEP_LABELS[step.event]
    return Milestone(state=_public(step.state), label=label, day=step.day)


def _advice(case: CaseState) -> str:
    if _result_is_ahead(case):
        return RESULT_AHEAD_ADVICE
    if case.delivered_date is not None and case.state != CaseStatus.REVOKED:
        return DELIVERED_ADVICE
    if Badge.OVERDUE in case.badges and case.state not in CLOSED:
        return OVERDUE_ADVICE
    return ADVICE[case.state] + (PAUSED_ADVICE if case.paused else "")


def _result_is_ahead(case: CaseState) -> bool:
    """Return whether the result was reported before the steps that lead to it."""
    return case.stage == Stage.CLOSED and case.state not in CLOSED
