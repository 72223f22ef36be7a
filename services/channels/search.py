"""Full-text search over the items of a channel: SQLite's FTS5 or PostgreSQL's tsvector, with the same words and order.

The database finds candidates by our own tokens; `services.channels.question` puts them in order, so that both databases
answer alike. A question is made of quoted tokens of letters and digits alone: nothing typed can become syntax.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import bindparam, text
from sqlmodel import Session

from contracts.base import Json
from services.channels import words
from services.channels.question import ENOUGH, WORTH_SHOWING, Alternative, Found, alternatives, score
from shared.database import Database

MOST_CANDIDATES = 300

_CREATE = {
    "sqlite": """
        CREATE VIRTUAL TABLE search USING fts5(
          key UNINDEXED, heads UNINDEXED, name, words, more, pinyin, tokenize = 'unicode61 remove_diacritics 0')
    """,
    "postgresql": """
        CREATE TABLE search (
          key varchar(128) PRIMARY KEY, heads text NOT NULL, name text NOT NULL, words text NOT NULL,
          more text NOT NULL, pinyin text NOT NULL, vector tsvector NOT NULL);
        CREATE INDEX search_vector ON search USING gin (vector)
    """,
}
_INSERT = {
    "sqlite": "INSERT INTO search (rowid, key, heads, name, words, more, pinyin) "
    "VALUES (:number, :key, :heads, :name, :words, :more, :pinyin)",
    "postgresql": "INSERT INTO search (key, heads, name, words, more, pinyin, vector) "
    "VALUES (:key, :heads, :name, :words, :more, :pinyin, CAST(:vector AS tsvector))",
}
_DELETE = {
    "sqlite": "DELETE FROM search WHERE rowid IN :numbers",
    "postgresql": "DELETE FROM search WHERE key IN :keys",
}
_FIND = {
    "sqlite": "SELECT key, heads, name, words, more, pinyin FROM search WHERE search MATCH :query "
    "ORDER BY bm25(search, 0, 0, 8, 4, 1, 3), key LIMIT :most",
    "postgresql": "SELECT key, heads, name, words, more, pinyin FROM search WHERE vector @@ CAST(:query AS tsquery) "
    "ORDER BY ts_rank('{0.05, 0.2, 0.4, 1.0}', vector, CAST(:query AS tsquery)) DESC, key LIMIT :most",
}


@dataclass(frozen=True, slots=True)
class Indexed:
    """One item for the index. `names`: the item's name, then everything else that it is called.

    `words` are unit, themes and codes; `more` is the guide's materials and questions, which count least.
    """

    key: str
    names: tuple[str, ...]
    words: str = ""
    more: str = ""


def indexed(item: Json, guide: Json | None = None) -> Indexed:
    """What is indexed of an item's document and its guide's, of any channel, under the item's key."""
    names = (item["name"], item.get("short_name"), *item.get("keywords", ()))
    code = item["code"]
    themes = [*item.get("person_themes", ()), *item.get("business_themes", ())]
    return Indexed(
        key=f"item:{code}",
        names=tuple(dict.fromkeys(name for name in names if name)),
        words=" ".join([code, code[19:31], item["dept_name"], *themes]),
        more=" ".join(dict.fromkeys(_guide_texts(guide or {}))),
    )


def create_statements(dialect: str) -> list[str]:
    """DDL of the index for `sqlite` or `postgresql`."""
    return [statement.strip() for statement in _CREATE[dialect].split(";")]


