from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate
from groundloop.detections.evaluation import Evaluation
from groundloop.detections.thresholds import ThresholdRule
from groundloop.report import Report, WorstImage, worst_images

MakeImages = Callable[..., list[ScoredImage]]
MakeReport = Callable[..., Report]
CLASSES = ("bolt", "nut", "usb-c")


@pytest.fixture
def make_images() -> MakeImages:
    """Images of a detector that finds most objects, confuses some and has false positives."""

    def make(classes: int = 3, images: int = 12, seed: int = 1) -> list[ScoredImage]:
        random = np.random.default_rng(seed)
        made = []
        for number in range(images):
            truths = int(random.integers(1, 6))
            ids = random.integers(0, classes, truths)
            corners = random.uniform(0, 200, (truths, 2))
            true_boxes = np.hstack([corners, corners + random.uniform(20, 100, (truths, 2))])
            found = random.random(truths) < 0.8
            alarms = random.uniform(0, 200, (2, 2))
            boxes = np.vstack(
                [true_boxes[found] + random.normal(0, 2, (found.sum(), 4)), np.hstack([alarms, alarms + 9])]
            )
            guessed = np.where(random.random(truths) < 0.9, ids, random.integers(0, classes, truths))[found]
            made.append(
                ScoredImage(
                    source_ref=f"s3://bucket/images/{number:03}.jpg",
                    true_boxes=true_boxes,
                    true_ids=ids,
                    boxes=boxes,
                    class_ids=np.concatenate([guessed, random.integers(0, classes, 2)]),
                    scores=np.concatenate([random.uniform(0.4, 1, found.sum()), random.uniform(0, 0.6, 2)]),
                )
            )
        return made

    return make


@pytest.fixture
def make_evaluation(make_images: MakeImages) -> Callable[..., Evaluation]:
    def make(classes: Sequence[str] = CLASSES, rule: ThresholdRule | None = None, images: int = 12) -> Evaluation:
        test, validation = (make_images(len(classes), images, seed) for seed in (1, 2))
        return evaluate(validation, test, classes, rule or ThresholdRule(), resamples=20)

    return make


@pytest.fixture
def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((320, 240)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def gate() -> dict[str, Any]:
    return {
        "requirements": [
            {"metric": "map_50", "operator": ">=", "threshold": 0.05, "value": 0.71, "met": True, "against": ""},
            {"metric": "count.mae", "operator": "<=", "threshold": 0.5, "value": 0.9, "met": False, "against": ""},
        ],
        "missed": ["count.mae"],
        "thresholds_missed": 1,
        "message": "count.mae is 0.900, 0.400 over its threshold 0.5",
    }


@pytest.fixture
def champion() -> dict[str, Any]:
    return {
        "package": "arn:aws:sagemaker:us-east-1:123456789012:model-package/defects/3",
        "version": 3,
        "images_shared": 11,
        "metrics": {"map_50": 0.70, "count.mae": 0.80, "count.bias": -0.5, "per_class.nut.recall": 0.4},
        "candidate": {"map_50": 0.71, "count.mae": 0.90, "count.bias": 0.25, "per_class.nut.recall": 0.6},
        "message": "compared with version 3 on the 11 of 12 test images that were its test images too",
    }


@pytest.fixture
def make_report(
    make_images: MakeImages,
    make_evaluation: Callable[..., Evaluation],
    gate: dict[str, Any],
    champion: dict[str, Any],
    jpeg: bytes,
) -> MakeReport:
    """A whole report, one picture of its gallery missing; anything can be given otherwise."""

    def make(classes: Sequence[str] = CLASSES, rule: ThresholdRule | None = None, **given: Any) -> Report:
        evaluation = make_evaluation(classes, rule)
        choices = worst_images(make_images(len(classes)), evaluation, 3)
        worst = [WorstImage(choice, jpeg) for choice in choices[:-1]]
        worst.append(WorstImage(choices[-1], missing="the folder has no such image"))
        content: dict[str, Any] = {
            "evaluation": evaluation,
            "gate": gate,
            "champion": champion,
            "worst": worst,
            "title": "Evaluation on the test split",
            "details": {"data fingerprint": "b5e0c7", "package group": "defects"},
            "notes": ["by groundloop's offline stand-in"],
        }
        return Report(**{**content, **given})

    return make
