"""保密关: personal data, and marks that only secret or internal papers carry."""

import re
from collections.abc import Iterator

from contracts.content.gates import Gate
from shared.publishing.reviews.findings.finding import BodyText, ReviewFinding
from shared.security.privacy import PersonalKind, find_personal_data

PERSONAL = {
    PersonalKind.RESIDENT_ID: "居民身份证号码",
    PersonalKind.BANK_CARD: "银行卡号",
    PersonalKind.MOBILE: "手机号码",
    PersonalKind.EMAIL: "电子邮箱",
}
SECRET_MARK = re.compile(r"(?:绝密|机密|秘密)\s*(?:[★☆]|级文件|级资料|件$)")
INTERNAL_MARK = re.compile(r"内部(?:资料|文件|使用|传阅)|份\s*号|注意保存|不得(?:外传|翻印|公开)|仅限内部")


def secrets_in(code: str, text: BodyText) -> Iterator[ReviewFinding]:
    """Yield what must not be public. A number is named by its kind and place, not repeated."""
    for span in find_personal_data(text.text):
        message = f"第{span.start + 1}个字起像是{PERSONAL[span.kind]}：确为公开的办公号码才可以保留"
        yield ReviewFinding(Gate.SECRECY, code, text.field, "personal", message, f"{span.kind}@{span.start}")
    for pattern, rule, what in ((SECRET_MARK, "secret_mark", "密级标志"), (INTERNAL_MARK, "internal_mark", "内部标志")):
        for match in pattern.finditer(text.text):
            yield ReviewFinding(Gate.SECRECY, code, text.field, rule, f"有{what}“{match[0]}”", match[0])
