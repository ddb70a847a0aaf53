"""Labels that are known to be right, by the images of the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from groundloop.labels.formats.dataset import LabelledDataset
from groundloop.labels.records import Box
from groundloop.labels.worker_answers import WorkerAnswer
from groundloop.s3 import SCHEME


def gold_by_image(gold: LabelledDataset, answers: Iterable[WorkerAnswer]) -> Mapping[str, Sequence[Box]]:
    """Return gold labels by the name that the answers have for their image.

    Gold labels that name files, and not S3 URIs, are of the image whose URI ends with that name.
    """
    images = {answer.image for answer in answers}
    by_suffix: dict[str, set[str]] = defaultdict(set)
    for uri in images:
        parts = uri.split("/")
        for start in range(1, len(parts)):
            by_suffix["/".join(parts[start:])].add(uri)
    found: dict[str, Sequence[Box]] = {}
    for image in gold.images:
        if image.name in images or image.name.startswith(SCHEME):
            found[image.name] = image.boxes
            continue
        named = by_suffix.get(image.name, set())
        found[next(iter(named)) if len(named) == 1 else image.name] = image.boxes
    return found
