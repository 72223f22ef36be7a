"""Parse a mapping's YAML strictly."""

from collections import Counter
from typing import Any

import yaml

DEEPEST_MAPPING = 8


class OneKeyLoader(yaml.SafeLoader):
    """A YAML loader that refuses repeated keys, which YAML would drop silently, and aliases.

    Aliases and merges make a small file endless, and deep nesting makes the scanner slow: both are refused while
    reading.
    """

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave its type out
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not accepted", mark)
        self._depth += 1
        if self._depth > DEEPEST_MAPPING:
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {DEEPEST_MAPPING} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = next((key for key, count in keys.items() if count > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)
