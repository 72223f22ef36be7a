"""The checks C-1 … C-10 that every incoming item passes (domain reference, section 3.7), one pure function each.

`reject`  the item is wrong: it changes nothing and is returned with its findings
`warn`    the item is accepted; an editor should look at it
`ignore`  the item is older than the stored one: it is only counted
"""

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Literal

from contracts.codes.identifiers import (
    BASIC,
    GROUP_SUB,
    LEVEL,
    ORG9,
    PARENT,
    REGION,
    USCC,
    BasicCode,
    CodeError,
    is_pseudo_uscc,
    item_code_problem,
    uscc_problem,
)
from contracts.codes.tables import TASK_TYPE, USE_LEVEL, catalogue_dialect, national_task_type
from contracts.content.items import DirectoryRow, Item

Severity = Literal["reject", "warn", "ignore"]
USCC_PSEUDO = "uscc_pseudo"

LABELS: dict[str, str] = {
    "C-1": "实施编码的长度或字符不符合要求",
    "C-2": "统一社会信用代码有误",
    "C-3": "实施主体编码与实施编码不一致",
    "C-4": "行使层级与实施编码不一致",
    "C-5": "基本编码与实施编码不一致",
    "C-6": "事项类型与基本编码不一致",
    "C-7": "基本目录中没有该事项或该层级",
    "C-8": "行政区划不属于本县及其上级",
    "C-9": "实施编码与在用事项冲突",
    "C-10": "版本不高于已有版本",
}
"""Shown to editors above the message."""


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that an item failed. `field` is the item's, `value` its value."""

    check: str
    severity: Severity
    field: str
    message: str
    value: str | None = None
    flag: str | None = None

    @property
    def label(self) -> str:
        """The check's Chinese label."""
        return LABELS[self.check]


@dataclass(frozen=True, slots=True)
class LiveCodes:
    """The codes published now, as two predicates."""

    is_live: Callable[[str], bool]
    has_situations: Callable[[str], bool]

    @classmethod
    def of(cls, codes: Iterable[str]) -> "LiveCodes":
        """Make the predicates from codes in memory."""
        live = frozenset(codes)
        groups = frozenset(code[PARENT] for code in live if len(code) == 33)
        return cls(live.__contains__, groups.__contains__)


@dataclass(frozen=True, slots=True)
class Context:
    """What an item is checked against. What is not known (None, empty) is not checked.

    `region`          12 digits of the county that publishes
    `directory`       基本编码 → its row of the 基本目录, or None: e.g. `rows.get`
    `divisions`       every 6-digit 行政区划 code in use
    `units`           units (18 characters) and divisions (6 digits) that are accepted as well
    `foreign`         severity of a unit from another division (C-8): a warning for editors, a rejection for imports
    `live_codes`      what is published now
    `taken`           codes that belong to another item: earlier rows of one import, live codes when creating
    `version`         of the incoming item; `stored_version` of the stored one
    """

    region: str
    directory: Callable[[str], DirectoryRow | None] | None = None
    divisions: Container[str] | None = None
    units: Container[str] = frozenset()
    foreign: Severity = "warn"
    live_codes: LiveCodes = field(default_factory=lambda: LiveCodes.of(()))
    taken: Container[str] = frozenset()
    version: int | None = None
    stored_version: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{12}", self.region):
            raise ValueError(f"region: 12 digits needed, got {self.region!r}")


def check_item(item: Item, context: Context) -> list[FailedCheck]:
    """Return the findings of C-1 … C-10, in that order. If C-1 fails, the others are skipped: the code has no parts."""
    malformed = code_form(item, context)
    if malformed:
        return [malformed]
    return [finding for check in _AFTER_FORM if (finding := check(item, context))]


def rejected(findings: Iterable[FailedCheck]) -> bool:
    """Whether any finding forbids accepting the item."""
    return any(finding.severity == "reject" for finding in findings)


def code_form(item: Item, _: Context) -> FailedCheck | None:
    """C-1: length 31 or 33, characters `[0-9A-Z]`, situation 01 … 99."""
    problem = item_code_problem(item.code)
    return FailedCheck("C-1", "reject", "code", problem, item.code) if problem else None


def unit_code(item: Item, _: Context) -> FailedCheck | None:
    """C-2: the first 18 characters are a uscc (GB 32100), or a pseudo code, which is only flagged."""
    uscc = item.code[USCC]
    problem = uscc_problem(uscc)
    if problem is None:
        return None
    if is_pseudo_uscc(uscc):
        return FailedCheck("C-2", "warn", "code", f"{USCC_PSEUDO}: {problem}", uscc, flag=USCC_PSEUDO)
    return FailedCheck("C-2", "reject", "code", f"unit's code {uscc}: {problem}", uscc)


def unit_matches(item: Item, _: Context) -> FailedCheck | None:
    """C-3: `dept_code` is the code's uscc, or names the same organisation (org9, with or without hyphen)."""
    org9 = _org9_of(item.dept_code)
    if item.dept_code == item.code[USCC] or org9 == item.code[ORG9]:
        return None
    message = f"neither {item.code[USCC]} nor of organisation {item.code[ORG9]}, as the code says"
    if org9 is None:
        message += f"; {uscc_problem(item.dept_code)}"
    return FailedCheck("C-3", "reject", "dept_code", message, item.dept_code)


