"""Why a sign-in by OpenID Connect was refused: a reason for the audit log, words for the person."""

from enum import StrEnum

from services.console.accounts.binding import BOUND_ELSEWHERE
from shared.errors import Refused


class Reason(StrEnum):
    """As the audit log shows it."""

    NOT_BEGUN_HERE = "not_begun_here"
    """This browser began no sign-in with this state, or it is more than ten minutes old, or used."""
    DENIED = "denied_by_provider"
    CODE = "code_refused"
    UNREACHABLE = "provider_unreachable"
    """It does not answer in time, or answers too much, or something else than the protocol says."""
    MALFORMED = "malformed_token"
    ALGORITHM = "algorithm_not_allowed"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "wrong_signature"
    ISSUER = "wrong_issuer"
    AUDIENCE = "wrong_audience"
    EXPIRED = "token_expired"
    TIME = "wrong_time"
    NONCE = "wrong_nonce"
    NO_NAME = "no_account_name"
    NO_ACCOUNT = "no_such_account"
    LOCKED = "account_locked"
    BOUND = "bound_to_another"
    """The account belongs to another `sub`, or this one to another account."""


WORDS = {
    Reason.NOT_BEGUN_HERE: "这次登录不是从这个浏览器开始的，或者已经过期、已经用过。请重新开始。",
    Reason.DENIED: "单位账号系统没有同意这次登录。请重新开始，或者用管理台的密码登录。",
    Reason.UNREACHABLE: "单位账号系统现在没有正常回答。请过一会儿再试，或者用管理台的密码登录。",
}
WORDS[Reason.BOUND] = BOUND_ELSEWHERE
NO_ACCOUNT = "这个单位账号在管理台没有可以用的账户。需要时请找系统管理员。"
WORDS |= dict.fromkeys((Reason.NO_NAME, Reason.NO_ACCOUNT, Reason.LOCKED), NO_ACCOUNT)
NOT_VERIFIED = "单位账号系统的回答没有通过核验，没有登录。请重新开始；一直这样，请告诉系统管理员。"
FORBIDDEN, UNAVAILABLE = 403, 503


class SignInRefused(Refused):
    """The person is not signed in. `account`: whose it would have been, "" if there is none of that name."""

    title = "Sign-in refused"

    def __init__(self, reason: Reason, account: str = "") -> None:
        self.reason, self.account = reason, account
        self.status = UNAVAILABLE if reason == Reason.UNREACHABLE else FORBIDDEN
        super().__init__(WORDS.get(reason, NOT_VERIFIED))
