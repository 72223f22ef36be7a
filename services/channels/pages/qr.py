"""QR codes as inline SVG, without other files or styles; dark on white in every colour mode."""

from functools import lru_cache

import segno
from markupsafe import Markup

LONGEST = 300
"""Characters of an address. A longer one is too dense for a phone to scan from a screen."""


@lru_cache(maxsize=4_096)
def svg(text: str) -> Markup:
    """Return the code of `text`, error correction level M (15 % may be covered); empty if the text is too long.

    Upper-case letters, digits and `:/.-` alone need a third less room: see `contracts.verify_address`.
    """
    if len(text) > LONGEST:
        return Markup()
    code = segno.make(text, error="m", micro=False, boost_error=False)
    drawn = code.svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None, light="#fff")
    return Markup(drawn)  # noqa: S704  # made of numbers and fixed words only: the text is in the squares
