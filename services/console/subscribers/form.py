"""What the forms of subscribers send, as texts, so that nothing typed is lost when something is refused.

The limits are those of the service, so that a form names the field in Chinese before anything is sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from contracts.base import Json
from services.console.pages.forms import text, texts
from services.console.subscribers.filters import TypedFilters, typed_of
from shared.errors import Invalid, Violation
from shared.security.privacy import find_personal_data

FEED, WEBHOOK = "feed", "webhook"
NOW, EVERYTHING, POSITION = "now", "everything", "position"
LONGEST_NAME, LONGEST_CONTACT, LONGEST_URL, LONGEST_REASON = 100, 200, 300, 200
MOST_RATE, LEAST_PAYLOAD, MOST_PAYLOAD = 100, 4_096, 1_048_576
MOST_HOURS_OF_KEYS, MOST_HOURS_OF_SECRETS, MOST_DAYS = 720, 168, 3650
MOST_NUMBER = 2**53 - 1


@dataclass(frozen=True, slots=True)
class TypedSubscription:
    """A subscription as the forms for adding and changing have it."""

    name: str = ""
    contact: str = ""
    delivery: str = FEED
    url: str = ""
    start: str = NOW
    position: str = ""
    rate: str = "20"
    payload_limit: str = "20480"
    filters: TypedFilters = field(default_factory=TypedFilters)

    @classmethod
    def of_form(cls, form: Any) -> "TypedSubscription":
        """Return what a form has sent."""
        names = ("name", "contact", "delivery", "url", "start", "position", "rate", "payload_limit")
        filters = TypedFilters(
            kinds=tuple(texts(form, "kinds")),
            ops=tuple(texts(form, "ops")),
            departments=text(form, "departments"),
            items=text(form, "items"),
            text=text(form, "filters"),
        )
        return cls(**{name: text(form, name) for name in names}, filters=filters)

    @classmethod
    def of_subscription(cls, one: Json) -> "TypedSubscription":
        """Return a subscription as the form for changing it begins."""
        return cls(
            name=one["name"],
            contact=one["contact"],
            delivery=one["delivery"],
            url=one["url"] or "",
            rate=str(one["rate"]),
            payload_limit=str(one["payload_limit"]),
            filters=typed_of(one["filters"]),
        )

    def added(self) -> Json:
        """Return the content of a new subscription. Raises `Invalid` with every field that is wrong."""
        wrong = _Wrong()
        content = {
            "name": wrong.named("name", self.name, LONGEST_NAME, "请填写名称，例如 市数据共享平台"),
            "delivery": wrong.chosen("delivery", self.delivery, (FEED, WEBHOOK)),
            "start": self._start(wrong),
            **self._common(wrong),
        }
        wrong.require_none()
        return content

    def changed(self) -> Json:
        """Return the content of a change. Raises `Invalid` with every field that is wrong."""
        wrong = _Wrong()
        content = self._common(wrong)
        wrong.require_none()
        return content

    def _common(self, wrong: "_Wrong") -> Json:
        content: Json = {
            "contact": wrong.short("contact", self.contact, LONGEST_CONTACT),
            "filters": [],
        }
        try:
            content["filters"] = self.filters.filters()
        except Invalid as error:
            wrong.found += error.violations
        if self.delivery == WEBHOOK:
            content["rate"] = wrong.number("rate", self.rate, 1, MOST_RATE)
            content["payload_limit"] = wrong.number("payload_limit", self.payload_limit, LEAST_PAYLOAD, MOST_PAYLOAD)
            content["url"] = wrong.named("url", self.url, LONGEST_URL, "推送需要回调地址，例如 https://主机/路径")
        elif self.url:
            wrong.add("url", "delivery", "只有推送才有回调地址：请清空，或者改选推送")
        return content

    def _start(self, wrong: "_Wrong") -> str | int | None:
        if wrong.chosen("start", self.start, (NOW, EVERYTHING, POSITION)) == POSITION:
            return wrong.number("position", self.position, 0, MOST_NUMBER)
        return self.start


def reason_of(typed: str) -> str:
    """Return the reason of a pause, which the subscriber is told. Raises `Invalid`."""
    wrong = _Wrong()
    if not 2 <= len(typed.strip()) <= LONGEST_REASON:
        wrong.add("reason", "length", f"请写明理由，2 到 {LONGEST_REASON} 个字")
    if find_personal_data(typed):
        wrong.add("reason", "no_personal_data", "理由会告诉订阅方，请不要写身份证号、手机号等个人信息")
    wrong.require_none()
    return typed.strip()


def key_content(form: Any) -> Json:
    """Return the content of a new key. Raises `Invalid`."""
    wrong = _Wrong()
    content: Json = {"scopes": texts(form, "scopes")}
    if not content["scopes"]:
        wrong.add("scopes", "missing", "请至少选一项")
    for name, most in (("days", MOST_DAYS), ("old_keys_hours", MOST_HOURS_OF_KEYS)):
        if text(form, name):
            content[name] = wrong.number(name, text(form, name), 0 if name == "old_keys_hours" else 1, most)
    wrong.require_none()
    return content


def rotation_content(form: Any) -> Json:
    """Return the content of a rotation of secrets. Raises `Invalid`."""
    wrong = _Wrong()
    hours = wrong.number("overlap_hours", text(form, "overlap_hours"), 0, MOST_HOURS_OF_SECRETS)
    wrong.require_none()
    return {"overlap_hours": hours}


def range_content(form: Any) -> Json:
    """Return the content of a redelivery. Raises `Invalid`."""
    wrong = _Wrong()
    first = wrong.number("first", text(form, "first"), 1, MOST_NUMBER)
    last = wrong.number("last", text(form, "last"), 1, MOST_NUMBER)
    wrong.require_none()
    return {"first": first, "last": last, "everything": text(form, "everything") == "1"}


class _Wrong:
    """Collects what is wrong, so that a form shows all of it at once."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def add(self, name: str, rule: str, message: str) -> None:
        """Note one violation."""
        self.found.append(Violation(name, rule, message))

    def named(self, name: str, value: str, most: int, missing: str) -> str:
        """Return a text that must be there."""
        if not value:
            self.add(name, "missing", missing)
        return self.short(name, value, most)

    def short(self, name: str, value: str, most: int) -> str:
        """Return a text of at most so many characters."""
        if len(value) > most:
            self.add(name, "too_long", f"最多 {most} 个字，现在有 {len(value)} 个")
        return value

    def number(self, name: str, value: str, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        # `isdigit` alone takes digits of other scripts.
        number = int(value) if value.isascii() and value.isdigit() and len(value) <= len(str(MOST_NUMBER)) else -1
        if not least <= number <= most:
            self.add(name, "number", f"应为 {least} 到 {most} 的整数")
        return number

    def chosen(self, name: str, value: str, choices: Iterable[str]) -> str:
        """Return one of the choices."""
        if value not in choices:
            self.add(name, "choice", "请选择一项")
        return value

    def require_none(self) -> None:
        """Raise `Invalid` if anything was wrong."""
        if self.found:
            raise Invalid(*self.found)
