"""Facts that one item or one guide states twice: as a field, and in the words beside it. The closed list of such pairs.

Where `contracts.content.figures` can read the words, both must state the same: who changes the amount of a fee and
leaves its sentence would publish two fees. Where it cannot, the words are a finding for a person. A missing field
contradicts nothing, and neither do words without a figure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from contracts.base import Json
from contracts.content import figures
from contracts.content.figures import Reading
from contracts.content.guides import Fee, Guide, Material, Step, Window
from contracts.content.items import Item

RULE = "one_fact_once"
LONGEST_VALUE = 80
ONLINE_FROM = "2"
"""网上办理深度 from which something is done online; 1 互联网咨询 is advice only, and 9 其他 may be anything."""

MATERIAL_TEXTS = ("material_name", "fill_explain", "accept_stand")


@dataclass(frozen=True, slots=True)
class TwiceTold:
    """One fact in two places of a body. `contradicts`: both were read and differ; otherwise the words are unreadable.

    `words`, `figure`: paths such as `fees.0.fee_stand`. `optional`: the path that a body can do without, the words if
    possible; None when it can do without neither.
    """

    words: str
    said: str
    figure: str
    value: str
    contradicts: bool
    optional: str | None = None

    @property
    def message(self) -> str:
        """Both values and the remedy, for people."""
        if self.contradicts:
            return f"says {self.said!r}, but {self.figure} is {self.value}: state the same in both, or leave one out"
        return f"{self.said!r} cannot be compared with {self.figure}, which is {self.value}: read whether both agree"


def pairs_of_item(item: Item) -> Iterator[TwiceTold]:
    """Yield the contradictions and the unreadable words of one item."""
    if item.limit_scene_num is not None and item.limit_scene_explain:
        yield from _compared(
            ("limit_scene_explain", item.limit_scene_explain),
            ("limit_scene_num", str(item.limit_scene_num)),
            figures.visits(item.limit_scene_explain),
            lambda reading: reading.value == item.limit_scene_num,
            "limit_scene_explain",
        )
    deep = [depth for depth in item.online_handle_depth or () if ONLINE_FROM <= depth < "9"]
    if item.is_online is False and deep:
        said = ", ".join(deep)
        yield TwiceTold(
            "online_handle_depth", said, "is_online", "false", contradicts=True, optional="online_handle_depth"
        )


def pairs_of_guide(guide: Guide) -> Iterator[TwiceTold]:
    """Yield the contradictions and the unreadable words of one guide, in order of its fields."""
    yield from _count_of_materials(guide)
    for index, material in enumerate(guide.materials or ()):
        yield from _of_material(material, f"materials.{index}")
    for index, step in enumerate(guide.steps):
        yield from _of_step(step, f"steps.{index}")
    for index, fee in enumerate(guide.fees):
        yield from _of_fee(fee, f"fees.{index}")
    for index, window in enumerate(guide.windows):
        yield from _of_window(window, f"windows.{index}")


def contradictions(content: Item | Guide) -> list[TwiceTold]:
    """Return the pairs that state two different things."""
    return [pair for pair in _pairs(content) if pair.contradicts]


def unreadable(content: Item | Guide) -> list[TwiceTold]:
    """Return the pairs whose words the grammar cannot read."""
    return [pair for pair in _pairs(content) if not pair.contradicts]


def without_contradictions(body: Json, found: list[TwiceTold]) -> Json:
    """Return the body without the optional half of each contradiction: the words, or the figure of words that stay."""
    kept: Json = _copied(body)
    for pair in found:
        *path, name = (pair.optional or "").split(".")
        part: Any = kept
        for step in path:
            part = part[int(step) if step.isdigit() else step]
        if name in part:
            part[name] = None
    return kept


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value


def _pairs(content: Item | Guide) -> Iterator[TwiceTold]:
    return pairs_of_item(content) if isinstance(content, Item) else pairs_of_guide(content)


def yuan(fen: int) -> str:
    """Return an amount in 分 as 元: 1000 → `10.00 元`."""
    return f"{fen // 100}.{fen % 100:02d} 元"


def _of_fee(fee: Fee, path: str) -> Iterator[TwiceTold]:
    if fee.amount_fen is None:
        return
    words, figure = f"{path}.fee_stand", f"{path}.amount_fen"
    reading = figures.amount(fee.fee_stand)
    value = f"{fee.amount_fen} 分 ({yuan(fee.amount_fen)})"
    yield from _compared(
        (words, fee.fee_stand), (figure, value), reading, lambda read: read.value == fee.amount_fen, figure
    )


def _of_step(step: Step, path: str) -> Iterator[TwiceTold]:
    if step.day is None:
        return

    def same(read: Reading) -> bool:
        return read.value == step.day and read.unit != "2"

    figure = (f"{path}.day", f"{step.day} 工作日")
    yield from _compared((f"{path}.name", step.name), figure, figures.days(step.name), same, figure[0])
    if step.content:
        words = (f"{path}.content", step.content)
        yield from _compared(words, figure, figures.days(step.content), same, words[0])


def _of_material(material: Material, path: str) -> Iterator[TwiceTold]:
    if material.copies is None:
        return
    for name in MATERIAL_TEXTS:
        if text := getattr(material, name):
            words, figure = f"{path}.{name}", f"{path}.copies"
            optional = figure if name == "material_name" else words
            reading = figures.copies(text)
            yield from _compared(
                (words, text),
                (figure, str(material.copies)),
                reading,
                lambda read: read.value == material.copies,
                optional,
            )


def counts_materials(guide: Guide, read: Reading) -> bool:
    """Return whether a number of materials fits the list: all, those needed, or, in 份 or no unit, all copies."""
    listed = guide.materials or []
    copies = sum(one.copies or 1 for one in listed)
    counts = {len(listed), sum(one.is_need is not False for one in listed)}
    return read.value in counts or (read.unit in (None, "份") and read.value == copies)


def _count_of_materials(guide: Guide) -> Iterator[TwiceTold]:
    if not guide.materials:
        return
    texts = [("accept_condition", guide.accept_condition)]
    texts += [(f"steps.{index}.content", step.content) for index, step in enumerate(guide.steps)]
    value = f"a list of {len(guide.materials)}"
    for words, text in texts:
        if text:
            read = figures.materials(text)
            yield from _compared((words, text), ("materials", value), read, partial(counts_materials, guide), words)


def _of_window(window: Window, path: str) -> Iterator[TwiceTold]:
    """Compare the windows in the address with 窗口号: it must be among them."""
    if not window.window_no:
        return
    named = figures.places(window.address)
    if named == frozenset():
        return
    numbers = figures.window_numbers(window.window_no)
    kinds = {kind for kind, _ in figures.places(window.window_no) or ()}
    same_kind = {number for kind, number in named or () if not kinds or kind in kinds}
    reads = named is not None and numbers is not None and bool(same_kind)
    if reads and numbers is not None and numbers <= same_kind:
        return
    words, figure = (f"{path}.address", window.address), f"{path}.window_no"
    yield _told(words, (figure, window.window_no), contradicts=reads, optional=figure)


def _compared(
    words: tuple[str, str], figure: tuple[str, str], read: Reading, same: Callable[[Reading], bool], optional: str
) -> Iterator[TwiceTold]:
    if read.unreadable:
        yield _told(words, figure, contradicts=False, optional=optional)
    elif read.value is not None and not same(read):
        yield _told(words, figure, contradicts=True, optional=optional)


def _told(words: tuple[str, str], figure: tuple[str, str], *, contradicts: bool, optional: str) -> TwiceTold:
    said = words[1] if len(words[1]) <= LONGEST_VALUE else f"{words[1][:LONGEST_VALUE]}…"
    return TwiceTold(words[0], said, figure[0], figure[1], contradicts, optional)
