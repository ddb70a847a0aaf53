from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.records import Box

MakeImage = Callable[[Path, int, int], None]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.fixture(scope="session")
def make_image() -> MakeImage:
    """Write a PNG that is all header, so that an image of any size takes no time."""

    def make(path: Path, width: int, height: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b""))

    return make


@pytest.fixture
def screws() -> LabelledDataset:
    """Two labelled images in two folders and a negative; class ids not in the alphabet's order."""
    return LabelledDataset(
        (
            LabelledImage("a.png", 200, 100, (Box("nut", 10, 20, 30, 40), Box("bolt", 0, 0, 200, 100))),
            LabelledImage("b/empty.png", 64, 64),
            LabelledImage("b/a.v2.png", 333, 77, (Box("nut", 332, 76, 1, 1),)),
        ),
        ("nut", "bolt", "washer"),
    )


@pytest.fixture
def pictures(tmp_path: Path, screws: LabelledDataset, make_image: MakeImage) -> Path:
    """The folder with the image files of `screws`."""
    for image in screws.images:
        make_image(tmp_path / "pictures" / image.name, image.width, image.height)
    return tmp_path / "pictures"
