"""JSON Schema (draft 2020-12) of every public model and every message, with Chinese titles."""

import re
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from contracts.base import Json
from contracts.content.items import DirectoryRow
from contracts.envelope.event import Event
from contracts.envelope.messages import MessageType
from contracts.envelope.publication import Head, Publication, Release, SourceMark
from contracts.envelope.statement import HeadStatement
from contracts.kinds import KINDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
GENERATED = "Generated: do not edit; make contracts"

BODY_FILES = {"application": "case-progress"}
"""Kind → name of its body's file, if it differs from the kind."""

MODELS: dict[str, type[BaseModel]] = {
    "event": Event,
    "release": Release,
    "publication": Publication,
    "head": Head,
    "source-mark": SourceMark,
    "head-statement": HeadStatement,
    "directory-row": DirectoryRow,
    **{BODY_FILES.get(entry.name, entry.name): entry.body for entry in KINDS.values()},
}
"""File name → model."""

ALWAYS_SENT = ("datacontenttype", "sequence", "specversion")
"""Envelope fields that a reader may ignore, but that every sender writes (CloudEvents 1.0 for `specversion`)."""

MODEL_TITLES = {
    "Announcement": "预告",
    "Act": "行为说明",
    "ActedOn": "涉及版本",
    "AuditHead": "审计日志末行",
    "Badge": "办件标记",
    "CaseProgress": "办理状态",
    "DirectoryRow": "基本目录行",
    "Event": "事件信封",
    "ExchangeMessage": "交换表报送",
    "Fee": "收费项目",
    "Feedback": "办事指南评价",
    "FilePurpose": "表格用途",
    "Guide": "办事指南",
    "HallMessage": "大厅系统报送",
    "Head": "账本签名头",
    "HeadStatement": "账本签名声明",
    "Item": "政务服务事项",
    "Lane": "通道",
    "LegalBasis": "设定依据",
    "Material": "申请材料",
    "MaterialFile": "表格文件",
    "Milestone": "办理节点",
    "Publication": "账本条目",
    "Question": "常见问题",
    "Release": "发布版本",
    "SourceKey": "来源公钥",
    "SourceMark": "来源标记",
    "Stage": "办理阶段",
    "Start": "起始位置",
    "StateMessage": "办件状态报送",
    "Step": "办理环节",
    "VersionDates": "版本的三个日期",
    "Window": "办理窗口",
}
FIELD_TITLES = {
    "audit_heads": "审计日志末行",
    "body": "正文",
    "case_ref": "办件公开标识",
    "checkpoint": "签名检查点",
    "compulsory_from": "必须签名起始位置",
    "statement": "签名声明",
    "data": "数据",
    "datacontenttype": "数据格式",
    "details": "详情",
    "digest": "内容摘要",
    "effective_at": "生效时间",
    "expires_at": "失效时间",
    "hash": "摘要",
    "id": "事件编号",
    "issued_at": "签发时间",
    "key": "键",
    "key_id": "公钥编号",
    "kind": "类别",
    "lane": "通道",
    "no_body": "无正文原因",
    "op": "操作",
    "origin": "账本名称",
    "part_of": "所属成组发布",
    "position": "账本位置",
    "proof": "入账证明",
    "public_key": "公钥",
    "recorded_at": "入账时间",
    "region": "行政区划代码",
    "released_at": "发布时间",
    "revoked_from": "作废起始位置",
    "root": "根摘要",
    "row": "交换表行",
    "salt": "随机盐",
    "sequence": "序号",
    "sequences": "各通道起始序号",
    "signs_from": "签名起始位置",
    "size": "账本条目数",
    "snapshot_root": "快照根摘要",
    "source": "来源",
    "source_signature": "来源签名",
    "sources": "来源公钥",
    "specversion": "规范版本",
    "state_kinds": "现行状态类别",
    "state_root": "现行状态根摘要",
    "subject": "主题",
    "table": "交换表",
    "time": "时间",
    "traceparent": "跟踪标识",
    "type": "事件类型",
    "version": "版本",
    "withheld_until": "暂不公开至",
}
"""Titles of fields whose contract gives none, by field name: an envelope's field means the same everywhere."""

