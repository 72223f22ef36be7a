"""Web addresses that editors enter: one rule for every door, every channel and the API.

Each contract lists its addresses in `ADDRESSES`, field → what stands there:

`handling`  where people enter what is theirs: `https://` with a host, nothing else
`file`      a form or an example to look at: `https://`, `http://`, or a path of this county such as `/forms/a.pdf`
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from contracts.codes.declared_fields import declared_values

M = TypeVar("M", bound=BaseModel)

RULE = "address"
HANDLING, FILE = "handling", "file"
LONGEST_VALUE = 80

_FULL_WIDTH = re.compile(r"[：／．。？＝＆＃％]")
_UNSAFE = re.compile(r"[\s\\\"<>^`{|}\x00-\x20]")
"""Browsers drop or convert some of these, so the address opened would differ from the one that was checked."""
_HOST = re.compile(r"(?!-)[\w-]+(?<!-)(\.(?!-)[\w-]+(?<!-))*\.?|[0-9a-f:.]*:[0-9a-f:.]*")


@dataclass(frozen=True, slots=True)
class WrongAddress:
    """An address that cannot be used. `field`: path in the body, such as `materials.2.form_url`."""

    field: str
    message: str
    value: str


def wrong_addresses(content: BaseModel) -> Iterator[WrongAddress]:
    """Yield every address in `content`, at any depth, that cannot be used, in order of fields."""
    for field, use, value in declared_values(content, "ADDRESSES"):
        if problem := address_problem(value, use):
            yield WrongAddress(field, problem, value[:LONGEST_VALUE])


def without_wrong_addresses(content: M) -> M:
    """Return the content without addresses that cannot be used: an earlier version of the system released some."""
    wrong = list(wrong_addresses(content))
    if not wrong:
        return content
    body = content.model_dump()
    for one in wrong:
        *path, name = one.field.split(".")
        part: Any = body
        for step in path:
            part = part[int(step) if step.isdigit() else step]
        part[name] = None
    return type(content).model_validate(body)


def address_problem(address: str, use: str) -> str | None:
    """Return what is wrong with an address and what to write instead; None: it can be used."""
    if found := _FULL_WIDTH.search(address):
        return f"holds the full-width {found[0]}: type it in half width"
    if _UNSAFE.search(address):
        return "holds a blank or a character that no address has: remove it, or write it as %…"
    if use == FILE and address.startswith("/") and not address.startswith("//"):
        return None
    schemes = ("https",) if use == HANDLING else ("https", "http")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no web address: write it as a browser shows it, such as https://zwfw.example.gov.cn/apply"
    if parts.scheme not in schemes:
        why = "people enter what is theirs there, so it " if parts.scheme == "http" else ""
        return f"{why}must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if not host or not _HOST.fullmatch(host):
        return f"names no host after {parts.scheme}://"
    if "@" in parts.netloc:
        return "holds a user name before the host: remove what stands before @"
    return None
