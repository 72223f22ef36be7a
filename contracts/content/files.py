"""Files of a guide: blank forms and filled-in samples of a material. A body names their bytes by SHA-256, no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from contracts.base import Contract

LARGEST_FILE = 10 * 1024 * 1024
"""Bytes of one file."""

MOST_FILES = 10
"""Files of one material."""

LONGEST_NAME = 100
SHA256 = r"^[0-9a-f]{64}$"
NAME = r'^[^\x00-\x1f\x7f/\\:*?"<>|]+$'
"""What every file system takes, and no header or page mistakes."""


class FilePurpose(StrEnum):
    """What a file is for."""

    BLANK = "blank"
    SAMPLE = "sample"


PURPOSES: Mapping[str, str] = {FilePurpose.BLANK: "空白表格", FilePurpose.SAMPLE: "示例样表"}


@dataclass(frozen=True, slots=True)
class FileType:
    """One media type that is taken. `extension`: with its dot. `zh`: its name for people."""

    extension: str
    zh: str
    en: str


FILE_TYPES: Mapping[str, FileType] = {
    "application/pdf": FileType(".pdf", "PDF", "PDF"),
    "image/png": FileType(".png", "PNG 图片", "PNG image"),
    "image/jpeg": FileType(".jpg", "JPEG 图片", "JPEG image"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": FileType(".docx", "Word 文档", "Word"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": FileType(".xlsx", "Excel 表格", "Excel"),
}
"""Media type → its name. Why no others: docs/adr/0088."""


class MaterialFile(Contract):
    """空白表格或者示例样表: the source holds the bytes, and channels serve only bytes that have this SHA-256."""

    sha256: str = Field(title="文件摘要", pattern=SHA256)
    media_type: str = Field(
        title="文件类型", max_length=100, json_schema_extra={"enum": list(FILE_TYPES)}, description="As its bytes say."
    )
    size: int = Field(title="文件大小", ge=1, le=LARGEST_FILE, description="Bytes.")
    name: str = Field(
        title="文件名", min_length=1, max_length=LONGEST_NAME, pattern=NAME, description="With the type's extension."
    )
    purpose: FilePurpose = Field(title="用途", description="blank 空白表格, sample 示例样表")

    @model_validator(mode="after")
    def _named_by_type(self) -> Self:
        known = FILE_TYPES.get(self.media_type)
        if known is None:
            raise ValueError(f"media_type: must be one of {', '.join(FILE_TYPES)}")
        if not self.name.lower().endswith(known.extension):
            raise ValueError(f"name: must end with {known.extension}, because the file is {known.en}")
        return self


def address_of(file: MaterialFile) -> str:
    """Return the last part of the address at which channels serve the file: its SHA-256 and its type's extension."""
    return f"{file.sha256}{FILE_TYPES[file.media_type].extension}"
