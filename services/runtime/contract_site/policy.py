"""The deprecation policy as HTML, from contracts/DEPRECATION.md: headings, paragraphs, lists, `code` and links."""

import re

from markupsafe import Markup, escape

from services.runtime.contract_site.documents import FOLDER

FILE = FOLDER / "DEPRECATION.md"
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


def policy() -> Markup:
    """Return the policy without its title."""
    blocks = FILE.read_text(encoding="utf-8").strip().split("\n\n")[1:]
    return Markup("\n").join(_block(block) for block in blocks)


def prose(text: str) -> Markup:
    """Return a description of the contracts as HTML: `code` and emphasis, nothing else."""
    return _inline(text)


def _block(block: str) -> Markup:
    if block.startswith("## "):
        return Markup("<h2>{}</h2>").format(_inline(block[3:]))
    if block.startswith("- "):
        points = [" ".join(one.split()) for one in block.removeprefix("- ").split("\n- ")]
        return Markup("<ul>{}</ul>").format(
            Markup("").join(Markup("<li>{}</li>").format(_inline(one)) for one in points)
        )
    return Markup("<p>{}</p>").format(_inline(" ".join(block.split())))


def _inline(text: str) -> Markup:
    """Return escaped text with code and emphasis; a link to another file keeps its words only."""
    html = str(escape(_LINK.sub(r"\1", text)))
    html = _STRONG.sub(r"<strong>\1</strong>", html)
    return Markup(_CODE.sub(r"<code>\1</code>", html))  # noqa: S704  # escaped above
