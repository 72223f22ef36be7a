"""Export a channel's pages as files, for counties whose portal is another system: copy the folder to its web server.

Pages are read over HTTP without a token. Links become relative; what needs a server (search, look-up of a case, event
stream) links to the county's own address or is left out. Unchanged files are not rewritten, files of pages that no
longer exist are removed, and `manifest.json` is written last: it contains every file's SHA-256, and the ledger's
position and signed head that the files show.

Content policy and referrer policy, which the county sends as headers, are stated in the files as far as HTML allows.
The manifest names the headers that the web server must add.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path
from posixpath import relpath
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import orjson

from contracts.base import Json
from shared.atomic_file import write_atomically
from shared.errors import Broken, UpstreamDown

LINK = re.compile(r'(?P<name>href|src|action)="(?P<address>/[^"]*)"')
IMPORT = re.compile(r'from "\./(?P<name>[\w.-]+)"')
STREAM_SCRIPT = re.compile(
    r'\s*<script (?:type="module" )?src="[^"]*/static/(?:idiomorph\.min|live|freshness)\.js[^"]*"(?: defer)?></script>'
)
FRESHNESS = re.compile(r'<p class="freshness[^"]*" id="freshness".*?</p>', re.DOTALL)
NEEDS_SERVER = ("search", "progress", "v1")
CHARSET_TAG = '<meta charset="utf-8">'
"""A policy applies from its position on: it must precede anything that it could block."""
HEADER_ONLY = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers that browsers do not accept from HTML."""
MANIFEST = "manifest.json"
MOST_FILES = 200_000


@dataclass
class Exported:
    """The result of an export: files by their path below the folder."""

    position: int
    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """Return the counts for a script."""
        counts = {name: len(getattr(self, name)) for name in ("written", "kept", "removed")}
        return {"position": self.position, **counts}


