"""YAML from people's files: plain values only, in bounded time and memory, every fault with its line."""

from __future__ import annotations

from typing import Any

import yaml

MAX_DEPTH = 50
"""Levels of lists and mappings in each other; more would exhaust Python's stack."""

MAX_NODES = 100_000
"""Values of a file, counted again where an alias repeats them."""


class YamlError(ValueError):
    """A text is not YAML, or not such as this project reads.

    Attributes:
        line: where, from 1.
    """

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


class _Loader(yaml.SafeLoader):
    """Loads plain values; bounds the depth, and names the line of a scalar that is not what its tag says."""

    def fetch_flow_collection_start(self, token_class: Any) -> None:
        if self.flow_level >= MAX_DEPTH:
            self._too_deep(self.get_mark())
        super().fetch_flow_collection_start(token_class)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth = getattr(self, "_depth", 0) + 1
        if self._depth > MAX_DEPTH + 1:
            self._too_deep(self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep=deep)
            if isinstance(value, str):
                value.encode()  # an escape can stand for half of a surrogate pair, which no file can hold
            return value
        except yaml.YAMLError:
            raise
        # Constructors raise every kind of error: on impossible dates, on numbers of thousands of digits ...
        except Exception as error:
            text = f"{node.value!r:.60} " if isinstance(node, yaml.ScalarNode) else ""
            problem = f"{text}cannot be read as {node.tag.rpartition(':')[2]} ({error}); quote it if it is text"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    @staticmethod
    def _too_deep(mark: yaml.Mark) -> None:
        raise yaml.composer.ComposerError(None, None, f"more than {MAX_DEPTH} levels are nested", mark)


def load_yaml(text: str) -> tuple[Any, yaml.Node | None]:
    """Return the value of a YAML text, and its nodes with their positions; None for a text without a value.

    Raises:
        YamlError: the text is not YAML, nested too deeply, or too large.

    Example:
        >>> load_yaml("classes: [nut, bolt]")[0]
        {'classes': ['nut', 'bolt']}
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, None
            _check_size(node, {})
            return loader.construct_document(node), node
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(
            " ".join((error.problem or "it ends too early").split()), mark.line + 1 if mark else 1
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"the control character U+{error.character:04X} is not allowed", line) from None


def _check_size(node: yaml.Node, counted: dict[yaml.Node, int]) -> int:
    """Return how many values a node stands for, aliases included."""
    if node in counted:
        if not counted[node]:
            raise yaml.composer.ComposerError(None, None, "an alias stands inside of what it repeats", node.start_mark)
        return counted[node]
    counted[node] = 0
    items: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        items = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        items = node.value
    counted[node] = 1 + sum(_check_size(item, counted) for item in items)
    if counted[node] > MAX_NODES:
        raise yaml.composer.ComposerError(None, None, f"it holds more than {MAX_NODES:,} values", node.start_mark)
    return counted[node]
