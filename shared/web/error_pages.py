"""Errors for people: where a browser asks for HTML, an error is a page in two languages; programs get problem details.

A page is made of the status alone. Nothing of the request stands in it: no address, no value, no reason.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import log
from shared.text.bilingual import t

HTML = b"text/html"
CONVERTED = (b"application/problem+json", b"text/plain")
DROPPED = frozenset({b"content-type", b"content-length", b"content-encoding", b"content-security-policy", b"etag"})
Words = tuple[tuple[str, str], tuple[str, str]]
"""Headline and advice, each in Chinese and in English."""

WORDS: dict[int, Words] = {
    400: (("没有看懂这个请求", "This request could not be read"),
          ("地址可能写错了，请回到首页重新进入。", "The address may be mistyped: please start from the home page.")),
    401: (("这里要工作人员登录才能看", "This is for staff who have signed in"),
          ("办事不需要打开这里，请回到首页。", "You do not need it for any service: please go to the home page.")),
    403: (("这里不对外开放", "This is not open to the public"),
          ("办事不需要打开这里，请回到首页。", "You do not need it for any service: please go to the home page.")),
    404: (("没有这个页面", "There is no such page"),
          ("地址可能写错了，或者页面已经挪走。请回到首页找。",
           "The address may be mistyped, or the page has moved: please look for it from the home page.")),
    405: (("这个地址不能这样打开", "This address cannot be opened in this way"),
          ("请回到原来的页面，再点一次按钮。", "Please go back to the page that you came from and use its button.")),
    413: (("发送的内容太大", "What was sent is too large"),
          ("没有收下，也没有保存。请减少内容后再试。", "Nothing was taken or stored: please send less.")),
    414: (("地址太长", "The address is too long"),
          ("请回到首页，用短一些的词再找。", "Please search again from the home page, with fewer words.")),
    422: (("填写的内容有误", "Something that was filled in is wrong"),
          ("没有保存。请返回检查后再试。", "Nothing was stored: please go back and check it.")),
    429: (("查得太多了，请等一等", "Too many requests: please wait"),
          ("请过一分钟再试。", "Please try again in a minute.")),
    431: (("浏览器发来的内容太多", "Your browser sent too much with its request"),
          ("请清除本网站的 Cookie 后再试。", "Please delete this site's cookies and try again.")),
    500: (("系统出了问题", "Something went wrong here"),
          ("不是您的错。请过几分钟再试；着急的话请到政务服务大厅，或者拨打 12345。",
           "This is not your fault: please try again later. If it is urgent, go to the service hall or call 12345.")),
    503: (("系统现在忙，暂时不能回答", "The system cannot answer right now"),
          ("请过一会儿再试；着急的话请到政务服务大厅，或者拨打 12345。",
           "Please try again in a moment; if it is urgent, go to the service hall or call 12345.")),
}  # fmt: skip
WORDS |= dict.fromkeys((502, 504), WORDS[503])
OTHERS = {4: 400, 5: 500}
"""The status whose words a status without words of its own has, by its first digit."""

STYLE = (
    "body{margin:0;font:1.125rem/1.7 system-ui,sans-serif;color:#1a2230;background:#f3f5f8}"
    "main{max-width:40rem;margin:12vh auto;padding:2rem;background:#fff;border-top:.375rem solid #1d4f91}"
    "h1{font-size:1.75rem;line-height:1.3}a{color:#1d4f91}:lang(en){display:block;color:#515c6d;font-size:1rem}"
)
STYLE_POLICY = f"'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
PLAIN_POLICY = (
    f"default-src 'none'; style-src {STYLE_POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A page and its content policy."""

    html: bytes
    policy: str


Renderer = Callable[[int], ErrorPage]


def _named(county: str) -> str:
    return f"<p>{escape(county)}</p>" if county else ""


