"""Damage to one file, in the ways that its format can be damaged; the same seed gives the same damage."""

from __future__ import annotations

import functools
import gzip
import io
import json
import random
import re
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from benchmarks.fuzz import odd_values

Damage: TypeAlias = Callable[[bytes, random.Random], bytes]

_ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp1252")
_BOMB_BYTES = 150_000_000


class _Text(str):
    """A part of a file as it stands there."""

    __slots__ = ()


def damage(name: str, content: bytes, chooser: random.Random) -> bytes:
    """Damage a file in one to three places, by the format that its name says."""
    for _ in range(chooser.choice([1, 1, 1, 2, 3])):
        content = chooser.choice(_DAMAGES.get(_suffix(name), [any_bytes]))(content, chooser)
    return content


def _suffix(name: str) -> str:
    suffixes = PurePosixPath(name).suffixes[-2:]
    return "".join(suffixes) if suffixes[-1:] == [".gz"] else suffixes[-1] if suffixes else ""


# Bytes of any format.


def any_bytes(content: bytes, chooser: random.Random) -> bytes:
    """Change, cut out, repeat or cut off some bytes."""
    start = chooser.randrange(len(content) + 1)
    end = start + chooser.choice([0, 1, 1, 2, 8, 50])
    form = chooser.randrange(6)
    if form == 0:
        return content[:start]
    if form == 1:
        return content[:start] + content[end:]
    if form == 2:
        return content[:end] + content[start:]
    return content[:start] + chooser.choice(odd_values.BYTES) + content[end:]


def whole_file(content: bytes, chooser: random.Random) -> bytes:
    """Put something else in the file's place: nothing, another encoding, zeros, or the file twice."""
    form = chooser.randrange(5)
    if form == 0:
        return b""
    if form == 1:
        return b"\0" * chooser.choice([1, 100, 1_000_000])
    if form == 2:
        return content + content
    return content.decode(errors="replace").encode(chooser.choice(_ENCODINGS), "replace")


# JSON, whole or by lines.


def json_file(content: bytes, chooser: random.Random) -> bytes:
    """Replace, add, rename, repeat or remove something in a JSON text."""
    try:
        tree: Any = json.loads(content, object_pairs_hook=_pairs, parse_int=_Text, parse_float=_Text)
        places: list[tuple[list[Any], int]] = []
        _collect(tree, places)
        if not places:
            return chooser.choice(odd_values.JSON_VALUES).encode(errors="surrogatepass")
        container, index = chooser.choice(places)
        _change(container, index, chooser)
        return _dumped(tree).encode(errors="surrogatepass")
    except (ValueError, RecursionError):  # what was damaged before
        return any_bytes(content, chooser)


def _pairs(pairs: list[tuple[str, Any]]) -> list[Any]:
    """Return an object as a list, marked by its first item, so that keys can be odd and appear twice."""
    return [dict, *([key, value] for key, value in pairs)]


def _collect(tree: Any, places: list[tuple[list[Any], int]]) -> None:
    if not isinstance(tree, list):
        return
    is_object = tree[:1] == [dict]
    for index, item in enumerate(tree):
        if is_object and index == 0:
            continue
        places.append((tree, index))
        _collect(item[1] if is_object else item, places)


def _change(container: list[Any], index: int, chooser: random.Random) -> None:
    odd = _Text(chooser.choice(odd_values.JSON_VALUES))
    is_object = container[0] is dict
    form = chooser.randrange(10)
    if form == 0:
        del container[index]
    elif form == 1:
        container.insert(index, container[index])
    elif form == 2:
        container[index:index] = [container[index]] * chooser.choice([10, 300, 3_000])
    elif is_object and form == 3:
        container[index] = [_Text(chooser.choice(odd_values.JSON_KEYS)), container[index][1]]
    elif is_object and form == 4:
        container.append([_Text(chooser.choice(odd_values.JSON_KEYS)), odd])
    elif is_object:
        container[index] = [container[index][0], odd]
    else:
        container[index] = odd


def _dumped(tree: Any) -> str:
    texts: dict[int, str] = {}  # of what stands at several places

    def text(item: Any) -> str:
        if isinstance(item, _Text):
            return str(item)
        if not isinstance(item, list):
            return json.dumps(item)
        if id(item) not in texts:
            if item[:1] == [dict]:
                inner = ", ".join(f"{text(key)}: {text(value)}" for key, value in item[1:])
                texts[id(item)] = "{" + inner + "}"
            else:
                texts[id(item)] = "[" + ", ".join(map(text, item)) + "]"
        return texts[id(item)]

    return text(tree)


def json_line(content: bytes, chooser: random.Random) -> bytes:
    """Damage one of the lines, each of which is JSON."""
    lines = content.split(b"\n")
    index = chooser.randrange(len(lines))
    lines[index] = json_file(lines[index], chooser).replace(b"\n", b" ")
    return b"\n".join(lines)


# Text formats.


def yaml_file(content: bytes, chooser: random.Random) -> bytes:
    """Replace the value of a key, or put in an odd line."""
    lines = content.decode(errors="replace").split("\n")
    keys = [index for index, line in enumerate(lines) if re.match(r"^[^#]*\w:( |$)", line)]
    if keys and chooser.random() < 0.8:
        index = chooser.choice(keys)
        lines[index] = lines[index].partition(": ")[0].rstrip(":") + ": " + chooser.choice(odd_values.YAML_VALUES)
    else:
        lines.insert(chooser.randrange(len(lines) + 1), chooser.choice(odd_values.YAML_LINES))
    return "\n".join(lines).encode(errors="surrogatepass")


