"""MXNet's symbol files (`*-symbol.json`): the graph of a network.

The format is that of MXNet 1.x: `nodes`, each with its operator, attributes (texts) and inputs ([node, output, version]
triples, of nodes before it), and `heads`, the network's outputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from groundloop.errors import UserError
from groundloop.escaping import escaped

_MAX_NODES = 20_000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
#: The operator of inputs and parameters.
VARIABLE = "null"


@dataclass(frozen=True, slots=True)
class Node:
    """An operation of the graph, or a variable.

    Attributes:
        index: its place in the file.
        operator: name of the operator; `null` for an input or a parameter.
        name: name of the node.
        attributes: arguments of the operator, as texts.
        inputs: indices of the nodes whose outputs it takes.
        outputs_taken: which output of each; operators of networks have one, the first.
    """

    index: int
    operator: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    inputs: tuple[int, ...] = ()
    outputs_taken: tuple[int, ...] = ()

    @property
    def data_inputs(self) -> tuple[int, ...]:
        """The inputs that the first output depends on; the labels of a training symbol's softmax are left out."""
        return self.inputs[:1] if self.operator == "SoftmaxOutput" else self.inputs

    def __str__(self) -> str:
        return f"{escaped(self.operator)} {self.name!r}"

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is one number.

        Raises:
            UserError: it is something else.
        """
        return self.numbers(name, [default])[0]

    def integers(self, name: str, default: Sequence[int]) -> list[int]:
        """Return an attribute such as `(3, 3)`; an empty tuple is the default.

        Raises:
            UserError: it is something else.
        """
        numbers = self.numbers(name, default)
        if any(number != int(number) for number in numbers):
            raise UserError(f"{self}: {name} is {self.attributes[name]!r}, whole numbers are needed")
        return [int(number) for number in numbers]

    def numbers(self, name: str, default: Sequence[float]) -> list[float]:
        """Return an attribute such as `(0.1, 0.1414)`; an empty tuple is the default.

        Raises:
            UserError: it is something else.
        """
        text = self.attributes.get(name)
        if text is None:
            return list(default)
        parts = [part.strip() for part in text.strip().strip("()[]").split(",") if part.strip()]
        if not all(_NUMBER.fullmatch(part) for part in parts):
            raise UserError(f"{self}: {name} is {text!r}, numbers are needed")
        return [float(part) for part in parts] or list(default)

    def flag(self, name: str, default: bool) -> bool:
        """Return an attribute that is true or false.

        Raises:
            UserError: it is something else.
        """
        text = self.attributes.get(name)
        if text is None:
            return default
        if text not in ("True", "False", "1", "0"):
            raise UserError(f"{self}: {name} is {text!r}, True or False is needed")
        return text in ("True", "1")

    def text(self, name: str, default: str) -> str:
        """Return an attribute as it is."""
        return self.attributes.get(name, default)


class _RawNode(msgspec.Struct):
    op: str
    name: str
    inputs: list[list[int]] = []
    # The name of the attributes' key differs with MXNet's version.
    attrs: dict[str, str] = {}
    attr: dict[str, str] = {}
    param: dict[str, str] = {}


class _RawSymbol(msgspec.Struct):
    nodes: list[_RawNode]


def read_symbol(content: bytes, name: str) -> list[Node]:
    """Read the nodes of a symbol file; the inputs of each stand before it.

    Args:
        content: the file's bytes.
        name: what messages call the file.

    Raises:
        UserError: it is not such a file, or a node has inputs that don't stand before it.
    """
    try:
        raw = msgspec.json.decode(content, type=_RawSymbol)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{name} is not a symbol file of MXNet: {error}") from None
    if len(raw.nodes) > _MAX_NODES:
        raise UserError(f"{name} has {len(raw.nodes)} nodes, at most {_MAX_NODES} are read")
    nodes: list[Node] = []
    for index, item in enumerate(raw.nodes):
        if not all(place and 0 <= place[0] < index for place in item.inputs):
            raise UserError(f"{name}: node {index} ({item.name!r}) has an input that is not before it")
        inputs = tuple(place[0] for place in item.inputs)
        taken = tuple(place[1] if len(place) > 1 else 0 for place in item.inputs)
        attributes = {**item.param, **item.attr, **item.attrs}
        nodes.append(Node(index, item.op, item.name, attributes, inputs, taken))
    return nodes


def needed_for(nodes: Sequence[Node], outputs: Sequence[int]) -> Iterator[Node]:
    """Yield the nodes that some outputs depend on, inputs before what takes them.

    Raises:
        UserError: one of them takes another than the first output of an operator.
    """
    needed = set(outputs)
    for node in reversed(nodes):
        if node.index in needed:
            needed.update(node.data_inputs)
    for node in nodes:
        if node.index not in needed:
            continue
        if any(node.outputs_taken[: len(node.data_inputs)]):
            raise UserError(f"{node} takes another than the first output of a node, which can't be converted")
        yield node
