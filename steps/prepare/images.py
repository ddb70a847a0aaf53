"""Looking at the images before a job that one bad image would fail: Batch Transform stops at the first."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from itertools import islice
from typing import Any, Protocol, TypeVar

import msgspec

from labels.errors import UserError
from labels.findings import Code, Finding, Severity
from labels.records import Kind, Line, Record

# AWS does not say whether its MB is 10^6 or 2^20 bytes: the smaller one is right either way.
MEGABYTE = 1_000_000
THREADS = 16
ATTEMPTS = 4
# Lines handed to the threads at a time: bounds what is in flight however long the manifest is.
BATCH = 1024
# Ground Truth itself takes no image beyond this; decoding a crafted bigger one could exhaust memory.
MOST_PIXELS = 100_000_000
# EXIF orientations that turn an image by 90 or 270 degrees.
TURNED = frozenset({5, 6, 7, 8})

_Answer = TypeVar("_Answer")
_MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
_FORBIDDEN = frozenset({"403", "AccessDenied", "Forbidden"})


class Check(str, Enum):
    """How closely to look."""

    NONE = "none"
    EXISTS = "exists"
    OPEN = "open"


class UnusableImageError(Exception):
    """An image that cannot be had; its text is the finding's message."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class Images(Protocol):
    """Where images are kept. Both methods are called from several threads.

    Raises:
        UnusableImageError: this image cannot be had.
        UserError: none can.
    """

    def size(self, source_ref: str) -> int:
        """Bytes of the encoded image."""

    def body(self, source_ref: str) -> bytes:
        """The encoded image."""


class ImageChecker:
    """Checks images in parallel.

    Args:
        check: EXISTS asks for each image's size in bytes; OPEN also decodes the image.
        max_bytes: bigger images are findings: Batch Transform refuses them.
        images: where they are; by default in S3, in the region that the environment says.

    Raises:
        UserError: S3 cannot be asked at all (no credentials, no connection, a refused key).
    """

    def __init__(self, check: Check, max_bytes: int, images: Images | None = None) -> None:
        self._check = check
        self._max_bytes = max_bytes
        self._images = S3Images() if images is None else images

    def findings(self, lines: Iterable[Line]) -> Iterator[tuple[Line, Finding | None]]:
        """Each line that has a record, in order, with what is wrong with its image (None: nothing)."""
        remaining = iter(lines)
        with ThreadPoolExecutor(THREADS) as pool:
            while batch := list(islice(remaining, BATCH)):
                yield from zip(batch, pool.map(self._look, batch), strict=True)

    def _look(self, line: Line) -> Finding | None:
        record = line.record
        if record is None:
            raise ValueError(f"line {line.number} has no record: only accepted lines have an image to look at")
        problem = self._problem(record)
        return None if problem is None else Finding(problem[0], problem[1], line.number, record.source_ref)

    def _problem(self, record: Record) -> tuple[Code, str] | None:
        try:
            size = self._images.size(record.source_ref)
            if size > self._max_bytes:
                return Code.IMAGE_TOO_LARGE, (
                    f"the image has {size / MEGABYTE:.1f} MB, over the {self._max_bytes / MEGABYTE:g} MB that Batch "
                    "Transform is set to take: make it smaller or raise the payload limit (at most 100 MB)"
                )
            if size == 0:
                return Code.INVALID_IMAGE, "the image is empty (0 bytes): upload it again"
            if self._check is Check.OPEN:
                return image_problem(self._images.body(record.source_ref), record.width, record.height)
        except UnusableImageError as error:
            return error.code, str(error)
        return None


class S3Images:
    """Images in S3, through one client (boto3 clients are safe to share between threads).

    Args:
        region: None leaves it to the environment.
    """

    def __init__(self, region: str | None = None) -> None:
        self._s3 = _client(region)

    def size(self, source_ref: str) -> int:
        return int(self._ask(self._s3.head_object, source_ref)["ContentLength"])

    def body(self, source_ref: str) -> bytes:
        return self._ask(self._read, source_ref)

    def _read(self, **place: str) -> bytes:
        body: bytes = self._s3.get_object(**place)["Body"].read()
        return body

    def _ask(self, operation: Callable[..., _Answer], source_ref: str) -> _Answer:
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

        bucket, _, key = source_ref.removeprefix("s3://").partition("/")
        try:
            return operation(Bucket=bucket, Key=key)
        except ClientError as error:
            raise _refusal(error.response.get("Error", {}), source_ref) from None
        except ParamValidationError as error:
            raise UnusableImageError(
                Code.INVALID_SOURCE_REF, f"S3 cannot hold such a name: {_one_line(error)}"
            ) from None
        except BotoCoreError as error:
            raise UserError(f"S3 cannot be reached to look at {source_ref}: {_one_line(error)}") from None


