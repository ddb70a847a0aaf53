"""Scoring against pycocotools, the reference: `python -m benchmarks.scoring [--images N] [--rounds N]`.

Both start from the same arrays, and building a library's own input from them counts; importing it does not. Each run is
a process of its own, and they take turns, so that a machine whose speed drifts treats them alike. CPU seconds are the
process's own and its threads'. The twelve statistics of all runs are compared: a difference over 1e-9, or less than
four times less CPU than the reference, is a failure.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import statistics
import subprocess
import sys
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundloop.detections.coco import coco_scores
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate
from groundloop.detections.matching import match_detections, pool_detections
from groundloop.detections.thresholds import ThresholdRule

ROOT = Path(__file__).resolve().parents[1]
CLASSES = tuple(f"class {number}" for number in range(12))
DETECTIONS = 20
MAX_TRUTHS = 15
TOLERANCE = 1e-9
WANTED_RATIO = 4.0
SEED = 4


def made_images(count: int) -> list[ScoredImage]:
    """Make images of 640 pixels: boxes of all sizes, half of the detections near one, scores of three digits."""
    random = np.random.default_rng(SEED)

    def boxes(number: int) -> Any:
        low = random.uniform(0, 500, (number, 2))
        return np.hstack([low, low + np.exp(random.uniform(2, 5, (number, 2)))])

    images = []
    for number in range(count):
        truths = int(random.integers(0, MAX_TRUTHS + 1))
        near = random.integers(0, truths, DETECTIONS // 2) if truths else np.empty(0, dtype=np.int64)
        true_boxes, true_ids = boxes(truths), random.integers(0, len(CLASSES), truths)
        sizes = true_boxes[near, 2:] - true_boxes[near, :2]
        beside = true_boxes[near] + random.normal(0, 0.06, (len(near), 4)) * np.tile(sizes, 2)
        beside[:, 2:] = np.maximum(beside[:, 2:], beside[:, :2] + 1)
        known = random.random(len(near)) < 0.85
        images.append(
            ScoredImage(
                source_ref=f"s3://made/{number}.jpg",
                true_boxes=true_boxes,
                true_ids=true_ids,
                boxes=np.vstack([beside, boxes(DETECTIONS - len(near))]),
                class_ids=np.concatenate(
                    [
                        np.where(known, true_ids[near], random.integers(0, len(CLASSES), len(near))),
                        random.integers(0, len(CLASSES), DETECTIONS - len(near)),
                    ]
                ),
                scores=np.round(
                    np.concatenate([random.beta(4, 2, len(near)), random.beta(2, 4, DETECTIONS - len(near))]), 3
                ),
            )
        )
    return images


def by_groundloop(images: Sequence[ScoredImage]) -> list[float | None]:
    """Match and score the images; return its metrics in order."""
    return list(coco_scores(match_detections(pool_detections(images, len(CLASSES)))).metrics.values())


def by_groundloop_whole(images: Sequence[ScoredImage]) -> list[float | None]:
    """Compute all of evaluation.json: also VOC, threshold, confusion, counts, curves, intervals of 1,000 resamples."""
    return list(evaluate(images, images, CLASSES, ThresholdRule()).metrics.values())[:12]


def by_pycocotools(images: Sequence[ScoredImage]) -> list[float | None]:
    """Score the same images with `pycocotools`; return its metrics in the same order."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, image in enumerate(images):
        for class_id, box in zip(image.true_ids.tolist(), _xywh(image.true_boxes), strict=True):
            row = {"id": len(annotations) + 1, "image_id": number, "category_id": class_id, "bbox": box}
            annotations.append(row | {"area": box[2] * box[3], "iscrowd": 0})
        for class_id, score, box in zip(
            image.class_ids.tolist(), image.scores.tolist(), _xywh(image.boxes), strict=True
        ):
            results.append({"image_id": number, "category_id": class_id, "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": number} for number in range(len(images))],
            "categories": [{"id": class_id, "name": name} for class_id, name in enumerate(CLASSES)],
            "annotations": annotations,
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]  # -1: undefined


def _xywh(boxes: Any) -> Any:
    return np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).tolist()


REFERENCE, OURS = "pycocotools", "groundloop"
CANDIDATES: dict[str, Callable[[Sequence[ScoredImage]], list[float | None]]] = {
    REFERENCE: by_pycocotools,
    OURS: by_groundloop,
    "groundloop, evaluation": by_groundloop_whole,
}


def child(name: str, images: int) -> None:
    """Run once and print the costs and the twelve statistics as a line of JSON."""
    warnings.simplefilter("ignore")
    candidate = CANDIDATES[name]
    candidate(made_images(2))  # imports what it needs; not counted
    made = made_images(images)
    wall, cpu = time.perf_counter(), time.process_time()
    metrics = [-1.0 if value is None else value for value in candidate(made)]
    cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    # Kilobytes on Linux, bytes on macOS.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    sys.stdout.write(json.dumps({**cost, "memory": memory, "metrics": metrics}) + "\n")


def run(name: str, images: int) -> dict[str, Any]:
    """Run one scorer in a process of its own, so that its peak memory is its alone."""
    command = [sys.executable, "-m", "benchmarks.scoring", "--images", str(images), "--only", name]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> int:
    """Measure and print; 1 for a difference or too small a ratio."""
    parser = ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=CANDIDATES, help="one run of one candidate, as JSON")
    arguments = parser.parse_args()
    if arguments.only:
        child(arguments.only, arguments.images)
        return 0
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CANDIDATES}
    for _ in range(arguments.rounds):
        for name, done in runs.items():
            done.append(run(name, arguments.images))
    detections = arguments.images * DETECTIONS
    print(f"scoring {arguments.images:,} images, {detections:,} detections, {len(CLASSES)} classes")
    print(f"medians of {arguments.rounds} runs each, taken in turn; ratio: of CPU, the median of each round's")
    print(f"{'':<24}{'CPU s':>8}{'wall s':>8}{'peak MiB':>10}{'less CPU':>10}")
    ratios: dict[str, float] = {}
    for name, done in runs.items():
        ratios[name] = statistics.median(
            base["cpu"] / cost["cpu"] for base, cost in zip(runs[REFERENCE], done, strict=True)
        )
        cpu, wall = (statistics.median(cost[key] for cost in done) for key in ("cpu", "wall"))
        memory = max(cost["memory"] for cost in done)
        print(f"{name:<24}{cpu:>8.2f}{wall:>8.2f}{memory:>10.0f}{ratios[name]:>9.1f}x")
    expected = np.array(runs[REFERENCE][0]["metrics"], dtype=np.float64)
    every = np.array([cost["metrics"] for done in runs.values() for cost in done], dtype=np.float64)
    difference = float(np.abs(every - expected).max())
    print(f"largest difference over the 12 statistics: {difference:g} (allowed: {TOLERANCE:g})")
    print(f"{OURS} takes {ratios[OURS]:.1f} times less CPU than {REFERENCE} (wanted: {WANTED_RATIO:g})")
    return int(not difference <= TOLERANCE or ratios[OURS] < WANTED_RATIO)


if __name__ == "__main__":
    sys.exit(main())
