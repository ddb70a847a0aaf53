"""The whole Evaluate job, from its files to its files: `python -m benchmarks.evaluation [--images N] [--rounds N]`.

The job runs as a process of its own, as SageMaker starts it, and all of it counts: the interpreter, imports, 6,000
predictions read and checked, thresholds, COCO and VOC metrics, the intervals of 1,000 resamples, the table of
detections and the report. Another run has no intervals; the difference is what they cost. The images are those of
`benchmarks.scoring`; the validation split has a fifth as many as the test split.
"""

from __future__ import annotations

import json
import statistics
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.prepare.measure import Cost, run
from benchmarks.scoring import CLASSES, DETECTIONS, ROOT, made_images
from groundloop.detections.dataset import ScoredImage

SIZE = 800
_JOB = "import sys; from steps.evaluate.job import main; sys.exit(main())"
RUNS = {"all of it": 1000, "without intervals": 0}


def write_inputs(folder: Path, images: int) -> None:
    """Write what the job reads: manifests, Prepare's summary, a prediction for each image."""
    made = made_images(images + images // 5)
    splits = {"test": made[:images], "validation": made[images:]}
    (folder / "manifests").mkdir(parents=True)
    (folder / "predictions/made").mkdir(parents=True)
    (folder / "report").mkdir()
    for split, scored in splits.items():
        lines = [json.dumps(line_of(image)) + "\n" for image in scored]
        (folder / f"manifests/{split}.manifest").write_text("".join(lines))
        for image in scored:
            name = image.source_ref.rpartition("/")[2]
            (folder / f"predictions/made/{name}.out").write_text(json.dumps({"prediction": rows_of(image)}))
    summary = {"classes": CLASSES, "fingerprint": "0" * 64}
    summary |= {split: {"images": len(scored), "boxes": 0, "negatives": 0} for split, scored in splits.items()}
    summary["train"] = {"images": 0, "boxes": 0, "negatives": 0}
    (folder / "report/summary.json").write_text(json.dumps(summary))


def line_of(image: ScoredImage) -> dict[str, object]:
    """Return the image's line of an augmented manifest, as Prepare writes it."""
    # Whole pixels, within the image, as people draw them.
    boxes = [
        {"class_id": class_id, "left": left, "top": top, "width": max(right - left, 1), "height": max(low - top, 1)}
        for class_id, (left, top, right, low) in zip(
            image.true_ids.tolist(), image.true_boxes.astype(int).clip(0, SIZE - 1).tolist(), strict=True
        )
    ]
    return {
        "source-ref": image.source_ref,
        "bounding-box": {"image_size": [{"width": SIZE, "height": SIZE, "depth": 3}], "annotations": boxes},
        "bounding-box-metadata": {
            "objects": [{"confidence": 1} for _ in boxes],
            "class-map": {str(class_id): name for class_id, name in enumerate(CLASSES)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2024-01-01T00:00:00",
            "job-name": "made",
        },
    }


def rows_of(image: ScoredImage) -> list[list[float]]:
    """Return the image's detections as the algorithm answers them: class, score, corners as fractions."""
    corners = (image.boxes / SIZE).clip(0, 1).round(6).tolist()
    columns = zip(image.class_ids.tolist(), image.scores.tolist(), corners, strict=True)
    return [[float(class_id), score, *box] for class_id, score, box in columns]


def evaluate(inputs: Path, output: Path, resamples: int) -> Cost:
    """Run the job once."""
    command = [sys.executable, "-c", _JOB, "--no-gallery", "--resamples", str(resamples)]
    for name in ("manifests", "predictions", "report"):
        command += [f"--{name}", str(inputs / name)]
    return run([*command, "--output", str(output)], ROOT, output.parent / "log")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(argv)
    costs: dict[str, list[Cost]] = {name: [] for name in RUNS}
    with TemporaryDirectory() as folder:
        inputs = Path(folder, "inputs")
        write_inputs(inputs, arguments.images)
        for _ in range(arguments.rounds):
            for name, resamples in RUNS.items():
                costs[name].append(evaluate(inputs, Path(folder, "output"), resamples))
    detections = arguments.images * DETECTIONS
    print(f"evaluating {arguments.images:,} test images, {detections:,} detections, {len(CLASSES)} classes")
    print(f"medians of {arguments.rounds} runs each, taken in turn")
    print(f"{'':<24}{'CPU s':>8}{'wall s':>8}{'peak MiB':>10}")
    for name, done in costs.items():
        cpu, wall = (statistics.median(getattr(cost, key) for cost in done) for key in ("cpu", "wall"))
        print(f"{name:<24}{cpu:>8.2f}{wall:>8.2f}{max(cost.memory for cost in done) / 2**20:>10.0f}")


if __name__ == "__main__":
    main()