_CHINESE = re.compile("[\u4e00-\u9fff]")


def model_schema(model: type[BaseModel]) -> Json:
    """Return the schema of one model. Raises `KeyError` for a model or field without a Chinese title."""
    schema = _titled(model.__name__, model.model_json_schema())
    if "$defs" in schema:
        schema["$defs"] = {name: _titled(name, inner) for name, inner in sorted(schema["$defs"].items())}
    return _headed(schema)


def message_schema(message: MessageType) -> Json:
    """Return the schema of one message: envelope, data and body in one document.

    It is open for fields that a later version adds; only what we receive over HTTP is closed.
    """
    schema, definitions = _plain(Event if message.enveloped else message.data)
    schema["title"], schema["description"] = message.title, message.when
    if not message.enveloped:
        return _headed({**schema, **({"$defs": definitions} if definitions else {})})
    schema["properties"]["type"] = {"const": message.type, "title": FIELD_TITLES["type"]}
    schema["required"] = sorted({*schema["required"], *ALWAYS_SENT})
    schema["properties"]["data"], inner = _data(message)
    return _headed({**schema, "$defs": _opened(dict(sorted({**definitions, **inner}.items())))})


def _data(message: MessageType) -> tuple[Json, Json]:
    data, definitions = _plain(message.data)
    if message.kind is None:
        return data, definitions
    for field, value in (("kind", message.kind), ("op", message.op)):
        data["properties"][field] = {"const": str(value), "title": FIELD_TITLES[field]}
    data["properties"]["key"]["pattern"] = KINDS[message.kind].key_pattern
    data["properties"]["body"], inner = _body(message)
    return data, {**definitions, **inner}


def _body(message: MessageType) -> tuple[Json, Json]:
    if message.body is None:
        return {"type": "null", "title": FIELD_TITLES["body"], "description": "Withdrawn: there is no body."}, {}
    name = message.body.__name__
    body, definitions = _plain(message.body)
    reference: Json = {"$ref": f"#/$defs/{name}", "title": FIELD_TITLES["body"]}
    if message.data is Publication:
        reference = {
            "anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}],
            "title": FIELD_TITLES["body"],
            "description": "null only where `no_body` says why; the entry and its proof remain.",
        }
    return reference, {**definitions, name: body}


def _plain(model: type[BaseModel]) -> tuple[Json, Json]:
    """Return the schema of a model without heading, and its definitions separately."""
    schema = deepcopy(model_schema(model))
    definitions = schema.pop("$defs", {})
    for key in ("$schema", "$comment"):
        schema.pop(key)
    return schema, definitions


def _headed(schema: Json) -> Json:
    return {"$schema": DRAFT, "$comment": GENERATED, **schema}


def _titled(name: str, schema: Json) -> Json:
    """Put `title` first, in Chinese, for the model and for each of its fields."""
    schema = {**schema, "title": MODEL_TITLES[name]}
    if "properties" in schema:
        schema["properties"] = {field: _titled_field(field, inner) for field, inner in schema["properties"].items()}
    return {"title": schema.pop("title"), **schema}


def _titled_field(field: str, schema: Json) -> Json:
    title = schema.get("title", "")
    return {**schema, "title": title if _CHINESE.search(title) else FIELD_TITLES[field]}


def _opened(schema: Any) -> Any:
    """Return the schema without `additionalProperties: false`, at every depth."""
    if isinstance(schema, dict):
        return {
            key: _opened(value)
            for key, value in schema.items()
            if not (key == "additionalProperties" and value is False)
        }
    return [_opened(value) for value in schema] if isinstance(schema, list) else schema
