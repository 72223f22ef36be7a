"""Hotline: the head of an item and of its guide, to be read out."""

from contracts.base import Json
from contracts.envelope.publication import Kind, Publication
from services.channels.api import document_heads
from services.channels.core.bodies import guide_of, item_of


class Hotline:
    """便民热线."""

    name = "hotline"
    title = "便民热线"

    def project(self, publication: Publication) -> Json | None:
        """See `Adapter`."""
        match publication.kind:
            case Kind.ITEM:
                return document_heads.item_head(item_of(publication))
            case Kind.GUIDE:
                return document_heads.full_guide(guide_of(publication))
            case Kind.APPLICATION:
                return document_heads.case_document(publication)
            case Kind.ACT:
                return document_heads.act_document(publication)
            case _:
                return None

    def summary(self, document: Json) -> Json:
        """See `Adapter`."""
        return document_heads.summary(document)


ADAPTER = Hotline()
