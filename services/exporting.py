"""A channel's pages as files, for counties whose portal is another system: copy the folder there, and nothing runs.

Read like a stranger reads it, over HTTP. Links become relative; what needs a server (search, look-up of a case, the
event stream) leads to the county's own address or is left out. Files that did not change are not touched, files of
pages that are gone are removed, and `manifest.json` is written last: it names every file with its SHA-256, and the
ledger's position and signed head that the files are of.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from posixpath import relpath
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import orjson

from contracts.base import Json
from shared.errors import Broken, UpstreamDown

LINK = re.compile(r'(?P<name>href|src|action)="(?P<address>/[^"]*)"')
IMPORT = re.compile(r'from "\./(?P<name>[\w.-]+)"')
STREAM_SCRIPT = re.compile(r'\s*<script type="module" src="[^"]*/static/live\.js[^"]*"></script>')
FRESHNESS = re.compile(r'<p class="freshness[^"]*" id="freshness".*?</p>', re.DOTALL)
NEEDS_SERVER = ("search", "progress", "v1")
MANIFEST = "manifest.json"
MOST_FILES = 200_000


@dataclass
class Exported:
    """What an export did: files by their path below the folder."""

    position: int
    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """For a script."""
        counts = {name: len(getattr(self, name)) for name in ("written", "kept", "removed")}
        return {"position": self.position, **counts}


class Export:
    """One export of one channel. `origin` is the address that readers of the files reach the county at."""

    def __init__(
        self, http: httpx.Client, channel: str, origin: str, tell: Callable[[int], None] = lambda _: None
    ) -> None:
        self._http, self._channel, self._origin, self._tell = http, channel, origin.rstrip("/"), tell
        self._files: dict[str, bytes] = {}
        self._waiting: list[str] = []
        self._seen: set[str] = set()

    def run(self, folder: Path) -> Exported:
        """Read every page, then bring the folder up to it. Raises `UpstreamDown` or `Broken` before that."""
        before = self._get(f"/{self._channel}/v1/position").json()
        for address in ("", "sitemap.xml", "feed.atom"):
            self._want(f"/{self._channel}/{address}")
        while self._waiting:
            self._read(self._waiting.pop())
            self._tell(len(self._files))
            if len(self._files) > MOST_FILES:
                raise Broken(f"more than {MOST_FILES} files: this is no county's portal")
        return self._write(folder, before)

    def _read(self, address: str) -> None:
        answer = self._get(address)
        name = self.file_of(address)
        content = answer.content
        if answer.headers["content-type"].startswith("text/html"):
            content = self._page(answer.text, name).encode()
        elif name.endswith(".js"):
            for found in IMPORT.finditer(answer.text):
                self._want(f"/{self._channel}/static/{found['name']}")
        self._files[name] = content

    def _page(self, page: str, name: str) -> str:
        page = STREAM_SCRIPT.sub("", page)
        page = FRESHNESS.sub(f'<p class="fine"><a href="{self._origin}/{self._channel}/">{self._origin}</a></p>', page)
        return LINK.sub(lambda found: f'{found["name"]}="{self._link(unescape(found["address"]), name)}"', page)

    def _link(self, address: str, page: str) -> str:
        """Where a link of a page leads in the files; what is not in them stays with the county."""
        path, _, fragment = address.partition("#")
        if not self._is_ours(path):
            return f"{self._origin}{address}"
        self._want(path)
        there = relpath(self.file_of(path), str(Path(page).parent))
        return f"{there}#{fragment}" if fragment else there

    def _is_ours(self, path: str) -> bool:
        first, _, rest = path.lstrip("/").partition("/")
        # Lists by every choice at once are more than anybody could keep; from the second on the county makes them.
        chosen = [name for name, _ in parse_qsl(urlsplit(path).query) if name not in ("page", "audience")]
        return first == self._channel and not rest.startswith(NEEDS_SERVER) and len(chosen) <= 1

    def file_of(self, address: str) -> str:
        """`/portal/items/X` → `items/X.html`; a list's other pages and choices by a digest of what was chosen."""
        parts = urlsplit(address)
        path = parts.path.removeprefix(f"/{self._channel}/") or "index"
        if "." in path.rpartition("/")[2]:
            return path
        chosen = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if chosen.keys() == {"page"}:
            return f"{path}-{chosen['page']}.html"
        return f"{path}-{hashlib.sha256(parts.query.encode()).hexdigest()[:12]}.html" if chosen else f"{path}.html"

    def _want(self, address: str) -> None:
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
            raise Broken(f"{address} came with {answer.status_code}; nothing was written")
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
        manifest = {"channel": self._channel, "origin": self._origin, **mark, "files": digests}
        _replace(folder / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        return done


def _named(folder: Path) -> set[str]:
    """Files of the export before this one. What somebody else put into the folder is not ours to remove."""
    try:
        names = orjson.loads((folder / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError):
        return set()
    return {name for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts}


def _replace(file: Path, content: bytes) -> None:
    """Whole or not at all: a web server may be reading it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_bytes(content)
    fresh.replace(file)
