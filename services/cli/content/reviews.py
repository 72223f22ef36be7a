"""`reviews`: the five gates over the desk's HTTP, as the person whose own token is given. Machines sign nothing."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.base import Json
from contracts.content.gates import GATES, Gate
from contracts.kinds import KINDS, Kind, kind_of
from services.cli.terminal import (
    USAGE,
    BaseUrl,
    DataDir,
    Json_,
    RunningCounty,
    county,
    fail,
    plain,
    print_json,
    print_list,
    say,
)
from shared.publishing.reviews.model import Operation, ReviewState, Verdict
from shared.text.dates import BEIJING

DESK = "console"
SHORTEST_DIGEST = 12
SOURCES = {Kind.ITEM: "catalog", Kind.GUIDE: "guides"}
REVIEW = re.compile(r"(catalog|guides)/([1-9][0-9]{0,9})")
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        exists=True,
        dir_okay=False,
        help="File with your own token, from 我的账户 at the desk; without it, the command asks for the token.",
    ),
]
ReviewName = Annotated[str, typer.Argument(metavar="REVIEW", help="Source and number: catalog/12.")]
app = typer.Typer(
    no_args_is_help=True, help="The five gates, as a person of the desk: list, show, submit, sign, withdraw."
)


class Said(StrEnum):
    """What a reviewer says at a gate."""

    PASS = "pass"  # noqa: S105  # no password
    RETURN = "return"


@app.command("list")
def list_(
    state: Annotated[ReviewState, typer.Option(help="Which reviews.")] = ReviewState.OPEN,
    gate: Annotated[Gate | None, typer.Option(help="Only where this gate is open.")] = None,
    code: Annotated[str | None, typer.Option(help="Only with this code.")] = None,
    token_file: TokenFile = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """List the reviews of both sources, longest waiting first."""
    wanted = {"state": state, "gate": gate, "code": code}
    with _desk(base_url, data_dir, token_file) as running:
        found = running.get(DESK, "reviews", **{name: one for name, one in wanted.items() if one})["reviews"]
    print_list(found, _line, f"no review is {state}", as_json=as_json)


@app.command()
def show(
    review: ReviewName,
    token_file: TokenFile = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Show one review: its members, what each gate has said, and what the machine has found. --json has the texts."""
    with _desk(base_url, data_dir, token_file) as running:
        found = running.get(DESK, _path(review))
    if as_json:
        print_json(found)
        return
    for line in _whole(found):
        say(line)


