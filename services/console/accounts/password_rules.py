"""Which passwords are taken. NIST SP 800-63B-4, 3.1.1.2: long, not easily guessed, nothing else; no forced change.

There is no rule about kinds of characters: it would lead to `Passw0rd2026!`.
"""

from zxcvbn import zxcvbn

from services.console.accounts.passwords import LONGEST
from shared.errors import Invalid, Violation

SHORTEST = 12
GOOD_ENOUGH = 3
"""zxcvbn's third class: more than 10^8 guesses by somebody who knows lists, names, dates and keyboards."""

JUDGED = 72
"""Characters that are judged; the time that it takes grows faster than the length."""

COMMON_HERE = (
    *("woaini", "woaiwojia", "5201314", "520520", "1314520", "nihao", "zhongguo", "beijing", "mima", "wodemima"),
    *("guanliyuan", "yonghu", "ceshi", "zhengwu", "zhengfu", "bumen", "yewu", "fuwu", "tongyuan", "xianzhengfu"),
    *("admin", "administrator", "password", "88888888", "66666666", "147258369", "1qaz2wsx", "gongzuo", "anquan"),
)
"""What people of a county office choose, beside the lists that the library has."""


def require_good_password(password: str, account: str, display_name: str, county: str, field: str = "password") -> None:
    """Raise `Invalid` for a password that is too short, too long, common, or made of the person's names."""
    if len(password) < SHORTEST:
        raise _refused(field, "too_short", f"密码至少 {SHORTEST} 个字符；可以用几个不相关的词连起来")
    if len(password) > LONGEST:
        raise _refused(field, "too_long", f"密码最多 {LONGEST} 个字符")
    names = [account, display_name, _pinyin(display_name), county, _pinyin(county)]
    judged = zxcvbn(password[:JUDGED], user_inputs=[*filter(None, names), *COMMON_HERE])
    if judged["score"] < GOOD_ENOUGH:
        raise _refused(field, "easily_guessed", "这个密码容易被猜到（常见密码、姓名、日期或键盘顺序）；请换一个")


def _pinyin(text: str) -> str:
    from pypinyin import lazy_pinyin  # noqa: PLC0415  # its dictionaries cost a second and 60 MB; few set a password

    return "".join(lazy_pinyin(text))


def _refused(field: str, rule: str, message: str) -> Invalid:
    return Invalid(Violation(field, rule, message))