class SearchIndex:
    """The index in a channel's own database. Works inside the caller's transaction."""

    def __init__(self, db: Database) -> None:
        self._dialect = "sqlite" if db.is_sqlite else "postgresql"

    def replace(self, session: Session, rows: Sequence[Indexed]) -> None:
        """Index these items anew; whatever was indexed under their keys is gone."""
        newest = {row.key: row for row in rows}
        self.remove(session, list(newest))
        if newest:
            session.connection().execute(text(_INSERT[self._dialect]), [_stored(row) for row in newest.values()])

    def remove(self, session: Session, keys: Sequence[str]) -> None:
        """Forget these items; unknown keys are none of our business."""
        # SQLite takes some 32,000 parameters in one statement.
        for start in range(0, len(keys), 10_000):
            some = keys[start : start + 10_000]
            named = {"numbers": [_number(key) for key in some]} if self._dialect == "sqlite" else {"keys": list(some)}
            statement = text(_DELETE[self._dialect]).bindparams(*(bindparam(name, expanding=True) for name in named))
            session.connection().execute(statement, named)

    def clear(self, session: Session) -> None:
        """Forget everything, before a rebuild."""
        session.connection().execute(text("DELETE FROM search"))

    def find(self, session: Session, query: str, limit: int) -> list[str]:
        """Keys of at most `limit` items, best first. Too few that have all the words: those that have enough, too."""
        asked = alternatives(query)
        if not asked or limit < 1:
            return []
        found = self._candidates(session, asked, every=True)
        if len(found) < limit:
            found |= self._candidates(session, asked, every=False)
        scored = [(score(candidate, asked), key) for key, candidate in found.items()]
        enough = [(points, key) for (points, share), key in scored if share >= ENOUGH]
        least = max((points for points, _ in enough), default=0.0) * WORTH_SHOWING
        kept = sorted((-points, key) for points, key in enough if points >= least)
        return [key for _, key in kept[:limit]]

    def _candidates(self, session: Session, asked: list[Alternative], *, every: bool) -> dict[str, Found]:
        expression = (_fts5 if self._dialect == "sqlite" else _tsquery)(asked, every)
        rows = session.connection().execute(text(_FIND[self._dialect]), {"query": expression, "most": MOST_CANDIDATES})
        return {row.key: Found(*row) for row in rows}


def _stored(row: Indexed) -> dict[str, object]:
    columns = {
        "name": _distinct(words.tokens(row.names[0])),
        "words": _distinct(token for part in (*row.names[1:], row.words) for token in words.tokens(part)),
        "more": _distinct(words.tokens(row.more)),
        "pinyin": _distinct(sound for name in row.names for sound in words.sounds(name)),
    }
    found = Found(key=row.key, heads="\n".join(map(_compact, row.names)), **columns)
    return {**asdict(found), "number": _number(row.key), "vector": _vector(columns)}


def _compact(name: str) -> str:
    """As a question's phrase is written: no blanks, no punctuation."""
    return "".join(words.runs(name))


def _distinct(tokens: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(tokens))


def _vector(columns: dict[str, str]) -> str:
    weights = {"name": "A", "words": "B", "pinyin": "C", "more": "D"}
    return " ".join(f"'{token}':1{weight}" for column, weight in weights.items() for token in columns[column].split())


def _number(key: str) -> int:
    """Row number of a key in FTS5, whose rows cannot be found by another column: 63 bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def _fts5(asked: list[Alternative], every: bool) -> str:
    def term(token: str) -> str:
        return f'{{name words pinyin}} : "{token}" *' if words.is_latin(token) else f'{{name words more}} : "{token}"'

    return _joined(asked, every, term, " AND ", " OR ")


def _tsquery(asked: list[Alternative], every: bool) -> str:
    def term(token: str) -> str:
        return f"'{token}':*ABC" if words.is_latin(token) else f"'{token}':ABD"

    return _joined(asked, every, term, " & ", " | ")


def _joined(asked: list[Alternative], every: bool, term: object, both: str, either: str) -> str:
    assert callable(term)
    if every:
        return either.join(f"({both.join(map(term, one.terms))})" for one in asked)
    return either.join(dict.fromkeys(f"({term(part)})" for one in asked for part in one.parts))


def _guide_texts(guide: Json) -> Iterable[str]:
    """Names of materials and questions, in the shapes of all channels: plain fields, or blocks with a title `t`."""
    for part, fields in (("materials", ("material_name", "name", "t")), ("questions", ("question", "t"))):
        for entry in guide.get(part, ()):
            yield next((entry[field] for field in fields if field in entry), "")
