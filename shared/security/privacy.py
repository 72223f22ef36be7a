"""Personal data: marked in types, masked for its own applicant, and detected in free text (domain section 8)."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import BaseModel
from stdnum import luhn
from stdnum.cn import ric

HIDDEN = "****"

_DOTS = "·•‧∙・･．"
_COMPOUND_SURNAME = re.compile(
    "(?:"
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|宗政"
    "|濮阳|公冶|太叔|申屠|公孙|慕容|仲孙|钟离|长孙|宇文|司徒|鲜于|司空|闾丘|子车|亓官|司寇|巫马"
    "|公西|颛孙|壤驷|公良|漆雕|乐正|宰父|谷梁|拓跋|夹谷|轩辕|令狐|段干|百里|呼延|东郭|南门|羊舌"
    "|微生|梁丘|左丘|东门|西门|第五|歐陽|司馬|東方|南宮|聞人|諸葛|尉遲|赫連|澹臺|濮陽|公孫|鍾離"
    "|長孫|鮮于|軒轅|東郭|南門|東門|西門"
    ")(?=.)"
)
_OWN_PROJECT_NO = re.compile(r"[0-9A-Z]{31}(?:[0-9A-Z]{2})?[0-9]{12}")


class Personal:
    """Marks a field: `reason: Annotated[str | None, Personal]`. Such a field never leaves the service unmasked."""


def personal_fields(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of the fields of `model` that are marked `Personal`."""
    return frozenset(name for name, field in model.model_fields.items() if any(map(_is_mark, field.metadata)))


def mask_person(name: str) -> str:
    """`张三` → `张*`, `张三丰` → `张**`, `欧阳修` → `欧阳*`, `阿卜杜拉·买买提` → `阿**`: at most the surname."""
    plain = "".join(_visible(name).split())
    if len(plain) < 2:
        return "*" * len(plain)
    if any(dot in plain for dot in _DOTS):
        return f"{plain[0]}**"
    shown = 2 if _COMPOUND_SURNAME.match(plain) else 1
    return plain[:shown] + "*" * min(2, len(plain) - shown)


def mask_organisation(name: str, *, sole_trader: bool = False) -> str:
    """Return an organisation's name, which is public; a sole trader's (个体工商户) is often a person's: mask it."""
    plain = _visible(name).strip()
    return f"{plain[:1]}{HIDDEN}" if sole_trader else plain


def mask_mobile(number: str) -> str:
    """`13812345678` → `138****5678`, with or without +86, separators, full width; anything else is masked entirely."""
    digits = "".join(filter(str.isdigit, _visible(number)))
    digits = digits[-11:] if len(digits) in (13, 15) and digits[:-11] in ("86", "0086") else digits
    return f"{digits[:3]}{HIDDEN}{digits[-4:]}" if re.fullmatch(r"1[3-9]\d{9}", digits) else HIDDEN


def mask_resident_id(number: str) -> str:
    """`440232198501011234` → `440232********1234`, without the date of birth; otherwise like `mask_certificate`."""
    plain = _SEPARATOR.sub("", _visible(number)).upper()
    return f"{plain[:6]}********{plain[-4:]}" if re.fullmatch(r"\d{17}[\dX]", plain) else mask_certificate(number)


def mask_certificate(number: str) -> str:
    """`****1234`; nothing is shown of a number shorter than eight characters."""
    plain = _SEPARATOR.sub("", _visible(number))
    return HIDDEN + (plain[-4:] if len(plain) >= 8 else "")


