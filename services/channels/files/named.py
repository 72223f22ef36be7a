"""Which files a document of this channel names. What no shown document names is not served."""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.base import Json


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file as a shown guide names it. `size`: bytes."""

    sha256: str
    media_type: str
    size: int
    name: str


def named_files(document: Json) -> Iterator[NamedFile]:
    """Yield the files that a guide's document names, at its materials or, on the phone, in one list."""
    listed = document.get("files") or ()
    of_materials = (file for one in document.get("materials") or () for file in one.get("files") or ())
    for file in (*listed, *of_materials):
        yield NamedFile(file["sha256"], file["media_type"], file["size"], file["name"])
