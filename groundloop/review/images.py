"""The images of a queue as the page gets them: the stored pixels, whatever an EXIF orientation says of them.

Browsers rotate an image by its EXIF orientation, while labels and the training algorithm mean the pixels as they are
stored. So the orientation is set to "as stored" in the bytes that are sent; nothing is encoded again.
"""

from __future__ import annotations

import hashlib
import io
import struct
import threading
import warnings
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from groundloop.images.access import ImageFault, Images, UnusableImageError
from groundloop.images.local import FolderImages
from groundloop.images.size import EXIF_ORIENTATION, UPRIGHT
from groundloop.s3 import SCHEME

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
#: Bytes of encoded images that are kept in memory: what a reviewer looks at now and next.
_CACHE_BYTES = 48_000_000


class Rendition(Enum):
    """A size in which an image is sent; the value is the longest side in pixels, None for the file itself."""

    FULL = None
    PREVIEW = 2048
    THUMBNAIL = 320


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """An encoded image.

    Attributes:
        media_type: image/jpeg or image/png.
        etag: changes with the content.
        is_file: whether these are the file's own bytes, so that it may as well be read from where it is.
    """

    body: bytes
    media_type: str
    etag: str
    is_file: bool = False


class FolderFiles:
    """Images of one folder, by their names below it, or by the S3 URIs that labels have for them.

    Nothing outside of the folder is read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._by_uri: FolderImages | None = None

    def size(self, source_ref: str) -> int:
        """Return the size of the file in bytes."""
        return self._file(source_ref).stat().st_size

    def body(self, source_ref: str) -> bytes:
        """Return the file's content."""
        if source_ref.startswith(SCHEME):
            self._by_uri = self._by_uri or FolderImages(self._folder)
            return self._by_uri.body(source_ref)
        try:
            return self._file(source_ref).read_bytes()
        except OSError as error:
            raise UnusableImageError(ImageFault.INVALID, f"the image can't be read: {error.strerror}") from None

    def _file(self, source_ref: str) -> Path:
        path = (self._folder / source_ref).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():
            raise UnusableImageError(
                ImageFault.MISSING, f"there is no file {source_ref} in {self._folder}: put it back"
            )
        return path


class QueueImages:
    """Images in the sizes that the page asks for; the last ones are kept in memory."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._kept: OrderedDict[tuple[str, Rendition], EncodedImage] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, source_ref: str, rendition: Rendition) -> EncodedImage:
        """Return an image.

        Raises:
            UnusableImageError: it can't be read, or is neither JPEG nor PNG.
            UserError: no image can be read.
        """
        with self._lock:
            kept = self._kept.get((source_ref, rendition))
            if kept is not None:
                self._kept.move_to_end((source_ref, rendition))
                return kept
        body = self._images.body(source_ref)
        media_type = _media_type(body)
        smaller = None if rendition.value is None else _smaller(body, rendition.value)
        image = _encoded(smaller, "image/jpeg") if smaller else _encoded(as_stored(body), media_type, body)
        self._keep((source_ref, rendition), image)
        return image

    def _keep(self, key: tuple[str, Rendition], image: EncodedImage) -> None:
        with self._lock:
            self._kept[key] = image
            while len(self._kept) > 1 and sum(len(one.body) for one in self._kept.values()) > _CACHE_BYTES:
                self._kept.popitem(last=False)


def as_stored(body: bytes) -> bytes:
    """Return an encoded JPEG or PNG with its EXIF orientation set to 1; all else stays byte for byte."""
    if body.startswith(_JPEG):
        return _jpeg_as_stored(body)
    if body.startswith(_PNG):
        return _png_as_stored(body)
    return body


def _media_type(body: bytes) -> str:
    """Return the type by the file's first bytes: a name or a header may lie."""
    if body.startswith(_JPEG):
        return "image/jpeg"
    if body.startswith(_PNG):
        return "image/png"
    raise UnusableImageError(
        ImageFault.INVALID, "the file is neither JPEG nor PNG, which is all that the built-in algorithm takes"
    )


def _encoded(body: bytes, media_type: str, file: bytes | None = None) -> EncodedImage:
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    return EncodedImage(body, media_type, etag, is_file=body == file)


def _smaller(body: bytes, longest: int) -> bytes | None:
    """Return the stored pixels as a JPEG of at most that longest side; None for an image that is no larger."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body)) as image:
                if max(image.size) <= longest:
                    return None
                # The JPEG decoder scales while it decodes: less memory, much faster.
                image.draft("RGB", (longest, longest))
                picture = image.convert("RGB")
                picture.thumbnail((longest, longest), Image.Resampling.BILINEAR, reducing_gap=2.0)
    except Exception as error:  # decoders raise every kind
        raise UnusableImageError(
            ImageFault.INVALID, f"the image can't be decoded ({type(error).__name__}): answer it as a bad image"
        ) from None
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _jpeg_as_stored(body: bytes) -> bytes:
    """Look through the segments before the pixels for EXIF (CIPA DC-008, "Exif")."""
    place = 2
    while place + 4 <= len(body) and body[place] == 0xFF:
        marker, (length,) = body[place + 1], struct.unpack_from(">H", body, place + 2)
        if marker == 0xDA:  # start of scan
            break
        if marker == 0xE1 and body[place + 4 : place + 10] == _EXIF:
            start = place + 4 + len(_EXIF)
            value = _orientation_offset(body[start : place + 2 + length])
            if value is not None:
                offset, order = value
                return _with_upright(body, start + offset, order)
        place += 2 + length
    return body


def _png_as_stored(body: bytes) -> bytes:
    """Look through the chunks for `eXIf`, and give a changed one its new checksum (PNG, third edition, 5.3)."""
    place = len(_PNG)
    while place + 12 <= len(body):
        (length,), kind = struct.unpack_from(">I", body, place), body[place + 4 : place + 8]
        if kind == b"eXIf":
            start = place + 8
            value = _orientation_offset(body[start : start + length])
            if value is None:
                return body
            changed = _with_upright(body, start + value[0], value[1])
            checksum = struct.pack(">I", zlib.crc32(changed[place + 4 : start + length]))
            return changed[: start + length] + checksum + changed[start + length + 4 :]
        place += 12 + length
    return body


def _orientation_offset(tiff: bytes) -> tuple[int, str] | None:
    """Return where the orientation's value lies in a TIFF block, and the byte order; None where it has none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    try:
        if order is None:
            return None
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for number in range(entries):
            entry = directory + 2 + 12 * number
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if tag == EXIF_ORIENTATION and kind == 3 and entry + 10 <= len(tiff):  # SHORT
                return entry + 8, order
    except struct.error:  # cut off: browsers find no orientation there either
        pass
    return None


def _with_upright(body: bytes, offset: int, order: str) -> bytes:
    return body[:offset] + struct.pack(f"{order}H", UPRIGHT) + body[offset + 2 :]
