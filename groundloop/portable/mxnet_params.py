"""MXNet's parameter files (`*.params`): named arrays, little endian.

The layout is that of `NDArray::Save` of MXNet 1.x (`src/ndarray/ndarray.cc`): a list of arrays, then a list of names.
Names begin with `arg:` (trained) or `aux:` (running statistics).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from groundloop.errors import UserError

Float32s = NDArray[np.float32]

_LIST_MAGIC = 0x112
_ARRAY_MAGIC = 0xF993FAC9
_DENSE = 0
_MAX_DIMENSIONS = 8
_MAX_ARRAYS = 10_000
_MAX_NAME_BYTES = 1024
#: NumPy's types by MXNet's number; a network's weights are floating-point numbers.
_TYPES: Mapping[int, np.dtype[np.floating]] = MappingProxyType(
    {0: np.dtype("<f4"), 1: np.dtype("<f8"), 2: np.dtype("<f2")}
)


def read_params(content: bytes, name: str) -> dict[str, Float32s]:
    """Read the arrays of a parameter file by name, without the prefix `arg:` or `aux:`.

    Args:
        content: the file's bytes.
        name: what messages call the file.

    Raises:
        UserError: it is not such a file, is cut off or corrupted, or holds other arrays than dense ones of
            floating-point numbers.
    """
    reader = _Reader(content, name)
    if reader.number("<Q", "header") != _LIST_MAGIC:
        raise UserError(f"{name} is not a parameter file of MXNet: its first bytes are {content[:8].hex(' ')}")
    reader.number("<Q", "header")
    arrays = [reader.array() for _ in range(reader.count("arrays"))]
    names = [reader.text() for _ in range(reader.count("names"))]
    if len(arrays) != len(names):
        raise reader.corrupted(f"it holds {len(arrays)} arrays and {len(names)} names")
    if reader.left:
        raise reader.corrupted(f"{reader.left} bytes follow the last name")
    named = {text.partition(":")[2] or text: array for text, array in zip(names, arrays, strict=True)}
    if len(named) != len(names):
        raise reader.corrupted("a name stands twice")
    return named


class _Reader:
    """Takes values from the front of the bytes; every length is checked before anything of that length is made."""

    def __init__(self, content: bytes, name: str) -> None:
        self._content, self._name, self._at = memoryview(content), name, 0

    @property
    def left(self) -> int:
        return len(self._content) - self._at

    def corrupted(self, problem: str) -> UserError:
        return UserError(f"{self._name} is corrupted at byte {self._at}: {problem}; copy model.tar.gz from S3 again")

    def take(self, length: int, what: str) -> memoryview:
        if length > self.left:
            raise self.corrupted(f"{what} of {length} bytes, but only {self.left} bytes are left")
        self._at += length
        return self._content[self._at - length : self._at]

    def number(self, form: str, what: str) -> int:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form), what))
        return int(value)

    def count(self, what: str) -> int:
        count = self.number("<Q", f"the number of {what}")
        if count > _MAX_ARRAYS:
            raise self.corrupted(f"{count} {what}, at most {_MAX_ARRAYS} are read")
        return count

    def array(self) -> Float32s:
        if (magic := self.number("<I", "an array's header")) != _ARRAY_MAGIC:
            raise self.corrupted(f"an array begins with {magic:#x} instead of {_ARRAY_MAGIC:#x}")
        if (storage := self.number("<i", "a storage type")) != _DENSE:
            raise self.corrupted(f"an array has storage type {storage}; only dense arrays (0) are read")
        dimensions = self.number("<I", "the number of dimensions")
        if dimensions > _MAX_DIMENSIONS:
            raise self.corrupted(f"an array has {dimensions} dimensions")
        shape = [self.number("<q", "a dimension") for _ in range(dimensions)]
        self.take(8, "a device")
        number = self.number("<i", "a data type")
        if number not in _TYPES:
            raise self.corrupted(f"an array has data type {number}; weights are floating-point numbers (0, 1 or 2)")
        if any(side < 0 for side in shape):
            raise self.corrupted(f"an array has the shape {shape}")
        size = 1
        for side in shape:
            size *= side
        values = self.take(size * _TYPES[number].itemsize, "an array")
        return np.frombuffer(values, dtype=_TYPES[number]).reshape(shape).astype(np.float32, copy=False)

    def text(self) -> str:
        length = self.number("<Q", "the length of a name")
        if length > _MAX_NAME_BYTES:
            raise self.corrupted(f"a name has {length} bytes")
        raw = bytes(self.take(length, "a name"))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise self.corrupted(f"a name is not UTF-8: {raw[:40]!r}") from None
