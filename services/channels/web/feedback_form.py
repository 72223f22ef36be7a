"""The form by which readers report that a guide is wrong. Works without JavaScript and does not identify the reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from contracts.base import Json
from contracts.content.feedback import LONGEST_TEXT
from services.channels.api.reader_feedback import new_id
from services.channels.pages.reader import ChannelReader
from services.channels.pages.rendering import origin
from services.channels.pages.routes import Show, form_of, not_shown
from shared.errors import Invalid, TooManyRequests, Unavailable

LARGEST_FORM = 16_384
TAG_TEXTS = {
    "108": ("窗口另外增加了指南里没有的条件", "The window asked for conditions that are not in the guide"),
    "109": ("窗口另外要了指南里没有的材料", "The window asked for papers that are not in the guide"),
    "111": ("样本或表格有错", "A sample or form has a mistake"),
    "112": ("说可以网上交材料，实际交不了", "Papers cannot be handed in online as promised"),
    "114": ("跑的次数和写的不一样", "More visits than it says"),
    "207": ("没有提供材料样本", "There is no sample of the papers"),
    "208": ("没有提供材料清单", "There is no list of the papers"),
    "211": ("说可以网上办，实际办不了", "It cannot be done online as promised"),
}
"""The tags of domain 5.6, worded for readers."""

Message = tuple[str, str]
NOTHING_CHOSEN: Message = ("请勾选哪里有误，或者写几句说明。", "Please tick what is wrong, or say it in words.")
PERSONAL_DATA: Message = (
    "说明里好像有身份证号、手机号、银行卡号或邮箱。请删掉再提交，我们不需要知道您是谁。",
    "The text seems to hold somebody's number or mail address. Please take it out: we need not know who you are.",
)
TEXT_TOO_LONG: Message = (f"说明最多 {LONGEST_TEXT} 个字。", f"The text may have {LONGEST_TEXT} characters.")
INVALID_FORM: Message = ("提交的内容不完整，请重新填写。", "The form is not complete. Please fill it in again.")
TOO_MANY: Message = (
    "提交得太频繁了。请过一会儿再试，或者拨打 12345。",
    "Too many at once. Please wait a while, or call 12345.",
)
NOT_AVAILABLE: Message = (
    "现在暂时收不了，请过一会儿再试，或者拨打 12345。",
    "It cannot be taken now. Please try later, or call 12345.",
)
OTHER_ORIGIN: Message = ("请在本网站的页面上填写。", "Please use the form on this site.")
MESSAGE_BY_RULE = {"required": NOTHING_CHOSEN, "no_personal_data": PERSONAL_DATA, "too_long": TEXT_TOO_LONG}


def routes_of(reader: ChannelReader, show: Show) -> APIRouter:
    """Routes: `GET` the form, `POST` it."""
    routes, form = APIRouter(), _Form(reader, show)

    @routes.get("/items/{code}/feedback")
    def empty(request: Request, code: str) -> Response:
        return form.page(request, code)

    @routes.post("/items/{code}/feedback")
    async def give(request: Request, code: str) -> Response:
        fields = await form_of(request, LARGEST_FORM)
        return await run_in_threadpool(form.give, request, code, fields)

    return routes


@dataclass(frozen=True, slots=True)
class _Form:
    """The page with the form: empty, with a problem, or with thanks."""

    reader: ChannelReader
    show: Show

    def page(self, request: Request, code: str, status: int = 200, **values: object) -> Response:
        item, guide = self.reader.item(code), self.reader.guide(code)
        if item is None or guide is None:
            return not_shown(self.reader, self.show, request, code)
        given: Json = {"problem": None, "done": False, "ticked": [], "said": "", **values}
        given |= {"item": item, "guide": guide, "form_id": new_id(), "tags": TAG_TEXTS, "most": LONGEST_TEXT}
        answer = self.show(request, "feedback.html", status=status, private=True, **given)
        # Without a referrer the browser would send no origin with the form, see `_is_same_origin`.
        answer.headers["Referrer-Policy"] = "same-origin"
        return answer

    def give(self, request: Request, code: str, fields: Mapping[str, list[str]]) -> Response:
        ticked, said = fields.get("tag", []), (fields.get("text") or [""])[0].replace("\r\n", "\n")
        guide = self.reader.guide(code)
        if self.reader.item(code) is None or guide is None:
            return self.page(request, code)
        version = _version((fields.get("version") or [""])[0], guide["source"]["version"])
        feedback = {"id": (fields.get("form") or [""])[0], "code": code, "guide_version": version}
        status, problem = self._submit(request, {**feedback, "tags": ticked, "text": said})
        if problem is None:
            return self.page(request, code, done=True)
        return self.page(request, code, status, problem=problem, ticked=ticked, said=said)

    def _submit(self, request: Request, feedback: Json) -> tuple[int, Message | None]:
        """Return the status, and the message for the reader if the feedback was refused."""
        if not _is_same_origin(request):
            return 403, OTHER_ORIGIN
        try:
            self.reader.give_feedback(feedback, request.client.host if request.client else "unknown")
        except Invalid as error:
            return 422, MESSAGE_BY_RULE.get(error.violations[0].rule, INVALID_FORM)
        except TooManyRequests:
            return 429, TOO_MANY
        except Unavailable:
            return 503, NOT_AVAILABLE
        return 200, None


def _version(text: str, shown: int) -> int:
    """Return the guide's version that the reader saw; the version shown now if the form has no valid one."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else shown
    return number if 1 <= number <= shown else shown


def _is_same_origin(request: Request) -> bool:
    """Whether the form was sent from a page of this site.

    There is no cookie that another site could abuse, but this keeps other sites from making their visitors' browsers
    send feedback. A client that sends neither header is not a browser on another site's page.
    """
    fetched, sent = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if fetched is not None:
        return fetched == "same-origin"
    return sent is None or sent == origin(request) or urlsplit(sent).netloc == request.url.netloc
