"""The act that explains a version: who follows a withdrawn item, and why a version is backdated."""

import orjson
from sqlmodel import Session

from contracts.base import Json
from contracts.content.acts import explains, possible_acts
from services.ledger import queries


def act_on(session: Session, entry: Json) -> Json | None:
    """Return the body of the act that names this version; None if no act does."""
    own = [entry["part_of"]] if entry.get("part_of") else []
    keys = [*own, *possible_acts(entry["source"], entry["lane"], entry["sequence"])]
    for document in queries.documents(session, queries.first_versions(session, keys), trusted=False):
        body: Json | None = orjson.loads(document)["body"]
        if body is not None and explains(body, entry["key"], entry["version"]):
            return body
    return None
