"""Models of this channel's documents beyond the common heads, for its OpenAPI document.

Nothing is empty here: a field without a value is absent.
"""

from pydantic import ConfigDict, Field

from services.channels.api import response_models


class Block(response_models.Answer):
    """One short paragraph with its title; a longer text is split into several blocks of the same title."""

    t: str = Field(title="标题")
    v: str = Field(title="内容", max_length=120)


class FileBlock(response_models.Answer):
    """A blank form or a sample of the material `t`."""

    t: str = Field(title="材料")
    sha256: str = Field(title="文件摘要", pattern=response_models.HEX)
    media_type: str = Field(title="文件类型")
    size: int = Field(title="文件大小", description="Bytes.")
    name: str = Field(title="文件名")
    purpose: str = Field(title="用途")
    purpose_label: str
    type_label: str
    size_label: str
    address: str = Field(description="Below `/mobile/`.")


class ItemDocument(response_models.ItemDocument):
    """An item for a small screen."""

    model_config = ConfigDict(extra="ignore")

    blocks: list[Block] | None = None
    mobile_terminal_url: str | None = Field(default=None, title="移动端办理地址")


class GuideDocument(response_models.GuideDocument):
    """A guide for a small screen, part by part."""

    model_config = ConfigDict(extra="ignore")

    condition: list[Block] | None = Field(default=None, title="受理条件")
    materials: list[Block] | None = Field(default=None, title="申请材料")
    files: list[FileBlock] | None = Field(default=None, title="表格文件")
    steps: list[Block] | None = Field(default=None, title="办理流程")
    fees: list[Block] | None = Field(default=None, title="收费")
    windows: list[Block] | None = Field(default=None, title="办理窗口")
    questions: list[Block] | None = Field(default=None, title="常见问题")
    laws: list[Block] | None = Field(default=None, title="设定依据")
    contact: list[Block] | None = Field(default=None, title="咨询与投诉")
    remedy: list[Block] | None = Field(default=None, title="行政复议与诉讼")
    more: list[Block] | None = None
