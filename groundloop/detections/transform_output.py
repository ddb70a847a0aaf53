"""Matching of Batch Transform outputs to their images.

Outputs are named `<key>.out`, but how much of the key's folders survives is not documented alike everywhere. So an
output belongs to the image with which it shares the longest tail of path parts; a tie is an error and never a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError

SUFFIX = ".out"
_NAMED = 5

Parts = tuple[str, ...]


def find_outputs(folder: Path) -> list[Path]:
    """Find every `.out` file in the folder and below, sorted.

    Raises:
        UserError: the folder is missing or holds none.
    """
    if not folder.is_dir():
        raise UserError(f"the predictions folder {folder} does not exist: did the transform job run?")
    found = sorted(path for path in folder.rglob(f"*{SUFFIX}") if path.is_file())
    if not found:
        raise UserError(f"the predictions folder {folder} holds no {SUFFIX} file: did the transform job run?")
    return found


def read_outputs(folder: Path, names: Sequence[str], classes: Sequence[str]) -> tuple[dict[str, Detections], int]:
    """Read the detections of images from the output folder of a Batch Transform job.

    Args:
        folder: holds one `.out` file for each image, in sub-folders or not.
        names: of the images, all different.
        classes: names in id order.

    Returns:
        The detections by the image's name, and the number of outputs that belong to no image.

    Raises:
        UserError: an output is missing, broken, or fits several images equally well; the message names the file.
    """
    found = [path.relative_to(folder).as_posix() for path in find_outputs(folder)]
    outputs = dict(zip(names, match_outputs(names, found), strict=True))
    detections = {
        name: Detections.from_sagemaker((folder / output).read_bytes(), classes, str(folder / output))
        for name, output in outputs.items()
    }
    return detections, len(found) - len(outputs)


def match_outputs(source_refs: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """Find the output of each image, in the images' order.

    Args:
        source_refs: S3 URIs of the images, all different.
        outputs: relative paths of the `.out` files, `/` between parts.

    Raises:
        UserError: an output that fits several images equally well, several outputs that fit one image equally well,
            or images without an output (an image that failed gets none).
    """
    by_tail: defaultdict[Parts, list[int]] = defaultdict(list)
    for index, source_ref in enumerate(source_refs):
        for tail in _tails(PurePosixPath(source_ref.removeprefix("s3://")).parts):
            by_tail[tail].append(index)
    best: dict[int, tuple[int, str]] = {}
    for output in outputs:
        known_tails = [tail for tail in _tails(PurePosixPath(output.removesuffix(SUFFIX)).parts) if tail in by_tail]
        if not known_tails:
            continue  # an output of some other image: not checked here
        tail = known_tails[0]  # the longest
        fitting = by_tail[tail]
        if len(fitting) > 1:
            images = ", ".join(source_refs[index] for index in fitting[:_NAMED])
            raise UserError(
                f"the output {output} fits {len(fitting)} images equally well ({images}): give the images different "
                "file names"
            )
        image, length = fitting[0], len(tail)
        known = best.get(image)
        if known is not None and known[0] == length:
            raise UserError(
                f"the outputs {known[1]} and {output} fit the image {source_refs[image]} equally well: "
                "empty the predictions folder and predict again"
            )
        if known is None or known[0] < length:
            best[image] = (length, output)
    missing = [source_ref for index, source_ref in enumerate(source_refs) if index not in best]
    if missing:
        first = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
        raise UserError(
            f"{len(missing)} of {len(source_refs)} images have no prediction ({first}): they failed in the transform "
            "job, whose log says why"
        )
    return [best[index][1] for index in range(len(source_refs))]


def _tails(parts: Parts) -> Iterator[Parts]:
    """Split `a/b/c` into `a/b/c`, `b/c`, `c`."""
    return (parts[start:] for start in range(len(parts)))
