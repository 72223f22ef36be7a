"""What the documents of all channels have in common, so that lists, search and look-up treat them alike. Pure."""

from typing import Any

from contracts.base import Json
from contracts.catalog import Item
from contracts.codes import CASE_STAGE
from contracts.guides import Guide
from contracts.publication import Publication
from services.channels import phrases
from services.channels.bodies import name_of, progress_of

NATURAL_PERSON = "1"
SUMMARY = ("code", "name", "short_name", "dept_name", "glance", "source")


def item_head(item: Item) -> Json:
    """Fields of an item that every channel's document begins with; lists, filters and search read only these.

    `audiences` ⊆ {person, business}; `person_themes` and `business_themes` are labels; `glance` are the short answers
    `how_long`, `cost`, `visits`, `at_home`, null where the item does not say.
    """
    return {
        "kind": "item",
        "code": item.code,
        "name": item.task_name,
        "short_name": item.short_name,
        "keywords": item.keywords,
        "dept_name": item.dept_name,
        "audiences": audiences(item),
        "person_themes": phrases.labels("user_topic_type", item.user_topic_type),
        "business_themes": phrases.labels("corp_topic_type", item.corp_topic_type),
        "glance": {
            "how_long": phrases.how_long(item),
            "cost": phrases.cost(item),
            "visits": phrases.visits(item),
            "at_home": phrases.at_home(item),
        },
    }


def guide_head(guide: Guide) -> Json:
    """Fields of a guide that every channel's document begins with."""
    return {"kind": "guide", "code": guide.code, "name": guide.task_name, "dept_name": guide.dept_name}


def full_guide(guide: Guide) -> Json:
    """Head, then every field of the contract; materials, fees and laws say in `words` what they are; short answers."""
    body = guide.model_dump(mode="json")
    for given, material in zip(body["materials"], guide.materials, strict=True):
        given |= {"words": phrases.material(material), "source_words": phrases.material_source(material)}
    for given, fee in zip(body["fees"], guide.fees, strict=True):
        given["words"] = phrases.fee(fee)
    for given, law in zip(body["by_law"], guide.by_law, strict=True):
        given["words"] = phrases.law(law)
    glance = {"bring": phrases.bring(guide), "cost": phrases.fees(guide)}
    return {**guide_head(guide), **body, "glance": glance}


def audiences(item: Item) -> list[str]:
    """Who it is for: natural persons, and everybody else (企业、事业单位、社会组织 …)."""
    person = NATURAL_PERSON in item.serve_type or (not item.serve_type and bool(item.user_topic_type))
    business = any(code != NATURAL_PERSON for code in item.serve_type) or (
        not item.serve_type and bool(item.corp_topic_type)
    )
    return [name for name, is_for in (("person", person), ("business", business)) if is_for]


def case_document(publication: Publication) -> Json:
    """办理状态, the same facts in every channel: what `CaseProgress` holds but its salt, with labels beside codes."""
    progress = progress_of(publication)
    return {
        "kind": "application",
        "code": name_of(publication.key),
        "name": "办理状态",
        **progress.model_dump(mode="json", exclude={"salt"}),
        "stage_label": CASE_STAGE[progress.stage],
        "badge_labels": [phrases.BADGES[badge] for badge in progress.badges if badge in phrases.BADGES],
    }


def summary(document: Json) -> Json:
    """The short form of an item for lists and search results, in every channel."""
    return {field: document[field] for field in SUMMARY if field in document}


def without_empty(value: Any) -> Any:
    """`value` without null, empty text, list or object, at any depth. False and 0 say something and stay."""
    if isinstance(value, dict):
        return {key: kept for key, inner in value.items() if not _is_empty(kept := without_empty(inner))}
    if isinstance(value, list):
        return [kept for inner in value if not _is_empty(kept := without_empty(inner))]
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
