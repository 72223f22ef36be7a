"""Previews: what the four channels would show of drafts, by a link that expires, can be revoked, and dies with them.

A link stands for one state of the drafts, by digest: when one changes or is released, the link shows nothing any more.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlmodel import col, select

from contracts.base import Json, format_time
from services.console.content.shape import ContentKind
from services.console.release.model import PreviewRow
from services.console.upstream.editions import PLACES
from services.console.upstream.services import Services
from shared.audit.recording import AuditEntry, record
from shared.database.engine import Database
from shared.errors import NotFound
from shared.tokens.person import Actor, Person

LIFE = timedelta(days=7)
DEAD = "这个预览链接已失效：过期、被撤销，或者草稿已经修改、发布。请让发给您的人重新生成。"


@dataclass(frozen=True)
class Previews:
    """Makes links, and shows what they stand for. Nothing of a preview is stored but a hash."""

    db: Database
    services: Services
    channels: tuple[str, ...]

    def begin(self, person: Person, code: str, life: timedelta = LIFE) -> Json:
        """Return a new link to the drafts of a code. Raises `NotFound` when there is no draft."""
        drafts = self._drafts(person, code)
        if not drafts:
            raise NotFound(f"there is no draft of {code}")
        token, now = secrets.token_urlsafe(32), datetime.now(UTC)
        row = PreviewRow(
            token_hash=_hash(token),
            code=code,
            drafts=orjson.dumps({kind: _state(one) for kind, one in drafts.items()}).decode(),
            by=orjson.dumps(person.claim()).decode(),
            created_at=format_time(now),
            expires_at=format_time(now + life),
        )
        with self.db.write() as session:
            session.add(row)
            session.flush()
            record(session, Actor.of(person), _audited("preview.made", row))
        return {
            "path": f"/console/previews/{token}",
            "code": code,
            "expires_at": row.expires_at,
            "link": row.token_hash,
        }

    def revoke(self, person: Person, link: str) -> Json:
        """Revoke a link, named by its hash. Raises `NotFound`."""
        with self.db.write() as session:
            row = session.get(PreviewRow, link, with_for_update=True)
            if row is None:
                raise NotFound("there is no such link")
            row.revoked_at = row.revoked_at or format_time(datetime.now(UTC))
            session.add(row)
            session.flush()
            record(session, Actor.of(person), _audited("preview.revoked", row))
            return _told(row)

    def listed(self, code: str) -> list[Json]:
        """Return the links of a code, newest first."""
        with self.db.read() as session:
            query = select(PreviewRow).where(PreviewRow.code == code).order_by(col(PreviewRow.created_at).desc())
            return [_told(row) for row in session.exec(query)]

    def opened(self, token: str) -> Json:
        """Return code and drafts of a link. Raises `NotFound`, with one text, for every link that does not count."""
        with self.db.read() as session:
            row = session.get(PreviewRow, _hash(token))
        if row is None or row.revoked_at or row.expires_at <= format_time(datetime.now(UTC)):
            raise NotFound(DEAD)
        # In the name of whoever made the link: its holder may see these drafts, and nothing else.
        drafts = self._drafts(Person.of_claim(orjson.loads(row.by)), row.code)
        if {kind: _state(one) for kind, one in drafts.items()} != orjson.loads(row.drafts):
            raise NotFound(DEAD)
        return {"code": row.code, "drafts": {kind: one["draft"] for kind, one in drafts.items()}, **_told(row)}

    def page(self, person: Person, channel: str, code: str, drafts: dict[str, Any]) -> str | None:
        """Return the page that a channel would show of bodies by kind; None: it would show none."""
        versions = [{"key": f"{kind}:{code}", "body": body} for kind, body in drafts.items()]
        asked = {"versions": versions, "page": code}
        html: str | None = self.services.post(channel, "preview", person, asked).content["html"]
        return html

    def rehearsal(self, person: Person, versions: list[Json]) -> Json:
        """Return, by channel, what it would show of each version: documents without their source."""
        return {
            name: self.services.post(name, "preview", person, {"versions": versions}).content["documents"]
            for name in self.channels
        }

    def draft(self, person: Person, kind: str, code: str) -> Json | None:
        """Return an edition of a source; None if there is none."""
        source, path = PLACES[ContentKind(kind)]
        try:
            found: Json = self.services.get(source, f"{path}/{code}", person).content
        except NotFound:
            return None
        return found

    def _drafts(self, person: Person, code: str) -> dict[str, Json]:
        found = {kind.value: self.draft(person, kind, code) for kind in PLACES}
        return {kind: one for kind, one in found.items() if one is not None}


def _state(edition: Json) -> str:
    """Return a digest of what a link stands for: the draft, and the newest version that is released."""
    told = {"draft": edition["draft"], "version": edition["version"]}
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _audited(action: str, row: PreviewRow) -> AuditEntry:
    return AuditEntry(action, f"preview:{row.code}", None, {"link": row.token_hash, "expires_at": row.expires_at})


def _told(row: PreviewRow) -> Json:
    person = orjson.loads(row.by)
    return {
        "link": row.token_hash,
        "by": person["display_name"],
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
    }


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
