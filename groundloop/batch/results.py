"""The outputs of a transform job as results, in the formats of `groundloop predict`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from groundloop.aws import client
from groundloop.batch.selection import SelectedImage, Selection
from groundloop.detections.predictions import Detections
from groundloop.detections.transform_output import SUFFIX, match_outputs
from groundloop.images.access import MAX_THREADS
from groundloop.prediction.journal import ImageResult
from groundloop.prediction.outputs import Format, write_results
from groundloop.s3 import join_uri, read_bytes, split_uri

# Outputs that are read ahead, however many there are.
_BATCH = 256
#: File name of the results in each format, where all are written.
FILE_NAMES = {
    Format.JSONL: "predictions.jsonl",
    Format.CSV: "predictions.csv",
    Format.COCO: "predictions.coco.json",
    Format.MANIFEST: "predictions.manifest",
}


def read_outputs(
    region: str, selection: Selection, output_uri: str, thresholds: dict[str, float] | None = None
) -> Iterator[ImageResult]:
    """Read the outputs of a completed transform job, in the order of the images.

    Args:
        region: AWS region.
        selection: the images of the job.
        output_uri: S3 prefix of the `.out` files.
        thresholds: minimum score by class; None: those of the version's evaluation.

    Raises:
        UserError: an output is missing, damaged, or fits several images equally well.
    """
    s3, minimum = client("s3", region), thresholds or selection.thresholds
    bucket, prefix = split_uri(output_uri.rstrip("/") + "/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(SUFFIX)]
    outputs = _outputs(selection, [key[len(prefix) :] for key in keys])

    def read(image: SelectedImage, output: str) -> ImageResult:
        uri = join_uri(output_uri, output)
        size = image.width, image.height
        found = Detections.from_sagemaker(read_bytes(s3, uri), selection.classes, uri, size).filter(minimum)
        return ImageResult.of(image.source_ref, found, selection.model_package, minimum, image.orientation)

    remaining = zip(selection.images, outputs, strict=True)
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        while batch := list(islice(remaining, _BATCH)):
            yield from pool.map(lambda item: read(*item), batch)


def _outputs(selection: Selection, found: list[str]) -> list[str]:
    """Return the output of each image.

    When every entry of the ManifestFile has one of its own name, these are they: images in different folders may have
    the same file name. Otherwise folders were lost, and the longest common tail decides.
    """
    expected = [f"{name}{SUFFIX}" for name in selection.relative_names()[1]]
    if set(expected) <= set(found):
        return expected
    return match_outputs([image.source_ref for image in selection.images], found)


def write_all_formats(results: list[ImageResult], folder: Path) -> None:
    """Write results into a folder, once in each format."""
    folder.mkdir(parents=True, exist_ok=True)
    for how, name in FILE_NAMES.items():
        write_results(results, how, folder / name)
