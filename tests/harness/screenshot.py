"""`python -m tests.harness.screenshot URL FILE --size 1080x1920`: a screenshot of a page of a running county."""

import argparse
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.harness.browser import Browser
from tests.harness.browser_programs import PROGRAMS


def size(text: str) -> tuple[int, int]:
    """`1080x1920` → width and height in CSS pixels."""
    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    if found is None:
        raise argparse.ArgumentTypeError("must be WIDTHxHEIGHT, such as 1080x1920")
    return int(found[1]), int(found[2])


def main() -> int:
    """Return the exit code: 0 done, 1 the page has complaints (the picture is taken all the same), 2 usage."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness.screenshot", description=__doc__)
    parser.add_argument("url", help="of a running county, e.g. http://127.0.0.1:8080/web/")
    parser.add_argument("file", type=Path, help="PNG to write")
    parser.add_argument("--size", type=size, default=(1920, 1080), help="of the visible part; 1920x1080")
    parser.add_argument("--whole", action="store_true", help="the page from top to bottom")
    parser.add_argument("--browser", choices=sorted(PROGRAMS), default="chromium")
    parser.add_argument("--wait", metavar="JS", help='function that must be true first, e.g. "() => document.title"')
    options = parser.parse_args()
    parts = urlsplit(options.url)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(options.browser, Path(folder))
        try:
            with browser.page(f"{parts.scheme}://{parts.netloc}", options.size) as page:
                page.open(options.url, status=None)
                if options.wait:
                    page.wait(options.wait)
                page.screenshot(options.file, whole=options.whole)
        except AssertionError as error:
            sys.stderr.write(f"✗ {error}\n")
            return 1
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
