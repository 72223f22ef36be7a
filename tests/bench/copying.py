"""`make bench-copying`: bytes on the line for a copy of a county: the first one, a change, and no news.

1,135 real items with guides, as the importer makes them, through source, ledger and the mobile channel. Encoded as the
channel's front does it.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from services.importing.formats.registry import read
from services.importing.row import Accepted
from shared.web.encoding import encode
from tests.harness.pipeline import Pipeline, pipeline

ROWS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "gd-items-1600.jsonl"
PATHS = {"/v1/source": "digests of all", "/v1/source/item/00": "one bucket"}


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_135)
    parser.add_argument("--page", type=int, default=500)
    parser.add_argument("--rows", type=Path, default=ROWS)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tongyuan-bench-") as name,
        pipeline(Path(name), channels=["mobile"]) as made,
    ):
        fill(made, options.rows, options.items)
        pages = list(changes(made, "0", options.page))
        documents = sum(len(json.loads(page)["changes"]) for page in pages)
        show(f"first copy: {documents} documents in {len(pages)} answers", pages)
        after = json.loads(pages[-1])["cursor"]
        one = next(accepted(options.rows, options.items))
        made.release(one.item.model_copy(update={"task_name": f"{one.item.task_name}（修订）"}))
        made.flow()
        show("one item changed", list(changes(made, after, options.page)))
        for path, what in PATHS.items():
            show(what, [made.http.get(f"/mobile{path}").content])
        print("no news: 304, no body")


def fill(made: Pipeline, rows: Path, items: int) -> None:
    """Release that many items, and the guides that come with them."""
    for one in accepted(rows, items):
        made.release(one.item)
        if one.guide is not None:
            made.release(one.guide)
    made.flow()


def accepted(rows: Path, items: int) -> Iterator[Accepted]:
    """The first of the rows that the importer takes."""
    return islice((one for one in read(rows, "gd-portal") if isinstance(one, Accepted)), items)


def changes(made: Pipeline, since: str, limit: int) -> Iterator[bytes]:
    """Answers until there is no more."""
    more = True
    while more:
        body = made.get("mobile/v1/changes", since=since, limit=limit).content
        told = json.loads(body)
        since, more = told["cursor"], told["more"]
        yield body


def show(what: str, bodies: list[bytes]) -> None:
    """Bytes of the bodies, plain and as each reader may ask for them."""
    sizes = {"identity": bodies, **{name: [encode(name, body) for body in bodies] for name in ("gzip", "zstd")}}
    print(f"{what:<44}", *(f"{name} {sum(map(len, made)):>9,}" for name, made in sizes.items()))


if __name__ == "__main__":
    main()
