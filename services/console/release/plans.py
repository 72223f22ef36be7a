"""The calendar of all that is planned: versions that begin later, ends of what is in force, and sets."""

from contracts.base import Json, format_time
from services.console.release.previews import Previews
from services.console.release.requests import SetRequest
from services.console.upstream.editions import PLACES
from services.console.upstream.services import Services
from shared.publishing.sets.requests import MemberOp
from shared.tokens.person import Person

PAGE = 200
MOST_PAGES = 50


def calendar(services: Services, person: Person) -> list[Json]:
    """Return each planned change as `{at, what, kind, code, name, version, part_of, etag}`, in order of time."""
    found: list[Json] = []
    for kind, (source, path) in PLACES.items():
        after: str | None = ""
        for _ in range(MOST_PAGES):
            answer = services.get(source, f"{path}/planned", person, after=after, limit=PAGE).content
            for edition in answer["editions"]:
                found += _changes(kind.value, edition)
            after = answer["next"]
            if after is None:
                break
    return sorted(found, key=lambda one: (one["at"], one["kind"], one["code"]))


def _changes(kind: str, edition: Json) -> list[Json]:
    etag = f"{edition['revision']}-{edition['version'] or 0}"
    common = {"kind": kind, "code": edition["code"], "name": edition["name"], "etag": etag}
    changes = [
        {
            **common,
            "at": one["effective_at"],
            "what": one["op"],
            "version": one["version"],
            "part_of": one.get("part_of"),
            "announcement": one.get("announcement"),
            "follows": one in edition["follows"],
        }
        for one in (*edition["planned"], *edition["follows"])
        if one["effective_at"]
    ]
    if edition["ends_at"]:
        end = {
            "at": edition["ends_at"],
            "what": "end",
            "version": edition["version"],
            "part_of": None,
            "announcement": None,
            "follows": False,
        }
        changes.append({**common, **end})
    return changes


def versions_of(previews: Previews, person: Person, asked: SetRequest) -> list[Json]:
    """Return the versions of a set as channels would be given them. What is taken back is not rehearsed."""
    found = []
    for kind, members in (("item", asked.items), ("guide", asked.guides)):
        for one in members:
            edition = previews.draft(person, kind, one.code)
            body = edition["draft"] if edition and one.op == MemberOp.RELEASE else None
            version = {
                "key": f"{kind}:{one.code}",
                "version": (edition["version"] if edition else 0) + 1,
                "op": "release" if body else "withdraw",
                "body": body,
                "effective_at": asked.effective_at and format_time(asked.effective_at),
                "expires_at": one.expires_at and format_time(one.expires_at),
            }
            found.append(version)
    return found
