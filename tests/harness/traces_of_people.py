"""Invented people, and a search for any trace of them in bytes: plain, escaped, quoted, UTF-16 or base64."""

import base64
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote

from services.demo import content
from services.demo.model import DemoCase
from shared.security.case_ref import new_query_code
from tests.harness.county_cases import ITEM

SHORTEST = 6
"""Bytes of the shortest form searched for: a name of two characters in UTF-8."""
CHUNK = 1 << 20

SURNAMES = ["赵", "钱", "孙", "李", "周", "吴", "郑", "王", "欧阳", "司马", "诸葛", "阿卜杜拉·"]
GIVEN = ["蕤", "翀", "骉", "赟", "龘", "靐", "鱻", "麤", "彧", "翯", "堃", "犇", "淼", "焱", "垚", "鑫", "喆", "羴"]
PLACES = ["凤栖", "鹤鸣", "麟趾", "龟山"]
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True)
class Citizen:
    """An invented person, and the secrets of the person's case."""

    name: str
    page_code: str
    mobile: str
    address: str
    email: str
    card: str
    number: str
    code: str

    @property
    def tokens(self) -> list[str]:
        """Return every string that identifies this person."""
        return [value for value in vars(self).values() if value]

    @property
    def story(self) -> str:
        """Return free text as officials write it, containing all of them."""
        return (
            f"申请人{self.name}（身份证{self.page_code}，手机{self.mobile}，邮箱{self.email}）住{self.address}，"
            f"退费至{self.card}，办件{self.number}"
        )

    @property
    def persons(self) -> dict[str, Any]:
        """Return what a clerk enters."""
        return {
            "applicant": {
                "name": self.name,
                "page_type": "111",
                "page_code": self.page_code,
                "contact_name": self.name,
                "contact_mobile": self.mobile,
                "address": self.address,
            },
            "project_name": f"关于{self.name}取水许可的业务",
        }

    @property
    def row(self) -> dict[str, Any]:
        """Return the same as a row of the exchange."""
        return {
            "project_no": self.number,
            "task_code": ITEM,
            "apply_date": "2020-10-12 09:00:00",
            "accept_date": "2020-10-12 10:00:00",
            "handle_user_name": self.name,
            "applyer_name": self.name,
            "applyer_page_code": self.page_code,
            "contact_mobile": self.mobile,
            "address": self.address,
            "project_name": f"关于{self.name}取水许可的业务",
        }


def citizens(seed: int) -> Iterator[Citizen]:
    """Yield people without end, the same for a seed; every twentieth has a query code."""
    dice = random.Random(seed)
    for serial in count(1):
        name = dice.choice(SURNAMES) + dice.choice(GIVEN) + dice.choice([*GIVEN, ""])
        digits = f"44023219{dice.randint(50, 99)}0{dice.randint(1, 9)}{dice.randint(10, 28)}{dice.randint(100, 999)}"
        total = sum(int(digit) * weight for digit, weight in zip(digits, ID_WEIGHTS, strict=True))
        yield Citizen(
            name=name,
            page_code=digits + "10X98765432"[total % 11],
            mobile=f"1{dice.choice('3589')}{dice.randint(10**8, 10**9 - 1)}",
            address=f"{dice.choice(PLACES)}里{dice.randint(1000, 9999)}弄{serial}室",
            email=f"canary{serial}q@mail.example",
            card=f"6222{dice.randint(10**11, 10**12 - 1)}",
            number=f"37-{dice.randint(10**9, 10**10)}-{serial}",
            code=new_query_code() if serial % 20 == 0 else "",
        )


def demo_people() -> list[str]:
    """Return every string about a person in the demo's cases: applicants, summaries, officials and texts."""
    found = {token for case in content.cases() for token in _told(case)}
    return sorted(token for token in found if len(token.encode()) >= SHORTEST)


def _told(case: DemoCase) -> Iterator[str]:
    applicant = case.applicant
    yield from (applicant.name, applicant.page_code, applicant.legal or "", applicant.contact_name)
    yield from (applicant.contact_code, applicant.contact_mobile, applicant.address, case.project_name)
    for event in case.script:
        yield from (event.handle_user or "", event.explain or "", event.reason or "", event.certificate_no or "")


def forms(token: str) -> Iterator[bytes]:
    """Yield the forms in which a token may occur in bytes, without forms too short to be significant."""
    escaped = json.dumps(token)[1:-1]
    candidates = {
        token.encode(),
        escaped.encode(),
        "".join(c if c.isascii() else f"\\u{ord(c):04X}" for c in token).encode(),
        quote(token, safe="").encode(),
        token.encode("utf-16-le"),
        token.encode("utf-16-be"),
        *_base64(token.encode()),
    }
    return (form for form in candidates if len(form) >= SHORTEST)


def _base64(content: bytes) -> Iterator[bytes]:
    """Yield the base64 characters that do not depend on the surroundings, for each of three alignments."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + content + b"\0" * 2)
        first = -(-before * 8 // 6)
        last = (before + len(content)) * 8 // 6
        yield encoded[first:last]


class Search:
    """Finds any token, in any of its forms, in any bytes."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._token_of = {form: token for token in tokens for form in forms(token)}
        # Two marks of four bytes per form: both must occur before the whole form is searched for.
        self._marks = {form: (_number(form[2:6]), _number(form[-4:])) for form in self._token_of}
        self._any_mark = frozenset(mark for marks in self._marks.values() for mark in marks)
        self._longest = max(map(len, self._token_of), default=0)

    def tokens(self, content: bytes) -> set[str]:
        """Return the tokens found. A form also counts if it was escaped once more, as for JSON within JSON."""
        found: set[str] = set()
        once_less = [content.replace(b"\\\\", b"\\")] if b"\\\\" in content else []
        for whole in (content, *once_less):
            for start in range(0, len(whole), CHUNK):
                part = whole[start : start + CHUNK + self._longest]
                # A broker's files consist mostly of preallocated zeros.
                if part.strip(b"\0"):
                    found |= self._tokens_of_part(part, found)
        return found

    def _tokens_of_part(self, part: bytes, known: set[str]) -> set[str]:
        seen = {mark for numbers in _numbers(part) for mark in self._any_mark.intersection(numbers)}
        return {
            token
            for form, (early, late) in self._marks.items()
            if early in seen and late in seen and (token := self._token_of[form]) not in known and form in part
        }


def _number(mark: bytes) -> int:
    """Return four bytes as a number, as `_numbers` does."""
    return memoryview(mark).cast("I")[0]


def _numbers(part: bytes) -> Iterator[Iterable[int]]:
    """Yield every four consecutive bytes as a number, without a Python step per byte."""
    view = memoryview(part)
    for first in range(4):
        yield view[first : first + (len(part) - first) // 4 * 4].cast("I")
