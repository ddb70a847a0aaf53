"""The files of an evaluation: the metrics, the table of detections, the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from groundloop.errors import UserError
from groundloop.images.access import MAX_THREADS, Images, UnusableImageError
from groundloop.images.s3 import S3Images

if TYPE_CHECKING:
    from groundloop.detections.dataset import ScoredImage
    from groundloop.detections.evaluation import Evaluation
    from groundloop.report.content import TrainingCurve
    from groundloop.report.worst import WorstChoice, WorstImage

#: Loads the image files of the gallery.
Gallery: TypeAlias = "Callable[[Sequence[WorstChoice]], list[WorstImage]]"

#: Images in the report's gallery.
GALLERY_IMAGES = 12


def write_results(
    folder: Path,
    evaluation: Evaluation,
    images: Mapping[str, Sequence[ScoredImage]],
    metrics: Mapping[str, Any],
    gallery: Gallery,
    *,
    title: str,
    training: TrainingCurve | None = None,
    details: Mapping[str, str],
    notes: Sequence[str],
) -> None:
    """Write `evaluation.json`, `gate.json`, `detections.csv.gz`, `report.html` and `results.csv`.

    Args:
        images: the scored images by split; the gallery shows those of `test`.
        metrics: the content of evaluation.json.
        title, training, details, notes: of the report.
    """
    from groundloop.detections.outcomes import outcomes
    from groundloop.detections.table import NAME, write_outcomes
    from groundloop.report import Report, worst_images, write_report

    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "evaluation.json", metrics)
    # The part that the pipeline itself reads: the gate's verdict and what is registered.
    _write_json(folder / "gate.json", {name: metrics[name] for name in ("gate", "registry") if name in metrics})
    thresholds = {row.name: row.threshold for row in evaluation.per_class}
    rows = (row for split, scored in images.items() for row in outcomes(split, scored, evaluation.classes, thresholds))
    write_outcomes(folder / NAME, rows)
    report = Report(
        evaluation=evaluation,
        gate=metrics["gate"],
        champion=metrics.get("champion"),
        label_corrections=metrics.get("label_corrections"),
        worst=gallery(worst_images(images["test"], evaluation, GALLERY_IMAGES)),
        title=title,
        training=training,
        details=details,
        notes=notes,
    )
    write_report(folder, report)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def from_s3(choices: Sequence[WorstChoice]) -> list[WorstImage]:
    """Load the images from S3. One that cannot be read is shown as boxes on an empty canvas, with the reason."""
    try:
        return from_images(S3Images(), choices)
    except UserError as error:
        return skip_images(str(error))(choices)


def from_images(images: Images, choices: Sequence[WorstChoice]) -> list[WorstImage]:
    """Load the images from a folder or from S3."""
    from groundloop.report import WorstImage

    def load(choice: WorstChoice) -> WorstImage:
        try:
            return WorstImage(choice, images.body(choice.source_ref))
        except (UnusableImageError, UserError) as error:
            return WorstImage(choice, missing=str(error))

    with ThreadPoolExecutor(MAX_THREADS) as pool:
        return list(pool.map(load, choices))


def skip_images(reason: str) -> Gallery:
    """Return a gallery that loads no image, for a reason that the report states."""

    def leave_out(choices: Sequence[WorstChoice]) -> list[WorstImage]:
        from groundloop.report import WorstImage

        return [WorstImage(choice, missing=reason) for choice in choices]

    return leave_out
