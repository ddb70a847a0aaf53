"""Parameter and symbol files: read as they are written, and never more than one line when they are damaged."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.errors import UserError
from groundloop.portable.mxnet_params import Float32s, read_params
from groundloop.portable.mxnet_symbol import needed_for, read_symbol
from tests.fixtures.mxnet_files import params_bytes

ARRAYS = {
    "arg:conv0_weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "aux:bn_moving_mean": np.array([0.5, -1.0], np.float32),
}
CONTENT = params_bytes(ARRAYS)


def test_arrays_are_read_by_name() -> None:
    read = read_params(CONTENT, "a.params")
    assert read.keys() == {"conv0_weight", "bn_moving_mean"}
    np.testing.assert_array_equal(read["conv0_weight"], ARRAYS["arg:conv0_weight"])


@settings(max_examples=150, deadline=None)
@given(position=st.integers(0, len(CONTENT) - 1), replaced=st.binary(max_size=9), removed=st.integers(0, len(CONTENT)))
def test_damage_is_one_line_or_other_numbers(position: int, replaced: bytes, removed: int) -> None:
    damaged = CONTENT[:position] + replaced + CONTENT[position + removed :]
    arrays: dict[str, Float32s] = {}
    lines: tuple[str, ...] = ()
    try:
        arrays = read_params(damaged, "a.params")
    except UserError as error:
        lines = error.lines
    assert len(lines) <= 1
    assert all(line.startswith("a.params") for line in lines)
    assert sum(array.nbytes for array in arrays.values()) <= len(damaged)


def _with(offset: int, form: str, value: int) -> bytes:
    """The content with one number replaced; arrays begin at byte 24."""
    return CONTENT[:offset] + struct.pack(form, value) + CONTENT[offset + struct.calcsize(form) :]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(pickle.dumps({"conv0": 1}), "a.params is not a parameter file of MXNet", id="a pickle"),
        pytest.param(b"", "a.params is corrupted at byte 0", id="empty"),
        pytest.param(CONTENT[:100], "bytes are left", id="cut off"),
        pytest.param(CONTENT + b"1", "1 bytes follow the last name", id="something behind it"),
        pytest.param(_with(16, "<Q", 2**40), "1099511627776 arrays", id="too many arrays"),
        pytest.param(_with(24, "<I", 7), "an array begins with 0x7", id="another array header"),
        pytest.param(_with(28, "<i", 1), "storage type 1; only dense arrays", id="a sparse array"),
        pytest.param(_with(36, "<q", 2**50), "but only", id="a huge array"),
        pytest.param(_with(36, "<q", -2), "shape [-2, 3, 2, 2]", id="a negative side"),
        pytest.param(_with(76, "<i", 6), "data type 6; weights are floating-point", id="integers"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read_params(content, "a.params")
    assert message in str(caught.value)


def symbol(*nodes: Mapping[str, object]) -> bytes:
    return json.dumps({"nodes": nodes}).encode()


DATA = {"op": "null", "name": "data", "inputs": []}


@pytest.mark.parametrize("key", ["attrs", "attr", "param"])
def test_attributes_are_read_under_the_names_of_all_versions(key: str) -> None:
    pooling = {"op": "Pooling", "name": "p", "inputs": [[0, 0, 0]], key: {"kernel": "(3, 2)", "global_pool": "False"}}
    _, node = read_symbol(symbol(DATA, pooling), "s.json")
    assert node.integers("kernel", [1, 1]) == [3, 2]
    assert node.flag("global_pool", default=True) is False
    assert node.numbers("stride", [1.0]) == [1.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"[", "s.json is not a symbol file of MXNet", id="not JSON"),
        pytest.param(b'{"nodes": 1}', "s.json is not a symbol file of MXNet", id="other JSON"),
        pytest.param(b"[" * 100_000, "s.json is not a symbol file of MXNet", id="deep nesting"),
        pytest.param(
            symbol({"op": "Flatten", "name": "f\x1b", "inputs": [[1, 0, 0]]}, DATA),
            "node 0 ('f\\x1b') has an input that is not before it",
            id="an input that comes later",
        ),
    ],
)
def test_other_symbol_files_are_one_line(content: bytes, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read_symbol(content, "s.json")
    assert message in str(caught.value)


def test_labels_and_losses_are_not_needed_for_detections() -> None:
    label = {"op": "null", "name": "label", "inputs": []}
    softmax = {"op": "SoftmaxOutput", "name": "cls_prob", "inputs": [[0, 0, 0], [1, 2, 0]]}
    loss = {"op": "MakeLoss", "name": "loss", "inputs": [[2, 0, 0]]}
    nodes = read_symbol(symbol(DATA, label, softmax, loss), "s.json")
    assert [node.name for node in needed_for(nodes, [2])] == ["data", "cls_prob"]


def test_a_second_output_is_not_mistaken_for_the_first() -> None:
    split = {"op": "SliceChannel", "name": "split", "inputs": [[0, 0, 0]]}
    flatten = {"op": "Flatten", "name": "f", "inputs": [[1, 1, 0]]}
    with pytest.raises(UserError, match="Flatten 'f' takes another than the first output"):
        list(needed_for(read_symbol(symbol(DATA, split, flatten), "s.json"), [2]))
