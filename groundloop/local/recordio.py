"""RecordIO: the frames in which Pipe mode carries records.

A frame is, little-endian: u32 magic number, u32 `cflag << 29 | length`, the payload, and zero padding to a multiple of
4 bytes (not counted in the length). `cflag` is 0 for a whole record. Source: dmlc-core's `recordio.h` and AWS's open
readers (sagemaker-tensorflow-extensions, ml-io).

The flags 1 to 3 mark the parts of a record that was split. The feeder of the offline AWS never splits a record, so the
reader here rejects them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

MAGIC = 0xCED7230A
MAGIC_BYTES = struct.pack("<I", MAGIC)
MAX_RECORD_BYTES = (1 << 29) - 1

_HEADER = struct.Struct("<II")


class RecordIOError(ValueError):
    """The stream is not RecordIO.

    Attributes:
        offset: the byte of the stream, from 0, at which the error was found.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at byte {offset} of the stream)")
        self.offset = offset


class MagicError(RecordIOError):
    """A header does not start with the magic number."""


def frame(payload: bytes) -> bytes:
    """Return a record as one frame.

    Example:
        >>> frame(b"abcde").hex(" ", 4)
        '0a23d7ce 05000000 61626364 65000000'

    Raises:
        ValueError: the payload is longer than the 29 bits of the length allow.
    """
    if len(payload) > MAX_RECORD_BYTES:
        raise ValueError(f"a RecordIO record holds at most {MAX_RECORD_BYTES} bytes, this one has {len(payload)}")
    return _HEADER.pack(MAGIC, len(payload)) + payload + b"\0" * (-len(payload) % 4)


def read_records(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the records of a stream up to its end.

    Raises:
        RecordIOError: the stream is not RecordIO, ends inside a record, or has a record of several parts.
    """
    offset = 0
    while header := _read(stream, _HEADER.size):
        if len(header) < _HEADER.size:
            raise RecordIOError(f"the stream ends inside a header: {len(header)} of {_HEADER.size} bytes", offset)
        magic, word = _HEADER.unpack(header)
        if magic != MAGIC:
            raise MagicError(f"a header starts with 0x{magic:08x}, not with the magic number 0x{MAGIC:08x}", offset)
        cflag, length = word >> 29, word & MAX_RECORD_BYTES
        if cflag:
            raise RecordIOError(f"part flag {cflag}: only whole records (flag 0) are supported", offset)
        padded = length + (-length % 4)
        body = _read(stream, padded)
        if len(body) < padded:
            raise RecordIOError(
                f"the stream ends inside a record: {len(body)} of {padded} bytes", offset + _HEADER.size
            )
        yield body[:length] if padded != length else body
        offset += _HEADER.size + padded


def _read(stream: BinaryIO, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end of the stream: raw streams may return less than requested."""
    data = stream.read(size)
    if len(data) == size or not data:
        return data
    chunks = [data]
    missing = size - len(data)
    while missing and (more := stream.read(missing)):
        chunks.append(more)
        missing -= len(more)
    return b"".join(chunks)
