"""Identifiers of the field: their parts, their check characters, and what exactly is wrong with an invalid one.

`uscc` 统一社会信用代码 (GB 32100-2015) · `org9` 组织机构代码 (GB 11714) · resident identity number (GB 11643)
基本编码 (12) · 实施编码 (31) = uscc + 行使层级 + 基本编码 · 业务办理项编码 (33) = 实施编码 + situation
办件编号 (ours: 43) = 实施编码 + day + serial. Structure: domain reference, section 3.

Parsing checks the structure only. `uscc_problem` says whether a uscc is valid: real registers hold pseudo codes (`TE` +
region) for units that never got one, and their items must still be found.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import stdnum.cn.ric
import stdnum.cn.uscc

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ITEM_CODE_LENGTHS = (31, 33)
GROUP_SUB = "00Y"

# Positions of the parts of a 31- or 33-character code.
USCC = slice(0, 18)
REGION = slice(2, 8)
ORG9 = slice(8, 17)
LEVEL = slice(18, 19)
BASIC = slice(19, 31)
PARENT = slice(0, 31)
SITUATION = slice(31, 33)

_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_PSEUDO = re.compile(r"TE[0-9]{6}[0-9A-Z]{10}")
_PROJECT_NO = re.compile(r"[0-9A-Z-]{1,50}")


class CodeError(ValueError):
    """A code breaks a rule of its structure; `field`, `rule` and `message` make a `Violation`."""

    def __init__(self, field: str, rule: str, message: str) -> None:
        self.field = field
        self.rule = rule
        self.message = message
        super().__init__(f"{field}: {message} [{rule}]")


def uscc_check_character(first17: str) -> str:
    """Return character 18 of a uscc (GB 32100: weights 3^i mod 31, mod 31). Raises `CodeError`."""
    if len(first17) != 17 or not set(first17) <= set(USCC_ALPHABET):
        raise CodeError("uscc", "GB 32100", f"17 characters of {USCC_ALPHABET} needed, got {first17!r}")
    return stdnum.cn.uscc.calc_check_digit(first17)


def org9_check_character(first8: str) -> str:
    """Return character 9 of a 组织机构代码 (GB 11714: mod 11, 10 is written X). Raises `CodeError`."""
    if not re.fullmatch(r"[0-9A-Z]{8}", first8):
        raise CodeError("org9", "GB 11714", f"8 characters 0-9 A-Z needed, got {first8!r}")
    total = sum(int(char, 36) * weight for char, weight in zip(first8, _ORG_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def is_uscc(text: str) -> bool:
    """Whether `text` is a valid 统一社会信用代码, including both check characters."""
    return uscc_problem(text) is None


def is_pseudo_uscc(text: str) -> bool:
    """Whether `text` is a placeholder for a unit without a uscc: `TE` + region (6 digits) + 10 characters."""
    return _PSEUDO.fullmatch(text) is not None


def uscc_problem(text: str) -> str | None:
    """Return what is wrong with `text` as a uscc; None if nothing is. A pseudo code is reported as one."""
    if len(text) != 18:
        return f"{len(text)} characters, a uscc has 18"
    if is_pseudo_uscc(text):
        return f"pseudo code (TE + region {text[REGION]}): the unit has no uscc"
    strange = sorted(set(text) - set(USCC_ALPHABET))
    if strange:
        return f"{', '.join(map(repr, strange))} not in the alphabet of a uscc ({USCC_ALPHABET})"
    if not text[REGION].isdigit():
        return f"characters 3-8 are {text[REGION]}, not a 6-digit region"
    return _check_characters_problem(text)


def _check_characters_problem(uscc: str) -> str | None:
    expected = uscc_check_character(uscc[:17])
    if uscc[17] != expected:
        return f"check character is {uscc[17]}, GB 32100 gives {expected}"
    org9 = uscc[ORG9]
    expected = org9_check_character(org9[:8])
    if org9[8] != expected:
        return f"organisation code {org9}: check character is {org9[8]}, GB 11714 gives {expected}"
    return None


def is_resident_id(text: str) -> bool:
    """Whether `text` is an 18-character resident identity number (GB 11643): valid date of birth, check character."""
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9Xx]", text) or _day(text[6:14]) is None:
        return False
    return text[17].upper() == stdnum.cn.ric.calc_check_digit(text)


@dataclass(frozen=True, slots=True)
class BasicCode:
    """基本编码, 12 characters: a row of a catalogue."""

    province: str
    task_type: str
    department: str
    main: str
    sub: str

    @classmethod
    def parse(cls, code: str) -> "BasicCode":
        """Split a code. `task_type` stays in the dialect of the catalogue's owner.

        Raises `CodeError` unless it is 12 characters: province and type in 4 digits, then 8 of `[0-9A-Z]`.
        """
        if not re.fullmatch(r"[0-9]{4}[0-9A-Z]{8}", code):
            message = f"12 characters needed (province and type 4 digits, then 8 of 0-9 A-Z), got {code!r}"
            raise CodeError("catalog_code", "basic_code", message)
        return cls(code[:2], code[2:4], code[4:6], code[6:9], code[9:])

    @property
    def is_group(self) -> bool:
        """Whether the directory row only heads its sub items (`00Y`, Guangdong) and is not carried out itself."""
        return self.sub == GROUP_SUB

    def __str__(self) -> str:
        return self.province + self.task_type + self.department + self.main + self.sub


@dataclass(frozen=True, slots=True)
class ImplementationCode:
    """实施编码, 31 characters: one catalogue row as carried out by one unit."""

    uscc: str
    level: str
    basic: str
    situation: ClassVar[None] = None

    @classmethod
    def parse(cls, code: str) -> "ImplementationCode":
        """Split a code. Raises `CodeError` naming the part and the rule (C-1 … C-5)."""
        _require_shape(code, (31,))
        if code[LEVEL] not in "123456":
            raise CodeError("use_level", "C-4", f"character 19 is {code[LEVEL]!r}, a level is 1 to 6")
        BasicCode.parse(code[BASIC])
        return cls(code[USCC], code[LEVEL], code[BASIC])

    @property
    def region6(self) -> str:
        """行政区划 of the body that registered the unit, 6 digits."""
        return self.uscc[REGION]

    @property
    def org9(self) -> str:
        """组织机构代码 of the unit."""
        return self.uscc[ORG9]

    @property
    def basic_parts(self) -> BasicCode:
        """`basic`, split. Raises `CodeError`."""
        return BasicCode.parse(self.basic)

    @property
    def parent31(self) -> str:
        """The code itself, as a 33-code has its parent."""
        return str(self)

    def __str__(self) -> str:
        return self.uscc + self.level + self.basic


@dataclass(frozen=True, slots=True)
class HandleItemCode:
    """业务办理项编码, 33 characters: one situation (01 … 99) of an implementation."""

    implementation: ImplementationCode
    situation: str

    @classmethod
    def parse(cls, code: str) -> "HandleItemCode":
        """Split a code. Raises `CodeError` naming the part and the rule."""
        _require_shape(code, (33,))
        return cls(ImplementationCode.parse(code[PARENT]), code[SITUATION])

    @property
    def uscc(self) -> str:
        return self.implementation.uscc

    @property
    def region6(self) -> str:
        return self.implementation.region6

    @property
    def org9(self) -> str:
        return self.implementation.org9

    @property
    def level(self) -> str:
        return self.implementation.level

    @property
    def basic(self) -> str:
        return self.implementation.basic

    @property
    def basic_parts(self) -> BasicCode:
        return self.implementation.basic_parts

    @property
    def parent31(self) -> str:
        return str(self.implementation)

    def __str__(self) -> str:
        return f"{self.implementation}{self.situation}"


ItemCode = ImplementationCode | HandleItemCode


def parse_item_code(code: str) -> ItemCode:
    """Split a code of 31 or 33 characters. Raises `CodeError` naming the part and the rule."""
    _require_shape(code, ITEM_CODE_LENGTHS)
    return HandleItemCode.parse(code) if len(code) == 33 else ImplementationCode.parse(code)


def item_code_problem(code: str) -> str | None:
    """Return what breaks C-1 (length 31 or 33, characters `[0-9A-Z]`, situation 01 … 99); None if nothing does."""
    return _shape_problem(code, ITEM_CODE_LENGTHS)


@dataclass(frozen=True, slots=True)
class ProjectNo:
    """办件编号 in our own form: 实施编码 (31) + YYYYMMDD + serial of the day (4 digits)."""

    code31: str
    day: date
    serial: int

    @classmethod
    def parse(cls, text: str) -> "ProjectNo":
        """Split one of our own; never a foreign number, which may look alike. Raises `CodeError`."""
        day = _day(text[31:39])
        if len(text) != 43 or day is None or not re.fullmatch(r"[0-9]{4}", text[39:]):
            raise CodeError("project_no", "project_no", "31-character code + YYYYMMDD + 4 digits needed")
        return cls(str(ImplementationCode.parse(text[:31])), day, int(text[39:]))

    def __str__(self) -> str:
        return f"{self.code31}{self.day:%Y%m%d}{self.serial:04}"


def new_project_no(code31: str, day: date, serial: int) -> str:
    """Return the number of the `serial`th case (1 … 9999) of one implementation on `day`. Raises `CodeError`."""
    if not 1 <= serial <= 9999:
        raise CodeError("serial", "project_no", f"serial of a day is 1 to 9999, got {serial}")
    return str(ProjectNo(str(ImplementationCode.parse(code31)), day, serial))


def is_project_no(text: str) -> bool:
    """Whether `text` can be a 办件编号 of any system: 1 to 50 of `[0-9A-Z-]`."""
    return _PROJECT_NO.fullmatch(text) is not None


def _require_shape(code: str, lengths: tuple[int, ...]) -> None:
    problem = _shape_problem(code, lengths)
    if problem:
        raise CodeError("code", "C-1", problem)


def _shape_problem(code: str, lengths: tuple[int, ...]) -> str | None:
    strange = sorted(set(code) - set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if strange:
        return f"{', '.join(map(repr, strange))} not among 0-9 A-Z"
    if len(code) not in lengths:
        return f"{len(code)} characters, {' or '.join(map(str, lengths))} needed{_short_uscc_hint(code)}"
    situation = code[SITUATION]
    if situation == "00" or not (situation or "01").isdigit():
        return f"situation is {situation!r}, 01 to 99 needed"
    return None


def _short_uscc_hint(code: str) -> str:
    # One real district dropped a character of two units' uscc in 91 codes; the hint saves an editor from counting.
    if len(code) not in (30, 32) or is_uscc(code[USCC]):
        return ""
    return f"; the unit's code {code[:17]} seems to have 17 characters instead of 18"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"(18|19|20)[0-9]{6}", text) else None
    except ValueError:
        return None
