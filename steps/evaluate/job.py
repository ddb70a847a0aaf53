"""The Evaluate job: predictions against truth; the figures and the gate's verdict out."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from labels.attributes import CANONICAL
from labels.errors import UserError
from labels.manifest import ManifestReader, open_manifest
from labels.records import Kind, Record
from labels.split import Split
from steps import jobs
from steps.evaluate.gate import parse_gate, verdict
from steps.jobs import say

if TYPE_CHECKING:
    from detections.dataset import ScoredImage

FIGURES = ("map", "map_50", "map_75", "voc_map", "voc_map_07", "ar_100")


class _Summary(msgspec.Struct):
    classes: list[str]


def parse(argv: Sequence[str] | None) -> Namespace:
    """The arguments; every path has SageMaker's place as its default."""
    processing = Path("/opt/ml/processing")
    parser = ArgumentParser(prog="evaluate", description=__doc__)
    parser.add_argument("--manifests", type=Path, default=processing / "input/manifests", help="what Prepare wrote")
    parser.add_argument("--predictions", type=Path, default=processing / "input/predictions", help="the .out files")
    parser.add_argument("--report", type=Path, default=processing / "input/report", help="Prepare's summary.json")
    parser.add_argument("--output", type=Path, default=processing / "output/evaluation")
    parser.add_argument("--gate", nargs="*", default=[], metavar="NAME=VALUE", help="least figures; 0 asks nothing")
    jobs.add_message_file(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; 0, or 1 after a user's mistake. A model that misses the gate is no mistake: the pipeline decides."""
    arguments = parse(argv)
    return jobs.run(lambda: evaluate(arguments), arguments.message_file)


def evaluate(arguments: Namespace) -> None:
    """Read truth and predictions, score, choose the threshold, judge, write.

    Raises:
        UserError: for anything that leaves the figures unreliable: missing, broken or contradicting files.
    """
    thresholds = parse_gate(arguments.gate, FIGURES)
    classes = read_classes(arguments.report / "summary.json")
    truth = {part: read_truth(arguments.manifests / f"{part.value}.manifest", classes) for part in _SCORED}
    images = join(truth, arguments.predictions, classes)
    figures = score(images[Split.VALIDATION], images[Split.TEST], classes)
    figures["gate"] = verdict(figures, thresholds)
    report(figures)
    arguments.output.mkdir(parents=True, exist_ok=True)
    target = arguments.output / "evaluation.json"
    target.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    say(f"written: {target}")


_SCORED = (Split.VALIDATION, Split.TEST)


def read_classes(path: Path) -> list[str]:
    """The class list that Prepare froze, in id order.

    Raises:
        UserError: the file is missing or not Prepare's.
    """
    try:
        classes = msgspec.json.decode(path.read_bytes(), type=_Summary).classes
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: the class list comes from Prepare's report") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not Prepare's summary: {error}") from None
    if not classes:
        raise UserError(f"{path} lists no classes: run Prepare again")
    return classes


def read_truth(path: Path, classes: Sequence[str]) -> list[Record]:
    """The records of one prepared manifest.

    Raises:
        UserError: a line that Prepare would not have written.
    """
    records: list[Record] = []
    with open_manifest(path) as stream:
        for line in ManifestReader(CANONICAL, classes).read(stream):
            if line.record is not None:
                records.append(line.record)
            elif line.kind is not Kind.BLANK:
                raise UserError(f"{path}, line {line.number}: {line.findings[0].message}; run Prepare again")
    return records


def join(truth: dict[Split, list[Record]], folder: Path, classes: Sequence[str]) -> dict[Split, list[ScoredImage]]:
    """Each image of validation and test with its detections.

    Raises:
        UserError: an image twice, missing, ambiguous or broken outputs.
    """
    from detections.dataset import scored_image
    from detections.outputs import find_outputs, match_outputs
    from detections.predictions import parse_detections

    records = [record for part in _SCORED for record in truth[part]]
    source_refs = [record.source_ref for record in records]
    if len(set(source_refs)) < len(source_refs):
        twice = next(ref for index, ref in enumerate(source_refs) if ref in source_refs[:index])
        raise UserError(f"{twice} is in validation and test more than once: run Prepare again")
    found = [path.relative_to(folder).as_posix() for path in find_outputs(folder)]
    outputs = dict(zip(source_refs, match_outputs(source_refs, found), strict=True))
    unused = len(found) - len(outputs)
    ids = {name: class_id for class_id, name in enumerate(classes)}
    clipped = 0
    joined: dict[Split, list[ScoredImage]] = {}
    for part in _SCORED:
        joined[part] = []
        for record in truth[part]:
            path = folder / outputs[record.source_ref]
            detections = parse_detections(path.read_bytes(), classes, str(path))
            clipped += detections.clipped
            joined[part].append(scored_image(record, ids, detections))
    say(f"evaluate: {len(joined[Split.VALIDATION])} validation and {len(joined[Split.TEST])} test images")
    if unused:
        say(f"{unused} predictions belong to no image of the manifests and are left out")
    if clipped:
        say(f"{clipped} detections reached outside the image and were clipped")
    return joined


def score(validation: Sequence[ScoredImage], test: Sequence[ScoredImage], classes: Sequence[str]) -> dict[str, Any]:
    """Every figure of evaluation.json except the gate's.

    Raises:
        UserError: a split without true boxes.
    """
    from detections.coco import coco_scores
    from detections.counting import Threshold, best_f1, count_errors
    from detections.voc import voc_scores

    for part, images in ((Split.VALIDATION, validation), (Split.TEST, test)):
        if not any(len(image.true_ids) for image in images):
            raise UserError(f"the {part.value} split holds no true box, so nothing can be measured: run Prepare again")
    coco = coco_scores(test, classes)
    voc = voc_scores(test, len(classes))
    threshold = best_f1(validation, len(classes))
    if threshold is None:
        say("no detection on validation matches a true box: the threshold is set to 1, which lets hardly any through")
        threshold = Threshold(1.0, 0.0)
    overall, by_class = count_errors(test, len(classes), threshold.score)
    per_class = {
        name: {
            "ap": coco.ap_by_class[class_id],
            "ap_50": coco.ap_50_by_class[class_id],
            "voc_ap": voc.ap_by_class[class_id],
            "boxes": sum(int((image.true_ids == class_id).sum()) for image in test),
        }
        for class_id, name in enumerate(classes)
    }
    return {
        "map": coco.ap,
        "map_50": coco.ap_50,
        "map_75": coco.ap_75,
        "voc_map": voc.mean_ap,
        "voc_map_07": voc.mean_ap_07,
        "ar_100": coco.ar_100,
        "per_class": per_class,
        "threshold": threshold.score,
        "threshold_f1": threshold.f1,
        "count": {**asdict(overall), "per_class": dict(zip(classes, map(asdict, by_class), strict=True))},
        "images": {"validation": len(validation), "test": len(test)},
        "classes": list(classes),
    }


def report(figures: dict[str, Any]) -> None:
    """The log's account of the figures."""
    say("test: " + ", ".join(f"{name} {figures[name]:.3f}" for name in FIGURES))
    for name, numbers in figures["per_class"].items():
        shown = ", ".join(
            f"{key} {'none' if numbers[key] is None else format(numbers[key], '.3f')}"
            for key in ("ap", "ap_50", "voc_ap")
        )
        say(f"    {name}: {shown}, {numbers['boxes']} boxes")
    count = figures["count"]
    say(
        f"threshold {figures['threshold']:.3f} (F1 {figures['threshold_f1']:.3f} on validation); counts on test: "
        f"mean error {count['mae']:.2f}, bias {count['bias']:+.2f}, exact on {count['exact_share']:.0%} of images"
    )
    say(f"gate: {figures['gate']['message']}")
