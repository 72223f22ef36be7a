"""Readers' feedback on a guide: tags, and a short text without personal data."""

from pydantic import Field

from contracts.base import Timestamp, TolerantContract
from contracts.codes.tables import HCP_TAG

FEEDBACK_TYPE = "tongyuan.feedback.given"
LONGEST_TEXT = 500

GUIDE_WRONG = ("108", "109", "111", "112", "114", "207", "208", "211")
"""好差评 tags that say a guide was wrong or broken (domain 5.6)."""

GUIDE_RIGHT = ("308", "310", "311", "313")
"""Tags that say it was right."""

TAGS = {code: HCP_TAG[code] for code in (*GUIDE_WRONG, *GUIDE_RIGHT)}


class Feedback(TolerantContract):
    """One reader's feedback on one version of a guide. It does not identify the reader: no name, address or number."""

    id: str = Field(
        title="编号", pattern=r"^[0-9a-f]{32}$", description="Random; a repeated submission has the same id."
    )
    code: str = Field(title="实施编码", pattern=r"^([0-9A-Z]{31}|[0-9A-Z]{33})$")
    guide_version: int = Field(title="指南版本", ge=1, description="Version of the guide that the reader saw.")
    channel: str = Field(title="渠道", pattern=r"^[a-z]{1,16}$")
    tags: list[str] = Field(default=[], title="评价标签", max_length=len(TAGS), description="Codes from `TAGS`.")
    text: str | None = Field(default=None, title="补充说明", min_length=1, max_length=LONGEST_TEXT)
    given_at: Timestamp = Field(title="提交时间")