def mask_project_no(number: str) -> str:
    """Show the last 12 characters of our own form (item code, day, serial); of another at most 4, or half of it."""
    plain = number.strip()
    return plain[-12:] if _OWN_PROJECT_NO.fullmatch(plain) else HIDDEN + plain[len(plain) - min(4, len(plain) // 2) :]


class PersonalKind(StrEnum):
    """Kinds of personal data found in free text."""

    RESIDENT_ID = "resident_id"
    BANK_CARD = "bank_card"
    MOBILE = "mobile"
    EMAIL = "email"


@dataclass(frozen=True, order=True)
class PersonalDataSpan:
    """A place of personal data in a text (offsets as in `text[start:end]`). It holds no value, so it may be logged."""

    start: int
    end: int
    kind: PersonalKind


def find_personal_data(text: str) -> list[PersonalDataSpan]:
    """Return resident IDs, bank cards, mobiles and e-mail addresses in `text`, in order and without overlap.

    Recognises full-width and other digits, zero-width characters, and up to three spaces or hyphens between digits.
    IDs need a province, a valid date of birth and the check character of GB 11643; cards a known prefix and Luhn.
    """
    plain = _same_length(text)
    found: list[PersonalDataSpan] = []
    for kind, candidates in _SCANNERS:
        for start, end in candidates(plain):
            if all(end <= other.start or other.end <= start for other in found):
                found.append(PersonalDataSpan(start, end, kind))
    return sorted(found)


def holds_resident_id(text: str) -> bool:
    """Whether `text` contains a resident ID; fast for long texts without any long number."""
    return bool(_LONG_NUMBER.search(text)) and any(f.kind == PersonalKind.RESIDENT_ID for f in find_personal_data(text))


def scrub(text: str) -> str:
    """Return `text` with everything that `find_personal_data` finds replaced by `****`."""
    for finding in reversed(find_personal_data(text)):
        text = text[: finding.start] + HIDDEN + text[finding.end :]
    return text


_GAP_CHARACTERS = r" \t\u00a0\u00ad\u2000-\u200f\u2010-\u2015\u202f\u2060\u2212\u3000\ufe58\ufe63\ufeff\uff0d\-_—"
_SEPARATOR = re.compile(f"[{_GAP_CHARACTERS}]")
_GAP = f"[{_GAP_CHARACTERS}]{{0,3}}"
_LONG_NUMBER = re.compile(r"(?:\d\W{0,3}){17}[\dXxＸｘ]")
_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[123]")
_ID = re.compile(rf"(?<!\d)(?=([1-8](?:{_GAP}\d){{16}}{_GAP}[\dX])(?!\d))", re.IGNORECASE)
_MOBILE = re.compile(rf"(?<!\d)((?:(?:\+|00)?{_GAP}86{_GAP})?1{_GAP}[3-9](?:{_GAP}\d){{9}})(?!\d)")
_EMAIL = re.compile(r"(?<![A-Za-z0-9_%+.-])([A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_CARDS = tuple(
    re.compile(rf"(?<!\d)(?=({start}(?:{_GAP}\d){{{more}}})(?!\d))")
    for length in (19, 18, 17, 16, 15)
    for start, digits, lengths in (
        (f"6{_GAP}[02]", 2, (16, 17, 18, 19)),
        (f"9{_GAP}5{_GAP}5{_GAP}8", 4, (19,)),
        ("4", 1, (16,)),
        (f"5{_GAP}[1-5]", 2, (16,)),
        (f"3{_GAP}5", 2, (16,)),
        (f"3{_GAP}[47]", 2, (15,)),
    )
    if length in lengths
    for more in (length - digits,)
)


def _is_mark(mark: object) -> bool:
    return mark is Personal or isinstance(mark, Personal)


def _visible(text: str) -> str:
    """Return the text in half width without invisible characters: two spellings of one value get one mask."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")


def _same_length(text: str) -> str:
    """Convert digits, letters and signs to ASCII, one character for one, so that offsets stay valid."""
    return "".join(map(_ascii, text))


def _ascii(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character


def _resident_ids(text: str) -> Iterator[tuple[int, int]]:
    for match in _ID.finditer(text):
        if _is_resident_id(_SEPARATOR.sub("", match[1]).upper()):
            yield match.span(1)


def _is_resident_id(number: str) -> bool:
    # `ric.is_valid` raises KeyError for a district that its table does not hold; such a number is personal data too.
    if not _PROVINCE.match(number) or not _is_birthday(number[6:14]):
        return False
    return number[17] == ric.calc_check_digit(number)


def _is_birthday(digits: str) -> bool:
    try:
        return 1850 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year <= 2099
    except ValueError:
        return False


def _bank_cards(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _CARDS:
        for match in pattern.finditer(text):
            if luhn.is_valid(_SEPARATOR.sub("", match[1])):
                yield match.span(1)


def _matches(pattern: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    return lambda text: (match.span(1) for match in pattern.finditer(text))


# The most specific rule first: a number that is both an ID and a card counts as an ID.
_SCANNERS: tuple[tuple[PersonalKind, Callable[[str], Iterator[tuple[int, int]]]], ...] = (
    (PersonalKind.RESIDENT_ID, _resident_ids),
    (PersonalKind.BANK_CARD, _bank_cards),
    (PersonalKind.MOBILE, _matches(_MOBILE)),
    (PersonalKind.EMAIL, _matches(_EMAIL)),
)
