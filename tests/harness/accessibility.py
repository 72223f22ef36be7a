"""Accessibility checks with axe-core against WCAG 2.2 AA. `axe/` contains the published library, 4.14.1, packed."""

import gzip
from functools import cache
from pathlib import Path

from tests.harness.browser import Page

AXE = Path(__file__).parent / "axe" / "axe.min.js.gz"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa")

RUN = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
  return found.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id}: ${node.target.join(" ")}: ${node.any.concat(node.all, node.none).map((c) => c.message).join("; ")}`));
}"""


def barriers(page: Page) -> list[str]:
    """Return rule, element and reason of every violation; empty if there is none."""
    if not page.evaluate("() => 'axe' in window"):
        page.run(_axe())
    return list(page.evaluate(RUN, TAGS))


@cache
def _axe() -> str:
    return gzip.decompress(AXE.read_bytes()).decode()
