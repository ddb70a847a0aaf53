"""results.csv: a row for all classes together, then one for each class in id order."""

from __future__ import annotations

import csv
import io

import numpy as np

from groundloop.detections.evaluation import CountErrors, Evaluation

COLUMNS = (
    "class",
    "images",
    "boxes",
    "ap",
    "ap_50",
    "ap_75",
    "voc_ap",
    "voc_ap_07",
    "precision",
    "recall",
    "f1",
    "threshold",
    "count_mae",
    "count_rmse",
    "count_bias",
    "count_exact_share",
)


def results_csv(evaluation: Evaluation) -> str:
    """Write the table at full precision, with an empty field where a metric is undefined.

    The first row, `all`, holds means over classes (AP), sums (boxes) or all classes together (the rest); `images` are
    the test images that show the class, of `all` the test images.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    metrics, at = evaluation.metrics, evaluation.at_threshold
    means = [metrics.get(name) for name in ("map", "map_50", "map_75", "voc_map", "voc_map_07")]
    boxes = sum(row.boxes for row in evaluation.per_class)
    totals = [at.precision, at.recall, at.f1, evaluation.threshold, *_counts(evaluation.count)]
    writer.writerow(_row("all", evaluation.test_images, boxes, [*means, *totals]))
    showing = np.count_nonzero(evaluation.counts[:, :, 0], axis=0).tolist()
    for row, images in zip(evaluation.per_class, showing, strict=True):
        at = row.at_threshold
        average = [row.ap, row.ap_50, row.ap_75, row.voc_ap, row.voc_ap_07]
        rest = [at.precision, at.recall, at.f1, row.threshold, *_counts(row.count)]
        writer.writerow(_row(row.name, images, row.boxes, [*average, *rest]))
    return stream.getvalue()


def _counts(count: CountErrors) -> list[float | None]:
    return [count.mae, count.rmse, count.bias, count.exact_share]


def _row(name: str, images: int, boxes: int, values: list[float | None]) -> list[str | int | float | None]:
    return [name, images, boxes, *(None if value is None else float(value) for value in values)]
