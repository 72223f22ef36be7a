"""Files of a material as a form holds them: a line for each, `<sha256> <bytes> <media type> <purpose> <name>`. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.base import Json
from contracts.content.files import FILE_TYPES, PURPOSES

_LINE = re.compile(
    r"(?P<sha256>[0-9a-f]{64}) (?P<size>[0-9]{1,9}) (?P<media_type>\S+) (?P<purpose>[a-z]+) (?P<name>.+)"
)
_FIELDS = ("sha256", "size", "media_type", "purpose", "name")
KILOBYTE, MEGABYTE = 1024, 1024**2


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file in words. `line`: as the form holds it. `title`: 空白表格：申请表.pdf. `facts`: PDF，24 KB."""

    line: str
    sha256: str
    name: str
    title: str
    facts: str

    @classmethod
    def of(cls, file: Json) -> "FileLine":
        """Return the file of a body; a purpose or type that is not known stays as it is."""
        purpose, media_type = str(file.get("purpose", "")), str(file.get("media_type", ""))
        known = FILE_TYPES.get(media_type)
        name, size = str(file.get("name", "")), int(file.get("size") or 0)
        facts = f"{known.zh if known else media_type}，{size_words(size)}"
        title = f"{PURPOSES.get(purpose, purpose)}：{name}"
        return cls(line_of(file), str(file.get("sha256", "")), name, title, facts)


def line_of(file: Json) -> str:
    """Return the line of one file."""
    return " ".join(str(file.get(name, "")) for name in _FIELDS)


def lines_of(files: Any) -> str:
    """Return the text of a list of files."""
    return "\n".join(line_of(one) for one in files)


def files_from(text: str) -> list[Json] | None:
    """Return the files of a text, each only once; None if a line is none of ours."""
    found: dict[str, Json] = {}
    for line in filter(None, (one.strip() for one in text.split("\n"))):
        read = _LINE.fullmatch(line)
        if read is None:
            return None
        file: Json = {**read.groupdict(), "size": int(read["size"])}
        found[f"{file['sha256']} {file['purpose']}"] = file
    return list(found.values())


def words_of(files: Iterable[Json]) -> str:
    """Return files as a difference shows them. Two versions of a form differ in their digest alone."""
    lines = [FileLine.of(one) for one in files]
    return "；".join(f"{one.title}（{one.facts}，摘要 {one.sha256[:8]}）" for one in lines)


def files_of(body: Json | None) -> list[tuple[str, FileLine]]:
    """Return the files of a guide, each with the name of its material."""
    return list(_files_of(body or {}))


def _files_of(body: Json) -> Iterator[tuple[str, FileLine]]:
    for material in body.get("materials") or ():
        for file in material.get("files") or ():
            yield str(material.get("material_name", "")), FileLine.of(file)


def size_words(count: int) -> str:
    """Return bytes as people read them, never rounded to nothing."""
    if count <= MEGABYTE - KILOBYTE:
        return f"{-(-count // KILOBYTE)} KB"
    tenths = count * 10 // MEGABYTE
    return f"{tenths // 10}.{tenths % 10} MB"