def cells(content: bytes, chooser: random.Random) -> bytes:
    """Replace, add or repeat words or cells of a table."""
    found = list(re.finditer(rb"[^,\s]+", content))
    if not found:
        return chooser.choice(odd_values.CELLS).encode()
    cell = chooser.choice(found)
    odd = chooser.choice(odd_values.CELLS).encode()
    form = chooser.randrange(6)
    if form == 0:
        odd = (cell[0][:1_000] + b",") * 2_000
    elif form == 1:
        odd = cell[0] + b"," + odd
    return content[: cell.start()] + odd + content[cell.end() :]


def xml_file(content: bytes, chooser: random.Random) -> bytes:
    """Replace the content of an element or a part of its tag, or add a document type with entities."""
    found = list(re.finditer(rb"(?<=>)[^<]*(?=<)|(?<=<)/?\w+", content))
    if not found or chooser.random() < 0.1:
        return odd_values.DOCTYPE + content
    part = chooser.choice(found)
    odd = chooser.choice(odd_values.XML_PARTS).encode(errors="surrogatepass")
    return content[: part.start()] + odd + content[part.end() :]


# Compressed files, archives and images.


def gzip_of(inner: Damage) -> Damage:
    """Damage what is compressed, or make it a bomb."""

    def change(content: bytes, chooser: random.Random) -> bytes:
        if chooser.random() < 0.02:
            return _bomb()
        try:
            plain = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return any_bytes(content, chooser)
        return gzip.compress(inner(plain, chooser), mtime=0)

    return change


@functools.cache
def _bomb() -> bytes:
    """Return a small gzip file of one line that is very long."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed:
        for _ in range(_BOMB_BYTES // 1_000_000):
            packed.write(b"\0" * 1_000_000)
    return stream.getvalue()


def tar_archive(content: bytes, chooser: random.Random) -> bytes:
    """Add an entry that would leave the folder, is no file, or says a size that it has not."""
    stream = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as old:
                for member in old.getmembers():
                    body = old.extractfile(member)
                    data = body.read() if body else b""
                    if chooser.random() < 0.5:
                        data = any_bytes(data, chooser)
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
        except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, KeyError, RecursionError):
            return any_bytes(content, chooser)
        names = ("../x", "/x", "a/../../x", "x" * 5_000, odd_values.HOSTILE, "hyperparams.json", ".", "\udcff")
        entry = tarfile.TarInfo(chooser.choice(names))
        kinds = (tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)
        entry.type = chooser.choice(kinds)
        entry.linkname = chooser.choice(names)
        tar.addfile(entry)
    return stream.getvalue()


def zip_archive(content: bytes, chooser: random.Random) -> bytes:
    """Add a file with an odd name."""
    stream = io.BytesIO(content)
    try:
        with warnings.catch_warnings(), zipfile.ZipFile(stream, "a") as archive:
            warnings.simplefilter("ignore", UserWarning)  # one more file of a name is a damage too
            name = chooser.choice(("../x", "x" * 5_000, odd_values.HOSTILE, ""))
            archive.writestr(zipfile.ZipInfo(name), b"x")
    except (zipfile.BadZipFile, ValueError, OSError, struct.error, NotImplementedError, EOFError):
        return any_bytes(content, chooser)
    return stream.getvalue()


def image_header(content: bytes, chooser: random.Random) -> bytes:
    """Say another size in a PNG's header; change the first bytes of another image."""
    if content.startswith(b"\x89PNG"):
        sides = struct.pack(">II", chooser.choice([0, 1, 65_535, 2**31 - 1]), chooser.choice([0, 64, 65_535]))
        header = b"IHDR" + sides + content[24:29]
        return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]
    start = chooser.randrange(min(len(content), 300) + 1)
    return content[:start] + chooser.choice(odd_values.BYTES) + content[start + 1 :]


_DAMAGES: dict[str, list[Damage]] = {
    ".json": [json_file, json_file, json_file, json_file, any_bytes, whole_file],
    ".out": [json_file, json_file, json_file, any_bytes, whole_file],
    ".manifest": [json_line, json_line, json_line, json_line, any_bytes, whole_file],
    ".manifest.gz": [gzip_of(json_line), gzip_of(json_line), any_bytes, gzip_of(any_bytes)],
    ".jsonl": [json_line, json_line, json_line, any_bytes],
    ".yaml": [yaml_file, yaml_file, yaml_file, yaml_file, any_bytes, whole_file],
    ".csv": [cells, cells, cells, any_bytes, whole_file],
    ".csv.gz": [gzip_of(cells), gzip_of(cells), gzip_of(any_bytes), any_bytes],
    ".txt": [cells, cells, cells, any_bytes, whole_file],
    ".xml": [xml_file, xml_file, xml_file, any_bytes, whole_file],
    ".tar.gz": [tar_archive, tar_archive, any_bytes],
    ".zip": [zip_archive, any_bytes],
    ".png": [image_header, any_bytes, any_bytes],
    ".jpg": [image_header, any_bytes, any_bytes],
}