@app.command()
def submit(  # noqa: PLR0913, PLR0917  # an argument is an option of the command
    keys: Annotated[list[str], typer.Argument(metavar="KEY…", help="item:CODE or guide:CODE, all of one source.")],
    op: Annotated[Operation, typer.Option(help="What is to be done with them.")] = Operation.RELEASE,
    effective_at: Annotated[str | None, typer.Option("--from", help="When; 2026-12-31T08:00, Beijing time.")] = None,
    expires_at: Annotated[str | None, typer.Option("--until", help="Until when; likewise.")] = None,
    note: Annotated[str | None, typer.Option(help="What reviewers should know.")] = None,
    token_file: TokenFile = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Submit drafts as they are saved now. Several are reviewed and released as one set.

    A draft that is to replace a plan is submitted with its new time: the plan stands until the draft is released.
    """
    times = {"effective_at": _moment(effective_at, "--from"), "expires_at": _moment(expires_at, "--until")}
    members = [{"code": key.partition(":")[2], "op": op, **times} for key in keys]
    asked = {"source": _source(keys), "members": members, "kind": "set" if len(keys) > 1 else "edition", "note": note}
    with _desk(base_url, data_dir, token_file) as running:
        _tell(running.post(DESK, "reviews", asked), as_json=as_json)


@app.command()
def sign(  # noqa: PLR0913, PLR0917  # likewise
    review: ReviewName,
    gate: Annotated[Gate, typer.Argument(help="The gate.")],
    verdict: Annotated[Said, typer.Option(help="A return closes the review and needs an opinion.")] = Said.PASS,
    opinion: Annotated[str, typer.Option(help="What is said with it.")] = "",
    override: Annotated[
        list[str] | None,
        typer.Option(help="FINDING=REASON: why this finding does not stand; repeatable. `show` names the findings."),
    ] = None,
    digest: Annotated[str, typer.Option(help="Of what you have read, as `show` prints it; at least 12 digits.")] = "",
    token_file: TokenFile = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Sign one gate for exactly what you have read: name its digest."""
    overrides = [_override(one) for one in override or ()]
    with _desk(base_url, data_dir, token_file) as running:
        found = running.get(DESK, _path(review))
        if len(digest) < SHORTEST_DIGEST or not found["digest"].startswith(digest):
            now = found["digest"][:16]
            fail(f"--digest: name what you have read, as `show` prints it; review {review} has now {now}")
        said = {"verdict": Verdict(verdict), "opinion": opinion, "overrides": overrides, "digest": found["digest"]}
        _tell(running.post(DESK, f"{_path(review)}/gates/{gate}", said), as_json=as_json)


@app.command()
def withdraw(
    review: ReviewName,
    token_file: TokenFile = None,
    base_url: BaseUrl = None,
    data_dir: DataDir = None,
    as_json: Json_ = False,
) -> None:
    """Take back a review of which nothing is released. The drafts stay."""
    with _desk(base_url, data_dir, token_file) as running:
        _tell(running.delete(DESK, _path(review)), as_json=as_json)


@contextmanager
def _desk(base_url: str | None, data_dir: Path | None, token_file: Path | None) -> Iterator[RunningCounty]:
    """Yield the running county for requests to the desk as a person."""
    if token_file is not None:
        token, origin = token_file.read_text(encoding="utf-8").strip(), f"that of {token_file}"
    elif sys.stdin.isatty():
        token, origin = (
            typer.prompt("Your own token (我的账户 at the desk)", hide_input=True, err=True),
            "the one typed",
        )
    else:
        fail("reviews are read and signed by persons: name the file of your own token with --token-file", USAGE)
    with county(base_url, data_dir, (token, origin)) as running:
        yield running


def _path(review: str) -> str:
    found = REVIEW.fullmatch(review)
    if found is None:
        fail(f"{plain(review)} is no review: say its source and number, such as catalog/12", USAGE)
    return f"reviews/{found[1]}/{found[2]}"


def _source(keys: list[str]) -> str:
    kinds = {kind_of(key) for key in keys}
    wrong = next((key for key in keys if kind_of(key) not in SOURCES or not KINDS[kind_of(key)].has(key)), None)
    if wrong is not None:
        fail(f"{plain(wrong)} is no key of an item or a guide: say item:CODE or guide:CODE", USAGE)
    if len(kinds) > 1:
        fail("items and guides are reviewed by their own sources: submit them with two commands", USAGE)
    return SOURCES[Kind(kinds.pop())]


def _moment(text: str | None, option: str) -> str | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {plain(text)}: expected a time such as 2026-12-31T08:00", USAGE)
    return (found if found.tzinfo else found.replace(tzinfo=BEIJING)).isoformat()


def _override(text: str) -> Json:
    finding, _, reason = text.partition("=")
    if not re.fullmatch(r"[0-9a-f]{16}", finding) or not reason.strip():
        fail(f"--override {plain(text)}: expected FINDING=REASON; `show` prints the findings", USAGE)
    return {"finding": finding, "reason": reason.strip()}


def _tell(review: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(review)
    else:
        say(_line(review))


def _line(one: Json) -> str:
    gates = [GATES[gate] for gate, told in one["gates"].items() if told["state"] == "open"]
    waits = f"  open: {'、'.join(gates)}" if one["state"] == "open" else ""
    return f"{one['source']}/{one['number']}  {one['state']}  {plain(one['subject'])}{waits}"


def _whole(one: Json) -> Iterator[str]:
    yield _line(one)
    yield f"  digest {one['digest'][:16]}  submitted by {plain(one['submitted_by'])} {one['submitted_at']}"
    for member in one["members"]:
        when = f"from {member['effective_at']}" if member["effective_at"] else "at once"
        yield f"  {member['op']} {member['key']}  {plain(member['name'])}  {when}"
    for gate, told in one["gates"].items():
        by = f" by {plain(told['by'])}: {plain(told['opinion'])}" if told["by"] else ""
        yield f"  {GATES[Gate(gate)]} {told['state']}{by}"
    yield from (_finding(found) for found in one["findings"])


def _finding(one: dict[str, Any]) -> str:
    return f"    {one['id']}  {GATES[Gate(one['gate'])]} {one['code']} {plain(one['field'])}: {plain(one['message'])}"
