"""Fields that the documents of all channels share, so that lists, search and look-up treat them alike. Pure."""

from typing import Any

from contracts.base import MADE_BY_THE_SOURCE, Json
from contracts.codes.tables import CASE_STAGE
from contracts.content.acts import OTHER_REASON, REASONS
from contracts.content.files import FILE_TYPES, PURPOSES, MaterialFile, address_of
from contracts.content.guides import Guide, Material
from contracts.content.items import Item
from contracts.envelope.publication import Publication
from services.channels.core.bodies import act_of, name_of, progress_of
from services.channels.text import chinese_labels

NATURAL_PERSON = "1"
SUMMARY = ("code", "name", "short_name", "dept_name", "glance", "source")


def item_head(item: Item) -> Json:
    """Return the fields with which every channel's item begins; lists, filters and search read only these.

    `audiences` ⊆ {person, business}; `person_themes` and `business_themes` are labels; `glance` holds the short answers
    `how_long`, `cost`, `visits` and `at_home`, null where the item does not state them.
    """
    return {
        "kind": "item",
        "code": item.code,
        "name": item.task_name,
        "short_name": item.short_name,
        "keywords": item.keywords,
        "dept_name": item.dept_name,
        "audiences": audiences(item),
        "person_themes": chinese_labels.labels("user_topic_type", item.user_topic_type),
        "business_themes": chinese_labels.labels("corp_topic_type", item.corp_topic_type),
        "glance": {
            "how_long": chinese_labels.how_long(item),
            "cost": chinese_labels.cost(item),
            "visits": chinese_labels.visits(item),
            "at_home": chinese_labels.at_home(item),
        },
    }


def guide_head(guide: Guide) -> Json:
    """Return the fields with which every channel's guide begins."""
    return {"kind": "guide", "code": guide.code, "name": guide.task_name, "dept_name": guide.dept_name}


def full_guide(guide: Guide) -> Json:
    """Return the head, every field of the contract, short answers, and `words` for materials, fees and laws."""
    body = guide.model_dump(mode="json", exclude=set(MADE_BY_THE_SOURCE))
    for given, material in zip(body["materials"] or (), guide.materials or (), strict=True):
        given |= {"words": chinese_labels.material(material), "source_words": chinese_labels.material_source(material)}
        del given["files"]
        given.update(with_files(guide, material))
    for given, fee in zip(body["fees"], guide.fees, strict=True):
        given["words"] = chinese_labels.fee(fee)
    for given, law in zip(body["by_law"], guide.by_law, strict=True):
        given["words"] = chinese_labels.law(law)
    glance = {"bring": chinese_labels.bring(guide), "cost": chinese_labels.fees(guide)}
    return {**guide_head(guide), **body, "glance": glance}


def with_files(guide: Guide, material: Material) -> Json:
    """Return `files` of a material; nothing without any, so that documents of before stay as they were.

    `address`: where the channel serves it, below its own name.
    """
    return {"files": [file_document(guide, file) for file in material.files]} if material.files else {}


def file_document(guide: Guide, file: MaterialFile) -> Json:
    """Return the fields of the contract, labels, and the address below the channel's name."""
    return {
        **file.model_dump(mode="json"),
        **file_labels(file),
        "address": f"files/{guide.code}/{address_of(file)}",
    }


def file_labels(file: MaterialFile) -> Json:
    """Return purpose and type in Chinese, and the size as people read it."""
    return {
        "purpose_label": PURPOSES[file.purpose],
        "type_label": FILE_TYPES[file.media_type].zh,
        "size_label": chinese_labels.size(file.size),
    }


def audiences(item: Item) -> list[str]:
    """Return who can apply: natural persons, and all others (企业、事业单位、社会组织 …)."""
    person = NATURAL_PERSON in item.serve_type or (not item.serve_type and bool(item.user_topic_type))
    business = any(code != NATURAL_PERSON for code in item.serve_type) or (
        not item.serve_type and bool(item.corp_topic_type)
    )
    return [name for name, is_for in (("person", person), ("business", business)) if is_for]


def case_document(publication: Publication) -> Json:
    """办理状态, the same in every channel: every field of `CaseProgress` except the salt, with labels for codes."""
    progress = progress_of(publication)
    # What only some cases have is absent in the others, whose documents stay as they were.
    absent = {"salt"} if progress.promise_provisional else {"salt", "promise_provisional"}
    return {
        "kind": "application",
        "code": name_of(publication.key),
        "name": "办理状态",
        **progress.model_dump(mode="json", exclude=absent),
        "stage_label": CASE_STAGE[progress.stage],
        "badge_labels": [chinese_labels.BADGES[badge] for badge in progress.badges if badge in chinese_labels.BADGES],
    }


def act_document(publication: Publication) -> Json:
    """行为说明, the same in every channel: why other versions were made. Not listed; found by its key only."""
    act = act_of(publication)
    return {
        "kind": "act",
        "code": name_of(publication.key),
        "name": "行为说明",
        **act.model_dump(mode="json", exclude={"salt"}),
        "reason_label": REASONS.get(act.reason, OTHER_REASON),
    }


def summary(document: Json) -> Json:
    """Return the short form of an item for lists and search results, the same in every channel."""
    return {field: document[field] for field in SUMMARY if field in document}


def without_empty(value: Any) -> Any:
    """Return `value` without null, empty texts, lists and objects, at any depth. False and 0 are kept."""
    if isinstance(value, dict):
        return {key: kept for key, inner in value.items() if not _is_empty(kept := without_empty(inner))}
    if isinstance(value, list):
        return [kept for inner in value if not _is_empty(kept := without_empty(inner))]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
