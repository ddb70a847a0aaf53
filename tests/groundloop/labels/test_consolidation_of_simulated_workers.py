"""Simulated workers with jitter, misses and wrong classes: the consolidated result is better than the best of them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

import numpy as np
import pytest

from groundloop.labels.agreement import BoxAgreement, box_agreement, box_alpha
from groundloop.labels.box_groups import WorkerBoxes
from groundloop.labels.consolidation import consolidated
from groundloop.labels.records import Box

CLASSES = ("nut", "bolt", "washer")
IMAGES = 16


@dataclass(frozen=True)
class Worker:
    """How a worker errs.

    Attributes:
        jitter: standard deviation of each edge, as a share of the box's side.
        misses, slips: share of the objects that are not marked, or get another class.
        invented: boxes an image around nothing.
    """

    jitter: float
    misses: float
    slips: float
    invented: float

    def label(self, truth: list[Box], random: np.random.Generator) -> tuple[Box, ...]:
        """Return the boxes that the worker draws."""
        drawn = []
        for box in truth:
            if random.random() < self.misses:
                continue
            name = box.class_name
            if random.random() < self.slips:
                name = str(random.choice([other for other in CLASSES if other != name]))
            left, top, right, bottom = random.normal(0, self.jitter, 4)
            drawn.append(
                Box(
                    name,
                    box.left + left * box.width,
                    box.top + top * box.height,
                    box.width * max(0.1, 1 + right - left),
                    box.height * max(0.1, 1 + bottom - top),
                )
            )
        drawn += [
            Box("nut", random.uniform(0, 500), random.uniform(0, 500), 40, 40)
            for _ in range(random.poisson(self.invented))
        ]
        return tuple(drawn)


CAREFUL = Worker(jitter=0.04, misses=0.06, slips=0.03, invented=0.1)
USUAL = Worker(jitter=0.07, misses=0.1, slips=0.06, invented=0.2)
SLOPPY = Worker(jitter=0.1, misses=0.15, slips=0.1, invented=0.4)


def scene(random: np.random.Generator) -> list[Box]:
    """Return objects of an image, some of which overlap."""
    return [
        Box(str(random.choice(CLASSES)), *random.uniform((0, 0, 30, 30), (500, 500, 120, 120)).tolist())
        for _ in range(random.integers(1, 9))
    ]


def f1(truths: list[list[Box]], labels: list[tuple[Box, ...]], min_iou: float) -> float:
    """Return F1 of labels against the truth."""
    found = [box_agreement(truth, boxes, min_iou) for truth, boxes in zip(truths, labels, strict=True)]
    score = sum((one for by_class in found for one in by_class.values()), BoxAgreement()).f1
    assert score is not None
    return score


def gains(workers: tuple[Worker, ...], min_iou: float) -> list[float]:
    """Return by how much F1 of the consolidated result exceeds that of the best worker, for five sets of images."""
    found = []
    for seed in range(5):
        random = np.random.default_rng(seed)
        truths = [scene(random) for _ in range(IMAGES)]
        answers = [
            [WorkerBoxes(str(name), worker.label(truth, random)) for name, worker in enumerate(workers)]
            for truth in truths
        ]
        single = [f1(truths, [image[worker].boxes for image in answers], min_iou) for worker in range(len(workers))]
        together = f1(truths, [tuple(one.box for one in consolidated(image).boxes) for image in answers], min_iou)
        scores = " ".join(f"{score:.3f}" for score in single)
        print(f"IoU {min_iou}, seed {seed}: {scores}, together {together:.3f}")  # noqa: T201 - shown by pytest -s
        found.append(together - max(single))
    return found


@pytest.mark.parametrize("min_iou", [0.5, 0.75])
@pytest.mark.parametrize("worker", [CAREFUL, USUAL, SLOPPY], ids=["careful", "usual", "sloppy"])
def test_three_workers_alike_are_always_better_than_the_best_of_them(worker: Worker, min_iou: float) -> None:
    assert min(gains((worker, worker, worker), min_iou)) >= 0


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param((CAREFUL, CAREFUL, SLOPPY), id="one sloppy"),
        pytest.param((CAREFUL, USUAL, SLOPPY), id="all differ"),
    ],
)
def test_three_different_workers_are_better_than_the_best_of_them_on_average(workers: tuple[Worker, ...]) -> None:
    assert fmean(gains(workers, 0.5)) > 0


def test_alpha_falls_as_workers_err_more() -> None:
    alphas = []
    for worker in (CAREFUL, USUAL, SLOPPY):
        random = np.random.default_rng(0)
        images = [
            [WorkerBoxes(name, worker.label(truth, random)) for name in ("ann", "bob", "cid")]
            for truth in [scene(random) for _ in range(IMAGES)]
        ]
        alphas.append(box_alpha(images) or 0.0)
    assert 1 > alphas[0] > alphas[1] > alphas[2] > 0
