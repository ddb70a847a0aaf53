"""results.csv: all classes together first, then each class."""

from __future__ import annotations

import csv
from collections.abc import Callable

from groundloop.detections.evaluation import Evaluation
from groundloop.report.results import COLUMNS, results_csv


def test_rows_hold_the_metrics_in_full(make_evaluation: Callable[..., Evaluation]) -> None:
    evaluation = make_evaluation()
    whole, *rows = csv.DictReader(results_csv(evaluation).splitlines())
    assert tuple(whole) == COLUMNS
    assert (whole["class"], int(whole["images"])) == ("all", evaluation.test_images)
    assert float(whole["ap_50"]) == evaluation.metrics["map_50"]
    assert float(whole["voc_ap_07"]) == evaluation.metrics["voc_map_07"]
    assert float(whole["threshold"]) == evaluation.threshold
    assert float(whole["count_exact_share"]) == evaluation.count.exact_share
    assert [row["class"] for row in rows] == list(evaluation.classes)
    for class_id, (row, metrics) in enumerate(zip(rows, evaluation.per_class, strict=True)):
        assert float(row["ap"]) == metrics.ap
        assert float(row["recall"]) == metrics.at_threshold.recall
        assert float(row["count_rmse"]) == metrics.count.rmse
        assert int(row["boxes"]) == metrics.boxes
        assert int(row["images"]) == (evaluation.counts[:, class_id, 0] > 0).sum()
    assert sum(int(row["boxes"]) for row in rows) == int(whole["boxes"])


def test_what_is_undefined_is_empty_and_any_name_is_kept(make_evaluation: Callable[..., Evaluation]) -> None:
    names = ['a "b", c', "all", "never seen"]
    evaluation = make_evaluation((*names[:2], names[2]))
    absent = results_csv(_without(evaluation, 2))
    rows = list(csv.DictReader(absent.splitlines()))
    assert [row["class"] for row in rows] == ["all", *names]
    assert rows[3]["ap"] == rows[3]["ap_50"] == rows[3]["voc_ap"] == ""


def _without(evaluation: Evaluation, class_id: int) -> Evaluation:
    from dataclasses import replace

    per_class = list(evaluation.per_class)
    per_class[class_id] = replace(per_class[class_id], ap=None, ap_50=None, ap_75=None, voc_ap=None, voc_ap_07=None)
    return replace(evaluation, per_class=tuple(per_class))