def sizes_of(source_refs: Sequence[str], images: Images | None = None) -> dict[str, tuple[int, int]]:
    """Width and height in pixels of images, as they are stored; read in parallel.

    Raises:
        UserError: S3 cannot be asked, or an image is missing or none; the text names it.
    """
    place = S3Images() if images is None else images
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(source_refs, pool.map(lambda one: _stored_size(place, one), source_refs), strict=True))


def _stored_size(images: Images, source_ref: str) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(images.body(source_ref))) as image:
            return image.size
    except UnusableImageError as error:
        raise UserError(f"the size of {source_ref} can't be found out: {error}") from None
    except Exception as error:  # decoders raise every kind
        raise UserError(f"the size of {source_ref} can't be found out: {_one_line(error)}") from None


def judged(line: Line, finding: Finding | None) -> Line:
    """The line with what was found of its image: an error rejects it, a warning is only told."""
    if finding is None:
        return line
    told = msgspec.structs.replace(line, findings=(*line.findings, finding))
    if finding.severity is Severity.WARNING:
        return told
    return msgspec.structs.replace(told, kind=Kind.REJECTED, record=None)


def image_problem(body: bytes, width: int, height: int) -> tuple[Code, str] | None:
    """What the built-in algorithm or the labels would stumble over in one image; None when all is well.

    A warning's code means that the image can be used.

    Args:
        body: the encoded image.
        width, height: the size in pixels that the label's image_size gives.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(body)) as image:
            if image.width * image.height > MOST_PIXELS:
                return Code.INVALID_IMAGE, f"the image has {image.width} x {image.height} pixels, too many to decode"
            image.load()
            size, bands, mode = image.size, len(image.getbands()), image.mode
            turned = image.getexif().get(0x0112) in TURNED
    # Decoders raise every kind of error on damaged data: whichever it is, the image is unreadable.
    except Exception as error:
        return Code.INVALID_IMAGE, f"the image cannot be decoded: {_one_line(error)}"
    if size != (width, height):
        hint = "; its EXIF orientation turns it, so store it upright and label it again" if turned else ""
        told = f"the image has {size[0]} x {size[1]} pixels but its label says {width} x {height}{hint}"
        return Code.IMAGE_SIZE_DIFFERS, told
    if bands != 3:
        return Code.IMAGE_CHANNELS, (
            f"the image has {bands} channel{'s' if bands != 1 else ''} (mode {mode}) but the built-in algorithm takes "
            "three: save it as RGB"
        )
    if turned:
        return Code.IMAGE_TURNED, (
            "the label fits the image as it is stored, but its EXIF orientation turns it in viewers: check that the "
            "boxes are where they should be, or store it upright"
        )
    return None


def _client(region: str | None) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, NoCredentialsError

    retries: Any = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    config = Config(max_pool_connections=THREADS, retries=retries, connect_timeout=10)
    try:
        session = boto3.Session(region_name=region)
        if session.get_credentials() is None:
            raise NoCredentialsError
        return session.client("s3", config=config)
    except BotoCoreError as error:
        raise UserError(
            f"the images cannot be looked at: {_one_line(error)}; give AWS credentials, or switch the look off "
            "(in Prepare with --check-images none)"
        ) from None


def _refusal(error: Any, source_ref: str) -> Exception:
    code = error.get("Code", "")
    if code in _MISSING:
        return UnusableImageError(Code.IMAGE_MISSING, "the image is not in S3: upload it, or correct the source-ref")
    if code in _FORBIDDEN:
        return UnusableImageError(
            Code.IMAGE_FORBIDDEN,
            "S3 denies access to the image: allow s3:GetObject there (without s3:ListBucket, a missing image looks the "
            "same)",
        )
    return UserError(f"S3 refuses to show {source_ref}: {code}: {error.get('Message', 'no reason given')}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
