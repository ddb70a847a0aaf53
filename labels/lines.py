"""From a file to raw lines: plain or gzip, LF or CRLF, with or without byte order mark, however long a line is."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from labels.errors import UserError

LONGEST_LINE = 100_000
"""Characters that Ground Truth allows one object of a manifest (developer guide, "Use an input manifest file")."""

LINE_LIMIT = 10_000_000
"""Bytes beyond which a line is refused unread, so that a file without line ends cannot fill the memory."""

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


def open_manifest(path: Path) -> BinaryIO:
    """The file, ready to be read as lines; a gzip file, known by its first bytes, is unpacked on the way.

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
    """Lines without their ending (LF or CRLF); a byte order mark at the start is dropped.

    Of a line longer than `LINE_LIMIT` only the start comes out, a little longer than that: the reader refuses it by
    its length.

    Raises:
        UserError: the stream is compressed and damaged.
    """
    lines = _bounded(stream) if isinstance(stream, io.BufferedIOBase) else stream
    for number, line in enumerate(lines):
        if number == 0:
            line = line.removeprefix(_BOM)
        yield line.removesuffix(b"\n").removesuffix(b"\r")


def _bounded(stream: io.BufferedIOBase) -> Iterator[bytes]:
    # Room for the mark and the ending, which are no part of the line.
    room = LINE_LIMIT + len(_BOM + b"\r\n")
    number = 0
    try:
        while line := stream.readline(room):
            number += 1
            yield line
            while len(line) == room and not line.endswith(b"\n"):
                line = stream.readline(room)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        name = getattr(stream, "name", "")
        raise UserError(
            f"the compressed manifest {name} is damaged after line {number} ({error}): download or pack it again"
        ) from None
