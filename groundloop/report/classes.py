"""The table of classes."""

from __future__ import annotations

from groundloop.detections.evaluation import AtThreshold, Evaluation
from groundloop.report.markup import Markup, name, scrolling, section, tag
from groundloop.report.numbers import share

_HEADS = (
    "class",
    "id",
    "boxes",
    "AP@50:95",
    "AP@50",
    "AP@75",
    "VOC AP",
    "VOC07 AP",
    "precision",
    "recall",
    "F1",
    "threshold",
)


def classes_section(evaluation: Evaluation) -> Markup:
    """A row for all classes together, then one for each; bars behind the shares."""
    metrics = evaluation.metrics
    means = [metrics.get(key) for key in ("map", "map_50", "map_75", "voc_map", "voc_map_07")]
    boxes = sum(row.boxes for row in evaluation.per_class)
    rows = [_row("all classes", None, boxes, means, evaluation.at_threshold, evaluation.threshold)]
    for class_id, row in enumerate(evaluation.per_class):
        average = [row.ap, row.ap_50, row.ap_75, row.voc_ap, row.voc_ap_07]
        rows.append(_row(row.name, class_id, row.boxes, average, row.at_threshold, row.threshold))
    heads = tag("tr", *(tag("th", head, scope="col") for head in _HEADS))
    table = tag("table", tag("thead", heads), tag("tbody", *rows), class_="wide")
    told = (
        "Boxes are true boxes of the test images. For all classes, AP is the mean of the classes that have true boxes; "
        "precision, recall and F1 are of all detections together, each at its own class's threshold."
    )
    return section("Classes", scrolling(table, "Metrics by class"), tag("small", told), key="classes")


def _row(
    label: str, class_id: int | None, boxes: int, average: list[float | None], at: AtThreshold, threshold: float
) -> Markup:
    shares = [*average, at.precision, at.recall, at.f1]
    return tag(
        "tr",
        tag("th", name(label), scope="row"),
        tag("td", class_id),
        tag("td", f"{boxes:,}"),
        *(_meter(value) for value in shares),
        tag("td", share(threshold)),
        class_="all" if class_id is None else None,
    )


def _meter(value: float | None) -> Markup:
    if value is None:
        return tag("td", share(value))
    return tag("td", share(value), class_="meter", style=f"--v:{100 * value:.0f}%")
