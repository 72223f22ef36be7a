"""A pages' reader without a database: real projections, search and directory over given publications."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from contracts.envelope.publication import Kind, Publication
from services.channels.api.queries import CaseCounts
from services.channels.core.port import adapters, source_of
from services.channels.pages.reader import Freshness, Gone
from services.channels.pages.version_history import VersionStep
from services.channels.search.directory import Directory, Facets, Listing
from services.channels.search.facets import Filter
from services.channels.search.index import SearchIndex, create_statements, indexed
from shared.database.engine import Database
from shared.errors import NotFound, TooManyRequests

Json = dict[str, Any]
HEAD_TIME = datetime(2026, 3, 2, 1, 5, tzinfo=UTC)
PAIR = ("11440232MB2D06811W4000117051000202010200008", "0123456789AB")


class Shelf:
    """A `services.channels.pages.reader.ChannelReader`. `PAIR` finds its case; after `patience` attempts none does."""

    def __init__(self, channel: str, folder: Path, publications: Iterable[Publication], patience: int = 100) -> None:
        self._adapter = adapters()[channel]
        self._shown: dict[str, Json] = {}
        self.withdrawn: dict[str, Gone] = {}
        self.said: list[Json] = []
        self.steps: dict[str, VersionStep] = {}
        self.fresh = Freshness(head_time=HEAD_TIME)
        self.patience = patience
        for publication in publications:
            document = self._adapter.project(publication)
            if document is not None:
                self._shown[publication.key] = document | {"source": source_of(publication)}
        items = [document for document in self._shown.values() if document["kind"] == "item"]
        self._directory = Directory(items)
        self.db = Database(channel, f"sqlite:///{folder / channel}.db")
        with self.db.write() as session:
            for statement in create_statements("sqlite"):
                session.connection().execute(text(statement))
            SearchIndex(self.db).replace(session, [indexed(item, self.guide(item["code"])) for item in items])

    def item(self, code: str) -> Json | None:
        return self._shown.get(f"item:{code}")

    def guide(self, code: str) -> Json | None:
        return self._shown.get(f"guide:{code}")

    def gone(self, code: str) -> Gone | None:
        return self.withdrawn.get(code)

    def step(self, kind: Kind, code: str) -> VersionStep | None:
        return self.steps.get(f"{kind}:{code}")

    def items(self, wanted: Filter, offset: int, limit: int) -> Listing:
        return self._directory.listing(wanted, offset, limit)

    def facets(self) -> Facets:
        return self._directory.facets

    def search(self, query: str, wanted: Filter, offset: int, limit: int) -> Listing:
        with self.db.read() as session:
            keys = SearchIndex(self.db).find(session, query, 100)
        return self._directory.listing(wanted, offset, limit, [key.removeprefix("item:") for key in keys])

    def lookup(self, project_no: str, query_code: str, address: str) -> Json:
        self.patience -= 1
        if self.patience < 0:
            raise TooManyRequests("too many")
        if (project_no, query_code) != PAIR:
            raise NotFound("no such pair")
        return next(document for document in self._shown.values() if document["kind"] == "application")

    def give_feedback(self, fields: Json, address: str) -> None:
        self.said.append(fields)

    def documents(self, kind: Kind) -> Iterator[Json]:
        keys = sorted(key for key in self._shown if key.startswith(f"{kind}:"))
        return (self._shown[key] for key in keys)

    def cursor(self) -> str:
        return "0a.1"

    def news(self, since: str, limit: int) -> list[Json]:
        return [
            {"key": key, "version": 2, "name": document["name"], "starts_at": "2026-03-02T01:00:00.000000Z"}
            for key, document in self._shown.items()
            if document["kind"] != "application"
        ][:limit]

    def cases(self, day: date) -> CaseCounts:
        return CaseCounts(accepted=12, open=34, finished=3)

    def released(self) -> str:
        return "0a.1"

    def ends(self) -> dict[str, str]:
        return {}

    def called(self) -> Json:
        return {"calls": [{"ticket": "A032", "window": "A01"}], "called_at": None, "expires_at": None}

    def freshness(self) -> Freshness:
        return self.fresh
