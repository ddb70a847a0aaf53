"""Raw lines of a file: plain or gzip, LF or CRLF, with or without byte order mark, lines of any length."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from groundloop.errors import UserError

MAX_LINE_LENGTH = 100_000
"""Characters that Ground Truth allows one object of a manifest (developer guide, "Use an input manifest file")."""

MAX_LINE_BYTES = 10_000_000
"""Bytes beyond which a line is rejected unread, so that a file without line ends cannot fill the memory."""

MAX_UNREAD_BYTES = 1_000_000_000
"""Bytes of a line of a compressed file beyond which nothing is unpacked any more: it was made to fill the disk."""

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


def open_manifest(path: Path) -> BinaryIO:
    """Open the file for reading lines; a gzip file, known by its first bytes, is unpacked on the way.

    Raises:
        UserError: it is missing or a folder.
    """
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise UserError(f"the manifest {path} does not exist: check the path") from None
    except OSError as error:
        raise UserError(f"the manifest {path} cannot be read: {error.strerror}") from None
    start = stream.read(len(_GZIP))
    stream.seek(0)
    if start != _GZIP:
        return stream
    stream.close()
    return cast(BinaryIO, gzip.open(path))


def raw_lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines without their ending (LF or CRLF); a byte order mark at the start is dropped.

    Of a line longer than `MAX_LINE_BYTES` only the start comes out, a little longer than that: the reader rejects it by
    its length.

    Raises:
        UserError: the stream is compressed and damaged.
    """
    lines = _bounded(stream) if isinstance(stream, io.BufferedIOBase) else stream
    for number, line in enumerate(lines):
        if number == 0:
            line = line.removeprefix(_BOM)
        yield line.removesuffix(b"\n").removesuffix(b"\r")


class ByteRange(NamedTuple):
    """Whole lines of a plain file: from byte `start` up to byte `end`; the first is line `first_line` of the file."""

    start: int
    end: int
    first_line: int


def byte_ranges(path: Path, count: int) -> list[ByteRange]:
    """Cut the file into at most `count` ranges of about the same size, every line in just one of them.

    Args:
        path: a plain file, see `is_compressed`.
    """
    size = path.stat().st_size
    cuts = {0, size}
    with path.open("rb") as stream:
        for index in range(1, count):
            stream.seek(size * index // count)
            cuts.add(_line_end(stream))
        bounds = sorted(cuts)
        ranges, line = [], 1
        for start, end in pairwise(bounds):
            ranges.append(ByteRange(start, end, line))
            line += _line_ends(stream, start, end) if end < size else 0
    return ranges


def lines_of(path: Path, within: ByteRange) -> Iterator[tuple[int, bytes]]:
    """Yield byte offset and bytes of each line, as `raw_lines` does: no ending, no mark, of long ones the start."""
    room = _room()
    mark = 0 if within.start else _mark(path)
    offset, left = within.start + mark, within.end - within.start - mark
    tail, dropped = b"", 0  # a line's begin that the next chunk goes on with, and how much of it is let go
    with path.open("rb", buffering=0) as stream:
        stream.seek(offset)
        while left and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            lines = chunk.split(b"\n")
            lines[0] = tail + lines[0]
            tail = lines.pop()
            for line in lines:
                if len(line) > room:
                    dropped += len(line) - room
                    line = line[:room]
                yield offset, line.removesuffix(b"\r")
                offset += len(line) + dropped + 1
                dropped = 0
            if len(tail) > room:
                dropped += len(tail) - room
                tail = tail[:room]
    if tail or dropped or (mark and within.end == mark):  # a mark alone is a line without anything
        yield offset, tail.removesuffix(b"\r")


def _mark(path: Path) -> int:
    """Return the length of the byte order mark that the file begins with."""
    with path.open("rb") as stream:
        return len(_BOM) if stream.read(len(_BOM)) == _BOM else 0


def is_compressed(path: Path) -> bool:
    """Whether the file is packed with gzip, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(len(_GZIP)) == _GZIP


def _line_end(stream: BinaryIO) -> int:
    """Return the offset after the next line ending."""
    while (part := stream.readline(_CHUNK)) and not part.endswith(b"\n"):
        pass
    return stream.tell()


def _line_ends(stream: BinaryIO, start: int, end: int) -> int:
    stream.seek(start, os.SEEK_SET)
    count = 0
    while start < end and (chunk := stream.read(min(_CHUNK, end - start))):
        count += chunk.count(b"\n")
        start += len(chunk)
    return count


def unpack(packed: BinaryIO, plain: BinaryIO, name: str) -> None:
    """Write what a stream holds into a file, of a line longer than `MAX_LINE_BYTES` only the start.

    Args:
        name: of the packed file, for the message.

    Raises:
        UserError: a line is longer than `MAX_UNREAD_BYTES`.
    """
    room, length, number = _room(), 0, 1  # length: bytes so far of the line that the last chunk ended in
    while chunk := packed.read(_CHUNK):
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            plain.write(part[: max(0, room - length)] + b"\n")
            length = 0
        number += len(ended)
        plain.write(rest[: max(0, room - length)])
        length += len(rest)
        _check_unread(length, number, name)


def _check_unread(unread: int, number: int, name: str) -> None:
    if unread > MAX_UNREAD_BYTES:
        raise UserError(
            f"line {number} of the compressed manifest {name} is longer than {MAX_UNREAD_BYTES:,} bytes: "
            "it is not a manifest"
        )


def _room() -> int:
    """Return the bytes to read for a line, with the mark and the ending, which are not part of it."""
    return MAX_LINE_BYTES + len(_BOM + b"\r\n")


def _bounded(stream: io.BufferedIOBase) -> Iterator[bytes]:
    room = _room()
    number = 0
    try:
        while line := stream.readline(room):
            number += 1
            yield line
            unread = 0
            while len(line) == room and not line.endswith(b"\n"):
                line = stream.readline(room)
                unread += len(line)
                _check_unread(unread, number, getattr(stream, "name", ""))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        name = getattr(stream, "name", "")
        raise UserError(
            f"the compressed manifest {name} is damaged after line {number} ({error}): download or pack it again"
        ) from None
