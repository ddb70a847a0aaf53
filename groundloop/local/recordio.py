"""RecordIO: the frames in which Pipe mode carries records.

A record is one part, or several. A part is, little-endian: u32 magic, u32 ``cflag << 29 | length``, the payload, and
zero padding to 4 bytes (not counted in the length). cflag: 0 the whole record, 1 its first part, 2 a middle one, 3 its
last. Source: dmlc-core's ``recordio.h`` and AWS's open readers (sagemaker-tensorflow-extensions, ml-io).

Records of several parts have two meanings in the wild. dmlc cuts where the magic word stands in the payload at an
offset divisible by 4, and drops the word: its reader puts it back. AWS's readers only join the parts. The reader here
tells the two apart as far as that is possible (see `_join`).
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

MAGIC = 0xCED7230A
MAGIC_BYTES = struct.pack("<I", MAGIC)
MAX_PART_BYTES = (1 << 29) - 1

_HEADER = struct.Struct("<II")
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class RecordIOError(ValueError):
    """The stream isn't RecordIO. `offset` is the byte of the stream at which that showed."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at byte {offset} of the stream)")
        self.offset = offset


class MagicError(RecordIOError):
    """A header doesn't start with the magic number."""


def frame(payload: bytes) -> bytes:
    """One whole record (cflag 0), padded to 4 bytes. Raises ValueError when it doesn't fit the 29 bits of a length."""
    if len(payload) > MAX_PART_BYTES:
        raise ValueError(f"a RecordIO record holds at most {MAX_PART_BYTES} bytes, this one has {len(payload)}")
    return _HEADER.pack(MAGIC, _WHOLE << 29 | len(payload)) + payload + b"\0" * (-len(payload) % 4)


def read_records(stream: BinaryIO) -> Iterator[bytes]:
    """The records of a stream, up to its end, which may only come where a header could start.

    Raises RecordIOError, naming the byte offset, for anything else.
    """
    offset = 0
    parts: list[bytes] = []
    record_start = 0
    while True:
        header = _read(stream, _HEADER.size)
        if not header:
            if parts:
                raise RecordIOError(f"the stream ends inside the record that began at byte {record_start}", offset)
            return
        if len(header) < _HEADER.size:
            raise RecordIOError(f"the stream ends inside a header: {len(header)} of {_HEADER.size} bytes", offset)
        magic, word = _HEADER.unpack(header)
        if magic != MAGIC:
            raise MagicError(f"a header starts with 0x{magic:08x}, not with the magic number 0x{MAGIC:08x}", offset)
        cflag, length = word >> 29, word & MAX_PART_BYTES
        if cflag > _LAST or (cflag in (_WHOLE, _FIRST)) == bool(parts):
            expected = "2 (middle) or 3 (last)" if parts else "0 (whole) or 1 (first)"
            raise RecordIOError(f"part flag {cflag} where {expected} has to stand", offset)
        padded = length + (-length % 4)
        body = _read(stream, padded)
        if len(body) < padded:
            raise RecordIOError(f"the stream ends inside a part: {len(body)} of {padded} bytes", offset + _HEADER.size)
        payload = body[:length] if padded != length else body
        if cflag == _WHOLE:
            yield payload
        else:
            if cflag == _FIRST:
                record_start = offset
            parts.append(payload)
            if cflag == _LAST:
                yield _join(parts)
                parts = []
        offset += _HEADER.size + padded


def _read(stream: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end of the stream: raw streams may hand out less than they are asked for."""
    data = stream.read(size)
    if len(data) == size or not data:
        return data
    chunks = [data]
    missing = size - len(data)
    while missing and (more := stream.read(missing)):
        chunks.append(more)
        missing -= len(more)
    return b"".join(chunks)


def _join(parts: list[bytes]) -> bytes:
    """The record behind several parts.

    dmlc cuts at offsets divisible by 4 only, so one earlier part of another length settles it: plain concatenation.
    Otherwise both readings are possible, and the one that is whole (as JPEG, PNG or JSON) wins; concatenation when
    that settles nothing, since AWS's own readers know nothing else.
    """
    plain = b"".join(parts)
    if any(len(part) % 4 for part in parts[:-1]):
        return plain
    restored = MAGIC_BYTES.join(parts)
    return restored if _is_whole(restored) and not _is_whole(plain) else plain


def _is_whole(payload: bytes) -> bool:
    if payload.startswith(b"\xff\xd8"):
        return _is_whole_jpeg(payload)
    if payload.startswith(_PNG_SIGNATURE):
        return _is_whole_png(payload)
    try:
        json.loads(payload)
    except ValueError:
        return False
    return True


def _is_whole_jpeg(payload: bytes) -> bool:
    """Whether the marker segments lead without a gap to the scan, and the file ends with the end-of-image marker."""
    at = 2
    while at + 4 <= len(payload) and payload[at] == 0xFF:
        if payload[at + 1] == 0xDA:
            return payload.endswith(b"\xff\xd9")
        at += 2 + int.from_bytes(payload[at + 2 : at + 4], "big")
    return False


def _is_whole_png(payload: bytes) -> bool:
    """Whether every chunk has the right checksum, down to IEND."""
    at = len(_PNG_SIGNATURE)
    while at + 12 <= len(payload):
        length = int.from_bytes(payload[at : at + 4], "big")
        body, checksum = payload[at + 4 : at + 8 + length], payload[at + 8 + length : at + 12 + length]
        if zlib.crc32(body).to_bytes(4, "big") != checksum:
            return False
        if body[:4] == b"IEND":
            return True
        at += 12 + length
    return False
