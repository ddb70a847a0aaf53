"""Part of a manifest in S3: its beginning, and for a large one places spread over it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

_WHOLE_BYTES = 8_000_000
_HEAD_BYTES = 1_000_000
_PART_BYTES = 250_000
_PARTS = 12
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class ManifestSample:
    """Whole lines of a manifest.

    Attributes:
        head: lines from the first on.
        spread: lines from all over the manifest, the head's among them.
        count: how many lines the manifest has; an estimate unless `whole`.
    """

    head: list[bytes]
    spread: list[bytes]
    count: int
    whole: bool

    @property
    def describe_sample(self) -> str:
        """Return the number of lines, estimated if only a part was read."""
        return str(self.count) if self.whole else f"about {self.count}"


def excerpt(s3: Any, uri: str) -> ManifestSample:
    """Read from an object as much as it takes to know what it is like.

    Raises:
        ClientError: it can't be read.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    size = int(s3.head_object(Bucket=bucket, Key=key)["ContentLength"])

    def part(start: int, length: int) -> bytes:
        if size == 0:
            return b""  # S3 refuses a range of nothing
        byte_range = f"bytes={start}-{min(start + length, size) - 1}"
        body: bytes = s3.get_object(Bucket=bucket, Key=key, Range=byte_range)["Body"].read()
        return body

    whole = size <= _WHOLE_BYTES
    first = part(0, size if whole else _HEAD_BYTES)
    if first.startswith(_GZIP):
        return _compressed(first, size, whole)
    head = _lines(first, cut=not whole)
    if whole:
        return ManifestSample(head, head, len(head), whole=True)
    spread = list(head)
    for index in range(1, _PARTS + 1):
        start = _HEAD_BYTES + (size - _HEAD_BYTES - _PART_BYTES) * index // _PARTS
        # It begins, and may end, within a line.
        spread += _lines(part(start, _PART_BYTES), cut=True)[1:]
    per_line = sum(len(line) + 1 for line in spread) / max(1, len(spread))
    return ManifestSample(head, spread, int(size / max(1.0, per_line)), whole=False)


def _compressed(first: bytes, size: int, whole: bool) -> ManifestSample:
    """Sample the beginning only: nothing further on can be unpacked without what comes before it."""
    unpacker = zlib.decompressobj(wbits=31)
    text = unpacker.decompress(first, 4 * _WHOLE_BYTES)
    whole = whole and unpacker.eof
    lines = _lines(text, cut=not whole)
    read = len(first) - len(unpacker.unconsumed_tail)
    return ManifestSample(lines, lines, len(lines) if whole else int(len(lines) * size / max(1, read)), whole)


def _lines(content: bytes, cut: bool) -> list[bytes]:
    """Lines that aren't blank; `cut` drops the last one, which may not be whole."""
    lines = content.split(b"\n")
    return [line for line in (lines[:-1] if cut else lines) if line.strip()]