def level_matches(item: Item, _: Context) -> FailedCheck | None:
    """C-4: character 19 is 1 to 6 and equals `use_level`."""
    level = item.code[LEVEL]
    if level not in "123456":
        return FailedCheck("C-4", "reject", "code", f"level (character 19) is {level}, 1 to 6 needed", item.code)
    if level != item.use_level:
        message = f"level is {item.use_level}, the code says {level} ({USE_LEVEL[level]})"
        return FailedCheck("C-4", "reject", "use_level", message, item.use_level)
    return None


def catalogue_matches(item: Item, _: Context) -> FailedCheck | None:
    """C-5: characters 20 to 31 are `catalog_code`, and have its structure."""
    basic = item.code[BASIC]
    if basic != item.catalog_code:
        return FailedCheck("C-5", "reject", "catalog_code", f"the code says {basic}", item.catalog_code)
    try:
        BasicCode.parse(basic)
    except CodeError as error:
        return FailedCheck("C-5", "reject", "catalog_code", error.message, item.catalog_code)
    return None


def type_matches(item: Item, _: Context) -> FailedCheck | None:
    """C-6: characters 3 and 4 of `catalog_code`, read in its owner's dialect, are the (national) `task_type`."""
    written = item.catalog_code[2:4]
    try:
        national = national_task_type(written, catalogue_dialect(item.catalog_code))
    except ValueError as error:
        return FailedCheck("C-6", "reject", "catalog_code", str(error), item.catalog_code)
    if national == item.task_type:
        return None
    message = f"catalogue code {item.catalog_code} has type {written}, nationally {national} ({TASK_TYPE[national]})"
    return FailedCheck("C-6", "reject", "task_type", message, item.task_type)


def in_directory(item: Item, context: Context) -> FailedCheck | None:
    """C-7: `catalog_code` is a row of the 基本目录 that is carried out, and at this level (7 分级管理: at any).

    A parent row is rejected even without a directory: its code alone says that only its sub items are carried out.
    """
    code = item.catalog_code
    if code.endswith(GROUP_SUB):
        message = f"a parent row ({GROUP_SUB}): only its sub items are carried out"
        return FailedCheck("C-7", "reject", "catalog_code", message, code)
    if context.directory is None:
        return None
    row = context.directory(code)
    if row is None:
        return FailedCheck("C-7", "reject", "catalog_code", "not in the directory (基本目录)", code)
    if item.use_level in row.use_level or "7" in row.use_level:
        return None
    message = f"the directory gives {code} to levels {', '.join(row.use_level)}"
    return FailedCheck("C-7", "reject", "use_level", message, item.use_level)


def region_known(item: Item, context: Context) -> FailedCheck | None:
    """C-8: the unit is of this county, its city, its province or the state (100000), or is in the list of units."""
    region = item.code[REGION]
    county = context.region[:6]
    above = (county, f"{county[:4]}00", f"{county[:2]}0000", "100000")
    if region in context.units or item.code[USCC] in context.units:
        return None
    unknown = context.divisions is not None and region not in context.divisions and region != "100000"
    if region in above:
        message = f"region {region} of the unit is no division in use"
        return FailedCheck("C-8", "warn", "code", message, region) if unknown else None
    what = "is no division in use" if unknown else f"is neither {county} nor above it"
    message = f"region {region} of the unit {what}; if it belongs here, enter {region} or {item.code[USCC]} in the "
    message += "list of units (TONGYUAN_UNITS_FILE), or import with --region"
    return FailedCheck("C-8", context.foreign, "code", message, region)


_IN_ONE_FILE = "import the withdrawal (D) and this in one file, so that one takes the other's place; or withdraw first"


def code_is_free(item: Item, context: Context) -> FailedCheck | None:
    """C-9: no other item has the code; an item is live as one 31-code or as its 33-codes, never as both."""
    code, live = item.code, context.live_codes
    if code in context.taken:
        message = "another item has this code already"
    elif len(code) == 33 and live.is_live(code[PARENT]):
        message = f"its parent {code[PARENT]} is live itself: {_IN_ONE_FILE}"
    elif len(code) == 31 and live.has_situations(code):
        message = f"live as a group of 33-character codes: {_IN_ONE_FILE}"
    else:
        return None
    return FailedCheck("C-9", "reject", "code", message, code)


def version_is_newer(_: Item, context: Context) -> FailedCheck | None:
    """C-10: the incoming version is greater than the stored one; otherwise it is ignored."""
    version, stored = context.version, context.stored_version
    if version is None or stored is None or version > stored:
        return None
    return FailedCheck("C-10", "ignore", "version", f"version {version} is not above the stored {stored}", str(version))


_AFTER_FORM: tuple[Callable[[Item, Context], FailedCheck | None], ...] = (
    unit_code,
    unit_matches,
    level_matches,
    catalogue_matches,
    type_matches,
    in_directory,
    region_known,
    code_is_free,
    version_is_newer,
)


def _org9_of(dept_code: str) -> str | None:
    if len(dept_code) == 18:
        return dept_code[ORG9]
    return dept_code.replace("-", "") if re.fullmatch(r"[0-9A-Z]{8}-?[0-9A-Z]", dept_code) else None
