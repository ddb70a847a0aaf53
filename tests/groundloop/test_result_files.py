"""summary.json and evaluation.json: what a reader will look up is checked when the file is read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from groundloop.errors import UserError
from groundloop.result_files import read_evaluation, read_summary, read_thresholds

URI = "s3://bucket/evaluation.json"
METRICS: dict[str, Any] = {
    "map": 0.5,
    "map_50": 0.7,
    "voc_map": None,
    "threshold": 0.45,
    "threshold_rule": "best_f1",
    "at_threshold": {"precision": 0.9, "recall": 0.8, "f1": None},
    "count": {"mae": 0.25},
    "images": {"validation": 38, "test": 40},
    "per_class": {"nut": {"boxes": 12, "ap_50": 0.7, "precision": 0.9, "recall": None}},
    "intervals": {"level": 0.95, "metrics": {"map_50": [0.6, 0.8]}},
    "gate": {"message": "met", "thresholds_missed": 0, "requirements": []},
}


def s3_with(content: bytes) -> Any:
    return mock.Mock(get_object=lambda **_: {"Body": io.BytesIO(content)})


@pytest.mark.parametrize("read", [read_evaluation, read_thresholds], ids=["metrics", "thresholds"])
def test_what_evaluate_wrote_is_read(read: Callable[[Any, str], dict[str, Any]]) -> None:
    assert read(s3_with(json.dumps(METRICS).encode()), URI) == METRICS


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"{", f"{URI} is not JSON", id="cut off"),
        pytest.param(b"\xff", f"{URI} is not JSON", id="not UTF-8"),
        pytest.param(b"[" * 100_000, f"{URI} is not JSON", id="nested deeply"),
        pytest.param(b"9" * 5_000, f"{URI} is not JSON", id="number of 5,000 digits"),
        pytest.param(b"[]", f"{URI} holds no JSON object", id="a list"),
        pytest.param(b"{}", "missing required field `threshold`", id="empty"),
        pytest.param(b'{"threshold": "high"}', r"expected `float`, got `str` - at `\$.threshold`", id="text"),
    ],
)
def test_anything_else_is_an_error_that_names_it(content: bytes, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        read_thresholds(s3_with(content), URI)


@pytest.mark.parametrize("key", sorted(METRICS.keys() - {"gate"}))
def test_a_metric_that_is_shown_has_to_be_there(key: str) -> None:
    content = {name: value for name, value in METRICS.items() if name != key}
    with pytest.raises(UserError, match=f"missing required field `{key}`"):
        read_evaluation(s3_with(json.dumps(content).encode()), URI)


def test_a_summary_lists_the_classes() -> None:
    assert read_summary(s3_with(b'{"classes": ["nut"], "more": 1}'), URI) == {"classes": ["nut"], "more": 1}
    with pytest.raises(UserError, match=r"is not Prepare's summary.json: expected `str`, got `int`"):
        read_summary(s3_with(b'{"classes": [1]}'), URI)
