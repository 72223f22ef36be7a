"""Static files, read once and addressed by URLs that change with their content.

`shared/web/static` holds what all pages share: the design's tokens, the reader's choices, and the modules
that check the ledger in the browser (`canonical.js`, `merkle.js`, `note.js`).
"""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response

from shared.errors import NotFound

COMMON = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """A static file as served."""

    content: bytes
    media_type: str
    version: str


def assets_of(folders: Iterable[Path]) -> dict[str, Asset]:
    """Return files by name; a file in a later folder replaces one of the same name in an earlier folder."""
    return {path.name: _asset(path) for folder in folders for path in sorted(folder.glob("*.*"))}


def asset_response(assets: Mapping[str, Asset], name: str, version: str) -> Response:
    """Return a file; cached forever if the URL names its version. Raises `NotFound`."""
    asset = assets.get(name)
    if asset is None:
        raise NotFound(f"there is no file {name[:80]!r}")
    cache = FOR_EVER if version == asset.version else "no-cache"
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": cache})


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Asset(content, media_type, hashlib.sha256(content).hexdigest()[:12])
