"""QR codes as SVG within the page: no other file, no style, nothing from elsewhere; dark on white whatever the mode."""

from functools import lru_cache

import segno
from markupsafe import Markup

LONGEST = 300
"""Characters of an address. More becomes too dense for a phone before a screen."""


@lru_cache(maxsize=4_096)
def svg(text: str) -> Markup:
    """The code of `text`, a sixth of it may be covered (level M); nothing when the text is too long to be scanned.

    Capitals, digits and `:/.-` alone take a third less room: see `contracts.verify_address`.
    """
    if len(text) > LONGEST:
        return Markup()
    code = segno.make(text, error="m", micro=False, boost_error=False)
    drawn = code.svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None, light="#fff")
    return Markup(drawn)  # noqa: S704  # of numbers and fixed words alone: the text is in the squares
