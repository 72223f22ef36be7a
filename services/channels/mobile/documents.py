"""What the documents of this channel hold beyond the heads of all channels, for its OpenAPI document.

Nothing is empty here: a field without a value is absent.
"""

from pydantic import ConfigDict, Field

from services.channels import answers


class Block(answers.Answer):
    """One short paragraph under its title; a longer text is several blocks of the same title."""

    t: str = Field(title="标题")
    v: str = Field(title="内容", max_length=120)


class ItemDocument(answers.ItemDocument):
    """An item for a small screen."""

    model_config = ConfigDict(extra="ignore")

    blocks: list[Block] | None = None
    mobile_terminal_url: str | None = Field(default=None, title="移动端办理地址")


class GuideDocument(answers.GuideDocument):
    """A guide for a small screen, part by part."""

    model_config = ConfigDict(extra="ignore")

    condition: list[Block] | None = Field(default=None, title="受理条件")
    materials: list[Block] | None = Field(default=None, title="申请材料")
    steps: list[Block] | None = Field(default=None, title="办理流程")
    fees: list[Block] | None = Field(default=None, title="收费")
    windows: list[Block] | None = Field(default=None, title="办理窗口")
    questions: list[Block] | None = Field(default=None, title="常见问题")
    laws: list[Block] | None = Field(default=None, title="设定依据")
    contact: list[Block] | None = Field(default=None, title="咨询与投诉")
    remedy: list[Block] | None = Field(default=None, title="行政复议与诉讼")
    more: list[Block] | None = None