def words_of(status: int) -> Words:
    """Return what a person is told about a status."""
    return WORDS.get(status) or WORDS[OTHERS[status // 100]]


def plain_page(status: int, county: str = "", home: str = "/", head: str = "") -> ErrorPage:
    """Return the page of addresses that belong to no channel. It needs no file beside it.

    `home`: where its link leads; `head`: more elements of its head, as HTML.
    """
    (title, title_en), (advice, advice_en) = words_of(status)
    html = (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="robots" content="noindex">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{STYLE}</style>{head}</head><body><main>{_named(county)}<h1>{t(title, title_en)}</h1>"
        f'<p>{t(advice, advice_en)}</p><p><a href="{home}">{t("回首页", "Home")}</a></p></main></body></html>'
    )
    return ErrorPage(html.encode(), PLAIN_POLICY)


class ErrorPages:
    """The ASGI app around a process. `renderers`: by the first part of the path; any other path has a plain page."""

    def __init__(self, app: ASGIApp, renderers: Mapping[str, Renderer], county: str = "") -> None:
        self._app, self._renderers, self._county = app, renderers, county

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and wants_html(_accepted(scope)):
            await self._converted(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _converted(self, scope: Scope, receive: Receive, send: Send) -> None:
        converter = _Converter(send, scope["method"] == "HEAD", lambda status: self.page(scope["path"], status))
        try:
            await self._app(scope, receive, converter.send)
        except Exception as error:
            log.get("http").error("bug", error=type(error).__name__, exc_info=error)
            if converter.started:
                raise
            await converter.answer(500, [(b"cache-control", b"no-store")])

    def page(self, path: str, status: int) -> ErrorPage:
        """Return the page for a path, plain if the channel's own cannot be made."""
        render = self._renderers.get(path.split("/", 2)[1] if path.startswith("/") else "")
        if render is not None:
            try:
                return render(status)
            except Exception as error:  # noqa: BLE001  # the reader gets the plain page, the log the reason
                log.get("http").error("error page failed", error=type(error).__name__, exc_info=error)
        return plain_page(status, self._county)


class _Converter:
    """Passes a response on, or sends a page in its place."""

    def __init__(self, send: Send, bodiless: bool, page: Callable[[int], ErrorPage]) -> None:
        self._send, self._bodiless, self._page = send, bodiless, page
        self._replaced: Message | None = None
        self.started = False

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the app."""
        if message["type"] == "http.response.start" and _is_problem(message):
            self._replaced = message
        elif self._replaced is None:
            self.started = True
            await self._send(message)
        elif not message.get("more_body"):
            await self.answer(self._replaced["status"], self._replaced["headers"])

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the page with those of the headers that are not about the body."""
        self.started = True
        page = self._page(status)
        await self._send({"type": "http.response.start", "status": status, "headers": page_headers(page, headers)})
        await self._send({"type": "http.response.body", "body": b"" if self._bodiless else page.html})


def page_headers(page: ErrorPage, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers of a page that takes the place of a response with `headers`."""
    kept = [(name, value) for name, value in headers if name.lower() not in DROPPED]
    return [
        *kept,
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(page.html)).encode()),
        (b"content-security-policy", page.policy.encode()),
        (b"vary", b"accept"),
    ]


def wants_html(accepted: bytes) -> bool:
    """Whether an Accept header prefers HTML to JSON, as browsers' do when a person opens an address."""
    if HTML not in accepted:
        return False
    named = {part.split(b";")[0].strip(): _weight(part) for part in accepted.lower().split(b",")}
    json = max(named.get(b"application/problem+json", 0.0), named.get(b"application/json", 0.0))
    return named.get(HTML, 0.0) > 0 and named[HTML] >= json


def _weight(part: bytes) -> float:
    """Return the `q` of a part of an Accept header: 1 without one, 0 for one that is no number."""
    given = part.partition(b"q=")[2].strip() or b"1"
    return float(given) if given.replace(b".", b"", 1).isdigit() else 0.0


def _accepted(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"accept"), b"")


def _is_problem(message: Message) -> bool:
    if message["status"] < HTTPStatus.BAD_REQUEST:
        return False
    media_type = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
    return bool(media_type.startswith(CONVERTED))
