"""Which image each output of a Batch Transform job, or of an asynchronous endpoint, belongs to.

An output has the name of its image with `.out` behind it. How much of the image's folders survives is not documented
alike everywhere, so the longest tail of path parts that an output shares with one image alone decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

import msgspec

from groundloop.detections.transform_output import SUFFIX

#: What Batch Transform reads: `[{"prefix": "s3://bucket/folder/"}, "a.jpg", ...]`.
MANIFEST_FILE = "manifest.json"


class _Head(msgspec.Struct):
    prefix: str


class OutputPairs:
    """Finds the image of an output.

    Args:
        images: by the name that an output may have, without `.out`, the path or URI of each image.
    """

    def __init__(self, images: Mapping[str, str]) -> None:
        self._exact = dict(images)
        self._by_tail: defaultdict[str, set[str]] = defaultdict(set)
        for image in images.values():
            for tail in _tails(image):
                self._by_tail[tail].add(image)

    def image_of(self, output: str) -> str | None:
        """Return the image of an output; None where none fits, or several do equally well.

        Args:
            output: path or URI of the `.out` file.
        """
        tails = _tails(output.removesuffix(SUFFIX))
        exact = next((self._exact[tail] for tail in tails if tail in self._exact), None)
        if exact is not None:
            return exact
        fitting = next((self._by_tail[tail] for tail in tails if tail in self._by_tail), set())
        return next(iter(fitting)) if len(fitting) == 1 else None


def of_manifest_file(content: bytes) -> dict[str, str] | None:
    """Return the images of Batch Transform's ManifestFile, by relative name; None if it is something else."""
    try:
        head, *names = msgspec.json.decode(content)
        prefix = msgspec.convert(head, _Head).prefix
        return {name: prefix + name for name in msgspec.convert(names, list[str])}
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, ValueError):
        return None


def of_names(images: Iterable[str], folder: str) -> dict[str, str]:
    """Return images by their names relative to a folder or prefix."""
    start = folder.rstrip("/") + "/"
    return {image.removeprefix(start): image for image in images}


def _tails(name: str) -> list[str]:
    """Return the tails of a path, longest first.

    Example:
        >>> _tails("s3://b/a/c.jpg")
        ['b/a/c.jpg', 'a/c.jpg', 'c.jpg']
    """
    parts = PurePosixPath(name.removeprefix("s3://")).parts
    return ["/".join(parts[start:]) for start in range(len(parts))]
