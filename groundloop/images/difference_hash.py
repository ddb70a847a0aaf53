"""Difference hashes, by which copies of an image are found though their files differ.

A copy that was scaled, encoded again or taken a moment later differs in few bits. The algorithm: Neal Krawetz,
"Kind of Like That" (The Hacker Factor Blog, 2013): the image as 9 x 8 grey pixels, one bit for each two neighbours in a
row.
"""

from __future__ import annotations

import io
import warnings

BITS = 64
_COLUMNS, _ROWS = 9, 8


def difference_hash(body: bytes) -> int | None:
    """Return the 64-bit difference hash of an encoded image.

    Returns:
        None for an image that can't be decoded, and for one of a single shade: its hash says nothing.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body)) as image:
                # The JPEG decoder scales while it decodes, which is much faster.
                image.draft("L", (8 * _COLUMNS, 8 * _ROWS))
                grey = image.convert("L").resize((_COLUMNS, _ROWS), Image.Resampling.BOX)
    except Exception:  # decoders raise every kind; what is damaged is nobody's copy
        return None
    pixels = grey.tobytes()
    if min(pixels) == max(pixels):
        return None
    found = 0
    for row in range(_ROWS):
        for column in range(_COLUMNS - 1):
            place = row * _COLUMNS + column
            found = found << 1 | (pixels[place] > pixels[place + 1])
    return found


def distance(one: int, other: int) -> int:
    """Return in how many bits two hashes differ.

    Example:
        >>> distance(0b1011, 0b0010)
        2
    """
    return (one ^ other).bit_count()
