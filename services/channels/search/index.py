"""Full-text search over a channel's items: SQLite FTS5 or PostgreSQL tsvector, with the same tokens and order.

The database finds candidates by our own tokens; `services.channels.search.query` ranks them, so that both databases
answer alike. A query consists of quoted tokens of letters and digits only, so no input can become query syntax.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from sqlmodel import Session

from contracts.base import Json
from services.channels.search import tokenizer
from services.channels.search.query import ENOUGH, WORTH_SHOWING, Alternative, Candidate, Ranking, alternatives
from services.channels.search.statements import ADD, CLEAR, CREATE, FIND, REMOVE
from shared.database.engine import Database

MOST_CANDIDATES = 200
FEW, VERY_FEW = 50, 10
"""Items found by all terms; if there are fewer, those with some of the terms are looked at, then those whose guide has.

The database ranks what it finds: to find every item that needs an 身份证 would take most of the time of a query."""

Breadth = Literal["named", "partly", "anywhere"]
"""All terms in names, unit and themes; some of them there; some of them there or in the guide."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """One item for the index. `names`: the item's name, then its other names.

    `words`: department, themes and codes; `more`: the guide's materials and questions, which weigh least.
    """

    key: str
    names: tuple[str, ...]
    words: str = ""
    more: str = ""


def indexed(item: Json, guide: Json | None = None) -> Indexed:
    """Return what is indexed of an item and its guide, documents of any channel, under the item's key."""
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
    """Return the DDL of the index for `sqlite` or `postgresql`."""
    return [statement.strip() for statement in CREATE[dialect].split(";")]


class SearchIndex:
    """The index in a channel's own database. Works within the caller's transaction."""

    def __init__(self, db: Database) -> None:
        self._dialect = "sqlite" if db.is_sqlite else "postgresql"

    def replace(self, session: Session, rows: Sequence[Indexed]) -> None:
        """Index these items, replacing what was indexed under their keys."""
        newest = {row.key: row for row in rows}
        self.remove(session, list(newest))
        if newest:
            session.connection().execute(ADD[self._dialect], [_stored(row) for row in newest.values()])

    def remove(self, session: Session, keys: Sequence[str]) -> None:
        """Remove these items; unknown keys are ignored."""
        # SQLite allows some 32,000 parameters per statement.
        for start in range(0, len(keys), 10_000):
            some = keys[start : start + 10_000]
            named = {"numbers": [_number(key) for key in some]} if self._dialect == "sqlite" else {"keys": list(some)}
            session.connection().execute(REMOVE[self._dialect], named)

    def clear(self, session: Session) -> None:
        """Remove everything, before a rebuild."""
        session.connection().execute(CLEAR)

    def find(self, session: Session, query: str, limit: int) -> list[str]:
        """Return keys of at most `limit` items, best first. If few have all the terms, add those with enough."""
        asked = alternatives(query)
        if not asked or limit < 1:
            return []
        found = self._candidates(session, asked, "named")
        if len(found) < min(limit, FEW):
            found |= self._candidates(session, asked, "partly")
        if len(found) < min(limit, VERY_FEW) and len(asked[0].phrases[0]) > 1:
            found |= self._candidates(session, asked, "anywhere")
        ranking = Ranking(asked)
        scored = [(ranking.score(candidate), key) for key, candidate in found.items()]
        enough = [(points, key) for (points, share), key in scored if share >= ENOUGH]
        least = max((points for points, _ in enough), default=0.0) * WORTH_SHOWING
        kept = sorted((-points, key) for points, key in enough if points >= least)
        return [key for _, key in kept[:limit]]

    def _candidates(self, session: Session, asked: list[Alternative], breadth: Breadth) -> dict[str, Candidate]:
        expression = (_fts5 if self._dialect == "sqlite" else _tsquery)(asked, breadth)
        rows = session.connection().execute(FIND[self._dialect], {"query": expression, "most": MOST_CANDIDATES})
        return {row.key: Candidate(*row) for row in rows}


def _stored(row: Indexed) -> dict[str, object]:
    columns = {
        "name": _distinct([*tokenizer.tokens(row.names[0]), *_characters(row.names[0])]),
        "words": _distinct(token for part in (*row.names[1:], row.words) for token in tokenizer.tokens(part)),
        "more": _distinct(tokenizer.tokens(row.more)),
        "pinyin": _distinct(sound for name in row.names for sound in tokenizer.sounds(name)),
    }
    found = Candidate(key=row.key, heads="\n".join(map(_compact, row.names)), **columns)
    return {**asdict(found), "number": _number(row.key), "vector": _vector(columns)}


def _compact(name: str) -> str:
    """Return a name in the form of a query's phrase: without blanks and punctuation."""
    return "".join(tokenizer.runs(name))


def _characters(name: str) -> Iterable[str]:
    """Return the characters of a name, so that it is found by any one of them."""
    return (char for run in tokenizer.runs(name) if not run.isascii() for char in run)


def _distinct(tokens: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(tokens))


def _vector(columns: dict[str, str]) -> str:
    weights = {"name": "A", "words": "B", "pinyin": "C", "more": "D"}
    return " ".join(f"'{token}':1{weight}" for column, weight in weights.items() for token in columns[column].split())


def _number(key: str) -> int:
    """Return the row number of a key, 63 bits of its SHA-256: FTS5 finds rows by no other column."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def _fts5(asked: list[Alternative], breadth: Breadth) -> str:
    written = "name words more" if breadth == "anywhere" else "name words"

    def term(token: str) -> str:
        return f'{{name words pinyin}} : "{token}" *' if tokenizer.is_latin(token) else f'{{{written}}} : "{token}"'

    return _joined(asked, breadth, term, " AND ", " OR ")


def _tsquery(asked: list[Alternative], breadth: Breadth) -> str:
    written = "ABD" if breadth == "anywhere" else "AB"

    def term(token: str) -> str:
        return f"'{token}':*ABC" if tokenizer.is_latin(token) else f"'{token}':{written}"

    return _joined(asked, breadth, term, " & ", " | ")


def _joined(asked: list[Alternative], breadth: Breadth, term: Callable[[str], str], both: str, either: str) -> str:
    if breadth == "named":
        return either.join(dict.fromkeys(f"({both.join(map(term, one.terms))})" for one in asked))
    # As typed only: half of all names have some word of an official term, as 登记 or 许可.
    parts = asked[0].parts
    return either.join(f"({term(part)})" for part in [part for part in parts if len(part) > 1] or parts)


def _guide_texts(guide: Json) -> Iterable[str]:
    """Yield names of materials and questions, from documents of any channel: fields, or blocks with a title `t`."""
    for part, fields in (("materials", ("material_name", "name", "t")), ("questions", ("question", "t"))):
        for entry in guide.get(part) or ():
            yield next((entry[field] for field in fields if field in entry), "")
