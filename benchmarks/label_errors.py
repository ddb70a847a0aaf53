"""How many injected label errors are found: `python -m benchmarks.label_errors --run FOLDER`.

FOLDER is that of a `groundloop local run` on the demo's scenes: its model looks at 300 new scenes. In 18 % of them one
label is dropped, of another class, or moved by 20 to 50 % of its sides. The scores are calibrated on the first half of
the scenes with their faulty labels, and all are ranked. Printed are, for ours and for ObjectLab, the AUROC over images
and how many errors of each kind stand among the first 2N of N faulty images.
"""

from __future__ import annotations

import io
import random
import statistics
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from groundloop.detections.arrays import Bools, Floats
from groundloop.detections.calibration import Calibration
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.label_errors import suspected_errors
from groundloop.detections.matching import pool_detections
from groundloop.detections.objectlab import objectlab_scores
from groundloop.detections.outcomes import outcomes
from pipeline.demo.synthetic_images import HEIGHT, WIDTH, draw_image
from pipeline.review.detectors import detector_of
from pipeline.review.evaluated_model import EvaluatedModel, evaluated_model

KINDS = ("dropped", "swapped", "moved")
SCENES, SHARE, SEEDS = 300, 0.18, (1, 2, 3)


@dataclass(frozen=True)
class Ranking:
    """How well images with a faulty label are ranked.

    Attributes:
        auroc: probability that an image with errors stands before one without.
        found: by kind, how many faulty images are among the first 2N of N.
    """

    auroc: float
    found: dict[str, int]


def run(model: EvaluatedModel, detector: Any, seed: int) -> tuple[Ranking, Ranking, Counter[str]]:
    """Draw scenes, inject errors, and rank the images by our suspicion and by ObjectLab's score."""
    scenes = _detected_scenes(model, detector, seed)
    images, errors = with_errors(scenes, seed)
    pool = pool_detections(images, len(model.classes))
    calibration = Calibration.fit(outcomes("validation", images[: SCENES // 2], model.classes, model.thresholds))
    ours = np.array([image.suspicion for image in suspected_errors(pool, model.classes, calibration)])
    return ranking(ours, errors), ranking(-objectlab_scores(pool).image, errors), Counter(filter(None, errors))


def _detected_scenes(model: EvaluatedModel, detector: Any, seed: int) -> list[ScoredImage]:
    chance = random.Random(5000 + seed)  # noqa: S311 (scenes, not secrets)
    ids = {name: class_id for class_id, name in enumerate(model.classes)}
    scenes = []
    for number in range(SCENES):
        scene, stream = draw_image(chance), io.BytesIO()
        scene.image.save(stream, "JPEG", quality=88)
        found = detector.detect(stream.getvalue())
        corners = [(left, top, left + width, top + height) for _, (left, top, width, height) in scene.objects]
        scenes.append(
            ScoredImage(
                source_ref=str(number),
                true_boxes=np.array(corners, dtype=np.float64).reshape(-1, 4),
                true_ids=np.array([ids[name] for name, _ in scene.objects], dtype=np.int64),
                boxes=found.pixels(WIDTH, HEIGHT),
                class_ids=found.class_id,
                scores=found.confidence,
            )
        )
    return scenes


def with_errors(scenes: Sequence[ScoredImage], seed: int) -> tuple[list[ScoredImage], list[str]]:
    """Return the scenes, some with one faulty label, and the error of each or an empty string."""
    chance = np.random.default_rng(seed)
    faulty = chance.permutation(len(scenes))[: round(SHARE * len(scenes))].tolist()
    errors = dict(zip(faulty, cycle(KINDS), strict=False))
    names = [errors.get(number, "") if len(scene.true_ids) else "" for number, scene in enumerate(scenes)]
    classes = 1 + max(int(scene.true_ids.max(initial=0)) for scene in scenes)
    made = [_with_error(scene, name, classes, chance) for scene, name in zip(scenes, names, strict=True)]
    return made, names


def _with_error(scene: ScoredImage, error: str, classes: int, chance: np.random.Generator) -> ScoredImage:
    if not error:
        return scene
    which = int(chance.integers(len(scene.true_ids)))
    boxes, ids = scene.true_boxes.copy(), scene.true_ids.copy()
    if error == "dropped":
        boxes, ids = np.delete(boxes, which, axis=0), np.delete(ids, which)
    elif error == "swapped":
        ids[which] = (ids[which] + chance.integers(1, classes)) % classes
    else:
        sides = boxes[which, 2:] - boxes[which, :2]
        moved = boxes[which] + np.tile(chance.uniform(0.2, 0.5, 2) * chance.choice([-1, 1], 2) * sides, 2)
        boxes[which] = moved.clip(0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    return replace(scene, true_boxes=boxes, true_ids=ids)


def ranking(scores: Floats, errors: Sequence[str]) -> Ranking:
    """Return how well scores, high for faulty images, rank them."""
    faulty: Bools = np.array([bool(error) for error in errors])
    difference = scores[faulty][:, None] - scores[~faulty][None, :]
    first = np.argsort(-scores, kind="stable")[: 2 * int(faulty.sum())].tolist()
    found = Counter(errors[index] for index in first)
    return Ranking(float((np.sign(difference) / 2 + 0.5).mean()), {kind: found[kind] for kind in KINDS})


def main(argv: Sequence[str] | None = None) -> int:
    """Print what was found beside what is required; return 1 when it falls short."""
    parser = ArgumentParser(prog="benchmarks.label_errors", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of a local run on the demo's scenes")
    arguments = parser.parse_args(argv)

    def no_settings() -> None:
        raise AssertionError("a local run needs no configuration")

    model = evaluated_model(str(arguments.run), no_settings)  # type: ignore[arg-type]
    detector = detector_of(model, no_settings)  # type: ignore[arg-type]
    draws = [run(model, detector, seed) for seed in SEEDS]
    injected = sum((of_draw for *_, of_draw in draws), Counter[str]())
    for place, name in enumerate(("calibrated suspicion", "ObjectLab")):
        rankings: list[Ranking] = [draw[place] for draw in draws]
        aurocs = " ".join(f"{one.auroc:.3f}" for one in rankings)
        found = ", ".join(f"{sum(one.found[kind] for one in rankings)} of {injected[kind]} {kind}" for kind in KINDS)
        sys.stdout.write(f"{name:<21} AUROC {aurocs}; in the first 2N: {found}\n")
    auroc = statistics.mean(draw[0].auroc for draw in draws)
    dropped = sum(draw[0].found["dropped"] for draw in draws) / injected["dropped"]
    met = auroc >= 0.75 and dropped >= 0.8
    sys.stdout.write(f"AUROC {auroc:.3f} (0.75), dropped {dropped:.0%} (80 %){'' if met else '  MISSED'}\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