class Export:
    """One export of one channel. `origin` is the county's address for readers of the files."""

    def __init__(
        self, http: httpx.Client, channel: str, origin: str, tell: Callable[[int], None] = lambda _: None
    ) -> None:
        self._http, self._channel, self._origin, self._tell = http, channel, origin.rstrip("/"), tell
        self._files: dict[str, bytes] = {}
        self._waiting: list[str] = []
        self._seen: set[str] = set()

    def run(self, folder: Path) -> Exported:
        """Read every page, then update the folder. Raises `UpstreamDown` or `Broken` before anything is written."""
        before = self._get(f"/{self._channel}/v1/position").json()
        for address in ("", "sitemap.xml", "feed.atom"):
            self._enqueue(f"/{self._channel}/{address}")
        while self._waiting:
            self._read(self._waiting.pop())
            self._tell(len(self._files))
            if len(self._files) > MOST_FILES:
                raise Broken(f"more than {MOST_FILES} files: this is not a county's portal")
        return self._write(folder, before)

    def _read(self, address: str) -> None:
        answer = self._get(address)
        name = self.file_of(address)
        content = answer.content
        if answer.headers["content-type"].startswith("text/html"):
            content = self._page(_with_policies(answer, self._origin), name).encode()
        elif name.endswith(".js"):
            for found in IMPORT.finditer(answer.text):
                self._enqueue(f"/{self._channel}/static/{found['name']}")
        self._files[name] = content

    def _page(self, page: str, name: str) -> str:
        page = STREAM_SCRIPT.sub("", page)
        page = FRESHNESS.sub(f'<p class="fine"><a href="{self._origin}/{self._channel}/">{self._origin}</a></p>', page)
        return LINK.sub(lambda found: f'{found["name"]}="{self._link(unescape(found["address"]), name)}"', page)

    def _link(self, address: str, page: str) -> str:
        """Return where a page's link leads in the files; links to anything else lead to the county's address."""
        path, _, fragment = address.partition("#")
        if not self._is_ours(path):
            return f"{self._origin}{address}"
        self._enqueue(path)
        there = relpath(self.file_of(path), str(Path(page).parent))
        return f"{there}#{fragment}" if fragment else there

    def _is_ours(self, path: str) -> bool:
        first, _, rest = path.lstrip("/").partition("/")
        # Lists filtered by several choices are too many to export: from the second choice on, the county renders them.
        chosen = [name for name, _ in parse_qsl(urlsplit(path).query) if name not in ("page", "audience")]
        return first == self._channel and not rest.startswith(NEEDS_SERVER) and len(chosen) <= 1

    def file_of(self, address: str) -> str:
        """`/portal/items/X` → `items/X.html`.

        Further pages and choices of a list are named by a digest of the choice.
        """
        parts = urlsplit(address)
        path = parts.path.removeprefix(f"/{self._channel}/") or "index"
        if "." in path.rpartition("/")[2]:
            return path
        chosen = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if chosen.keys() == {"page"}:
            return f"{path}-{chosen['page']}.html"
        return f"{path}-{hashlib.sha256(parts.query.encode()).hexdigest()[:12]}.html" if chosen else f"{path}.html"

    def _enqueue(self, address: str) -> None:
        name = self.file_of(address)
        if name not in self._seen:
            self._seen.add(name)
            self._waiting.append(address)

    def _get(self, address: str) -> httpx.Response:
        try:
            answer = self._http.get(address)
        except httpx.HTTPError as error:
            raise UpstreamDown(f"{self._http.base_url} does not answer: {error}") from error
        if answer.status_code != 200:
            raise Broken(f"{address} returned {answer.status_code}; nothing was written")
        return answer

    def _write(self, folder: Path, mark: Json) -> Exported:
        done = Exported(mark["position"])
        for name, content in sorted(self._files.items()):
            file = folder / name
            if file.is_file() and file.read_bytes() == content:
                done.kept.append(name)
                continue
            _replace(file, content)
            done.written.append(name)
        for name in sorted(_named(folder) - self._files.keys()):
            (folder / name).unlink(missing_ok=True)
            done.removed.append(name)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(self._files.items())}
        manifest = {
            "channel": self._channel,
            "origin": self._origin,
            "headers": HEADER_ONLY,
            **mark,
            "files": digests,
        }
        _replace(folder / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        return done


def policy_of_file(policy: str, origin: str) -> str:
    """Return a page's content policy for its file: forms may be sent to the county at `origin`, and directives that
    only a header may contain are left out.
    """
    stated = []
    for directive in policy.split(";"):
        name, *sources = directive.split() or [""]
        if name == "form-action":
            sources.append(origin)
        if name and name not in ("frame-ancestors", "sandbox", "report-uri", "report-to"):
            stated.append(" ".join((name, *sources)))
    return "; ".join(stated)


def _with_policies(answer: httpx.Response, origin: str) -> str:
    """Insert the policies of the headers into the page. Raises `Broken` when there is none, or no place for them."""
    policy, page = answer.headers.get("content-security-policy"), answer.text
    if policy is None or page.count(CHARSET_TAG) != 1:
        raise Broken(f"{answer.url.path} has no content policy, or no place for one; nothing was written")
    said = {
        'http-equiv="Content-Security-Policy"': policy_of_file(policy, origin),
        'name="referrer"': answer.headers.get("referrer-policy", "no-referrer"),
    }
    marks = "".join(f'\n  <meta {name} content="{escape(value)}">' for name, value in said.items())
    return page.replace(CHARSET_TAG, CHARSET_TAG + marks)


def _named(folder: Path) -> set[str]:
    """Return the files of the previous export. Other files in the folder are not ours to remove."""
    try:
        names = orjson.loads((folder / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError):
        return set()
    return {name for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts}


def _replace(file: Path, content: bytes) -> None:
    """Replace a file atomically and make it readable: a web server with another account may be reading it."""
    for made in reversed([folder for folder in (file.parent, *file.parent.parents) if not folder.exists()]):
        made.mkdir()
        made.chmod(0o755)
    write_atomically(file, content, 0o644)
