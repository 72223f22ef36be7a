"""法律关: an item without a basis, and papers that are repealed, wherever they are cited."""

from collections.abc import Iterator, Mapping

from contracts.content.gates import Gate
from contracts.content.items import Item
from shared.publishing.reviews.findings.finding import BodyText, ReviewFinding


def basis_of(item: Item) -> Iterator[ReviewFinding]:
    """Yield a finding when the item names no 设定依据."""
    if not item.by_law:
        yield ReviewFinding(Gate.LEGAL, item.code, "by_law", "no_basis", "没有写设定依据")


def repealed_in(code: str, text: BodyText, repealed: Mapping[str, str]) -> Iterator[ReviewFinding]:
    """Yield each repealed paper that a text cites as `《name》` or by its 文号. `by_law` has a rule of its own."""
    if text.field.endswith(".law_name"):
        return
    for name, since in repealed.items():
        if f"《{name}》" in text.text or ("〔" in name and name in text.text):
            yield ReviewFinding(Gate.LEGAL, code, text.field, "repealed", f"引用了《{name}》：{since}", name)
