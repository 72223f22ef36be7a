"""The tables of files."""

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from contracts.base import Json
from services.guides.seen_items import GuidesModel


class FileRow(GuidesModel, table=True):
    """One file; bytes that are uploaded twice are one row. `name`, `code`, `uploaded_by`: of the first upload.

    `uploaded_at`: of the last upload. `released`: a released version names it, so it is kept like the version.
    """

    __tablename__ = "file"

    sha256: str = Field(primary_key=True, max_length=64)
    media_type: str = Field(max_length=100)
    size: int
    name: str = Field(max_length=100)
    code: str = Field(max_length=64)
    uploaded_by: str = Field(max_length=100)
    uploaded_at: str = Field(max_length=27, index=True)
    released: bool = False
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

    def as_json(self) -> Json:
        """Return what a guide states of it, without a purpose."""
        return {"sha256": self.sha256, "media_type": self.media_type, "size": self.size, "name": self.name}


class FileScanRow(GuidesModel, table=True):
    """The release of a lane up to which it is known which files are named."""

    __tablename__ = "file_scan"

    lane: str = Field(primary_key=True, max_length=16)
    sequence: int = 0
