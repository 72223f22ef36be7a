"""Numbers in digits, in Chinese numerals up to 9999, and in English words up to ten, as texts write them."""

from decimal import Decimal

_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "a": 1, "an": 1, "no": 0, "zero": 0,
}  # fmt: skip
HAN = "零〇一二两俩三四五六七八九十百千"
_ARABIC = r"(?<!\d)(?<!\d[.,])(?:\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,4})?|\d{1,12}(?:\.\d{1,4})?)"
NUMBER = rf"(?:{_ARABIC}|(?<![{HAN}])[{HAN}]{{1,8}})"
"""Bounded, as every repetition here is: an editor's text of any length is read in linear time."""
NUMBER_EN = rf"(?:{NUMBER}|\b(?:{'|'.join(_WORDS)})\b)"


def number(text: str) -> Decimal | None:
    """Return a number in digits, Chinese numerals up to 9999, or an English word; None for anything else."""
    plain = text.replace(",", "")
    if plain in _WORDS:
        return Decimal(_WORDS[plain])
    if plain[0].isdigit():
        return Decimal(plain)
    return _han(plain)


def _han(text: str) -> Decimal | None:
    if all(sign in _DIGITS for sign in text):
        return Decimal("".join(str(_DIGITS[sign]) for sign in text)) if len(text) == 1 else None
    total, digit, last = 0, 0, 10_000
    for sign in text:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
            continue
        if _POWERS[sign] >= last:
            return None
        last = _POWERS[sign]
        total += (digit or 1) * last
        digit = 0
    return Decimal(total + digit)
