"""Metrics before and after label corrections: the same detections on the old and on the new ground truth.

Where people corrected test labels, metrics change though no model did. Both are shown, so that nobody takes the
difference for a better or a worse model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from groundloop.labels.attributes import CANONICAL
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Record
from steps.evaluate.metric_names import comparable_metrics

if TYPE_CHECKING:
    from groundloop.detections.dataset import ScoredImage

#: Computes the content of evaluation.json for images, with a threshold for each class.
Score: TypeAlias = "Callable[[Sequence[ScoredImage], Mapping[str, float]], Mapping[str, Any]]"


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """A model's detections on the corrected ground truth.

    Attributes:
        images: the test images with the new labels.
        thresholds: score from which a detection counts, by class.
    """

    images: Sequence[ScoredImage]
    thresholds: Mapping[str, float]


def label_corrections(
    models: Mapping[str, ScoredModel],
    old: Mapping[str, Record],
    classes: Sequence[str],
    score: Score,
    *,
    since: str,
    shown: Collection[str] = (),
) -> dict[str, Any] | None:
    """Score models on old and new labels: the `label_corrections` part of evaluation.json.

    Args:
        models: by `candidate` and, where there is one, `champion`; on the same images.
        old: by image, the labels before the corrections. Images without are left out.
        classes: names in id order; old labels of other classes count for nothing.
        score: gives metrics for any of the images.
        since: end of the sentence that says how many labels were corrected.
        shown: images whose labels were corrected with labels or detections in view.

    Returns:
        images: how many metrics are of; changed_images: how many of them have other labels; changed_in_view: of these,
        how many are among `shown`; before, after: metrics by model and dotted path; message. None where no label
        changed.
    """
    ids = {name: class_id for class_id, name in enumerate(classes)}
    after = {name: [image for image in model.images if image.source_ref in old] for name, model in models.items()}
    before = {
        name: [_with_labels(image, old[image.source_ref], ids) for image in images] for name, images in after.items()
    }
    images = next(iter(after.values()))
    changed = {
        new.source_ref
        for new, then in zip(images, next(iter(before.values())), strict=True)
        if _labels(new) != _labels(then)
    }
    if not changed:
        return None
    in_view = len(changed & set(shown))
    message = f"the labels of {len(changed)} of {len(images)} test images were corrected {since}"
    if in_view:
        message += (
            f"; on {in_view} of them reviewers saw labels or detections while they corrected, which favours the model "
            "by which the images were chosen"
        )
    return {
        "images": len(images),
        "changed_images": len(changed),
        "changed_in_view": in_view,
        "before": {name: comparable_metrics(score(before[name], model.thresholds)) for name, model in models.items()},
        "after": {name: comparable_metrics(score(after[name], model.thresholds)) for name, model in models.items()},
        "message": message,
    }


def labels_by_image(manifest: bytes) -> dict[str, Record]:
    """Read the labels of a manifest that Prepare wrote; lines that can't be read are left out."""
    reader = ManifestReader(CANONICAL)
    lines = (reader.read_line(number, line) for number, line in enumerate(manifest.splitlines(), start=1))
    return {line.record.source_ref: line.record for line in lines if line.record is not None}


def _with_labels(image: ScoredImage, record: Record, ids: Mapping[str, int]) -> ScoredImage:
    import numpy as np

    boxes = [box for box in record.boxes if box.class_name in ids]
    corners = [(box.left, box.top, box.left + box.width, box.top + box.height) for box in boxes]
    return replace(
        image,
        true_boxes=np.array(corners, dtype=np.float64).reshape(-1, 4),
        true_ids=np.array([ids[box.class_name] for box in boxes], dtype=np.int64),
    )


def _labels(image: ScoredImage) -> list[tuple[float, ...]]:
    return sorted(
        (class_id, *box) for class_id, box in zip(image.true_ids.tolist(), image.true_boxes.tolist(), strict=True)
    )
