"""Bytes that have broken parsers: truncated, duplicated, deep, huge, in another encoding."""

import re
from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import strategies as st

Change = Callable[[bytes], bytes]


def doubled(content: bytes) -> bytes:
    """Repeat the first name of the outermost object."""
    found = re.match(rb'\{("(?:[^"\\]|\\.)*"):', content)
    return content[:-1] + b"," + found[1] + b":null}" if found and content.endswith(b"}") else content + content


CHANGES: dict[str, Change] = {
    "a byte-order mark": lambda content: b"\xef\xbb\xbf" + content,
    "UTF-16": lambda content: content.decode().encode("utf-16"),
    "GB 18030": lambda content: content.decode().encode("gb18030"),
    "Latin-1 in between": lambda content: content.replace(b'":', b'\xff":', 1),
    "NUL": lambda content: content.replace(b'":"', b'":"\\u0000', 1),
    "a raw NUL": lambda content: content[:5] + b"\0" + content[5:],
    "a lone surrogate": lambda content: content.replace(b'":"', b'":"\\udc80', 1),
    "a name twice": doubled,
    "twice": lambda content: content + content,
    "cut": lambda content: content[: len(content) * 2 // 3],
    "within 500 lists": lambda content: b"[" * 500 + content + b"]" * 500,
    "within 100,000 lists": lambda content: b"[" * 100_000 + content,
    "a huge number": lambda content: b'{"rows":' + b"9" * 5_000 + b"," + content[1:],
    "a huge exponent": lambda content: re.sub(rb":\d+", b":1e999999", content, count=1),
    "NaN": lambda content: re.sub(rb":[\d\"][^,}]*", b":NaN", content, count=1),
    "a gzip bomb": lambda _: b"\x1f\x8b\x08\0\0\0\0\0\x02\x03" + b"\xec\xc1\x01\x01" * 400,
    "a null": lambda _: b"null",
    "a text": lambda _: b'"x"',
    "a list": lambda _: b"[]",
    "nothing": lambda _: b"",
}
"""Mutations of valid bytes, by name. Each gives an invalid document, except `twice` of a list."""

SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 2**31, 2**53, 2**63, 2**64 - 1, 1.5, 1e308])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(
        ["\0", "\u202e", "\ufeff", "' OR 1=1 --", "{{7*7}}", "../../etc/passwd", "=1+1", "x" * 5_000, "𠮷"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn, sound: dict[str, Any]) -> dict[str, Any]:
    """Draw `sound` with up to three values, at any depth, replaced, removed or added."""
    document: dict[str, Any] = orjson.loads(orjson.dumps(sound))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and draw(st.booleans()):
                place = place[key]
                continue
            _change(draw, place, key)
            break
    return document


def _change(draw: st.DrawFn, place: Any, key: Any) -> None:
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            place[key] = draw(VALUES)
        case "remove":
            del place[key]
        case _ if isinstance(place, dict):
            place[draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=10))] = draw(VALUES)
        case _:
            place.append(draw(VALUES))
