"""Files that come with the form: sent to the source at once, so that the working copy names only what is stored there.

What is typed is kept whether a file is taken or not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.datastructures import UploadFile

from contracts.base import Json
from contracts.content.files import LARGEST_FILE, PURPOSES
from contracts.topology import FILES_SOURCE
from services.console.accounts.roles import require_own
from services.console.content.files import line_of
from services.console.content.reading import Problem
from services.console.content.typed import Texts
from shared.errors import Invalid, NoRoom, TongyuanError, TooLarge
from shared.tokens.person import Person

PREFIX = "upload."
"""Begins the name of each file of the form: `upload.blank.guide.materials.2`."""

FILES = "files"
MESSAGES: Mapping[str, str] = {
    "file_empty": "文件是空的，请重新选择",
    "file_too_large": f"文件太大：最多{LARGEST_FILE // 1024**2}MB，请压缩或者分成几个",
    "file_type": "不收这种文件：请上传 PDF、.docx、.xlsx、PNG 或者 JPEG（看内容，不看扩展名）",
    "file_damaged": "文件不完整或者损坏了：请用原来的软件打开，重新保存或导出",
    "file_active_content": "文件里有宏、脚本、嵌入对象或者外部链接，不能公布："
    "请另存为不带宏的 .docx、.xlsx，或者重新导出、打印成 PDF（.doc、.xls 也请先另存）",
    "file_locked": "文件有密码或者限制：请去掉密码，重新保存或导出",
    "file_personal_data": "文件里有居民身份证号码：样表请填虚构的内容，号码用×代替",
}
NO_ROOM = "表格文件的总量已满：请联系系统管理员"
NOT_NOW = "没有传上去：办事指南服务暂时不回答。填写的内容还在，请过一会儿再选一次文件"


class FileServices(Protocol):
    """See `services.console.upstream.services.Services`."""

    def send(self, method: str, service: str, path: str, person: Person | None, **request: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Uploads:
    """Sends files to guides, and reads them from there."""

    services: FileServices

    def taken(
        self, person: Person, code: str, texts: Texts, sent: Iterable[tuple[str, Any]]
    ) -> tuple[Texts, dict[str, Problem]]:
        """Return the texts with a line for each file that guides took, and problems by path for the others.

        Raises `NotAllowed` for a code of another department.
        """
        chosen = [(name, one) for name, one in sent if name.startswith(PREFIX) and isinstance(one, UploadFile)]
        problems: dict[str, Problem] = {}
        for name, file in chosen:
            purpose, _, place = name.removeprefix(PREFIX).partition(".")
            if not file.filename or purpose not in PURPOSES:
                continue
            require_own(person, code)
            path = f"{place}.{FILES}"
            try:
                line = line_of({**self._sent(person, code, file), "purpose": purpose})
            except TongyuanError as error:
                problems[path] = _problem(path, file.filename, error)
                continue
            lines = [one for one in texts.get(path, "").split("\n") if one and one != line]
            texts = {**texts, path: "\n".join([*lines, line])}
        return texts, problems

    def content(self, person: Person, sha256: str) -> tuple[bytes, str]:
        """Return bytes and media type of a file. Raises what `Services.send` raises."""
        answer = self.services.send("GET", FILES_SOURCE, f"files/{sha256}", person)
        return answer.raw, answer.headers.get("content-type", "application/octet-stream")

    def _sent(self, person: Person, code: str, file: UploadFile) -> Json:
        content = file.file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise TooLarge(f"a file may have {LARGEST_FILE} bytes")
        asked = {"code": code, "name": (file.filename or "")[-200:]}
        headers = {"Content-Type": "application/octet-stream"}
        told: Json = self.services.send(
            "POST", FILES_SOURCE, "files", person, params=asked, content=content, headers=headers
        ).content
        return told


def without_file(texts: Texts, path: str, line: str) -> Texts:
    """Return the texts without one file of a material."""
    kept = [one for one in texts.get(path, "").split("\n") if one and one.partition(" ")[0] != line]
    return {**texts, path: "\n".join(kept)}


def _problem(path: str, name: str, error: TongyuanError) -> Problem:
    if isinstance(error, Invalid):
        rule = error.violations[0].rule
        message = MESSAGES.get(rule, error.violations[0].message)
    elif isinstance(error, TooLarge):
        rule, message = "file_too_large", MESSAGES["file_too_large"]
    elif isinstance(error, NoRoom):
        rule, message = "no_room", NO_ROOM
    else:
        rule, message = "unavailable", NOT_NOW
    return Problem(path, rule, f"{name[-80:]} {message}")
