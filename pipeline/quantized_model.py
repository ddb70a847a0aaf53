"""`groundloop export-model --quantize`: calibration, and the metrics before and after."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from groundloop.errors import UserError
from groundloop.images.access import UnusableImageError
from groundloop.images.local import FolderImages, ImageFolder
from groundloop.labels.records import Record

if TYPE_CHECKING:
    from groundloop.portable.onnx_detector import OnnxDetector
    from pipeline.config import Config

#: More images hardly change the ranges of activations.
MAX_CALIBRATION_IMAGES = 100
#: The threshold of classes without one, for the counts in the evaluation; mAP needs none.
_THRESHOLD = 0.5

ImageReader = Callable[[str], bytes]


@dataclass(frozen=True)
class QuantizationData:
    """The images that quantization needs.

    Attributes:
        calibration: names of images to calibrate on.
        labelled: the images with ground truth to measure on.
        read: reads an image by its name.
        read_calibration: reads a calibration image.
        split: what `labelled` is called.
    """

    calibration: tuple[str, ...]
    labelled: tuple[Record, ...]
    read: ImageReader
    read_calibration: ImageReader
    split: str


@dataclass(frozen=True)
class Quantized:
    """A quantized model, with the metrics of both.

    Attributes:
        model: the file's content.
        calibration_images: number of images it was calibrated on.
        images: number of images of `split` that both were measured on.
        before, after: COCO's mAP and AP50.
    """

    model: onnx.ModelProto
    calibration_images: int
    images: int
    split: str
    before: Mapping[str, float]
    after: Mapping[str, float]

    @property
    def loss(self) -> float:
        """What quantization costs in mAP."""
        return self.before["map"] - self.after["map"]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return {
            "calibration_images": self.calibration_images,
            "images": self.images,
            "before": dict(self.before),
            "after": dict(self.after),
        }


def quantization_data(
    which: str,
    classes: Sequence[str],
    settings: Callable[[], Config],
    *,
    calibrate: Path | None,
    labels: Path | None,
    images: Path | None,
) -> QuantizationData:
    """Find the images that quantization needs.

    Args:
        which: the model as the user names it: path of a model.tar.gz, a version number, or a local run's folder.
        classes: names in id order.
        settings: reads the configuration, which names the region.
        calibrate: folder of images to calibrate on; None for those of the validation split.
        labels: ground truth for a model.tar.gz, in any format.
        images: folder of the image files; None for S3.

    Raises:
        UserError: an option is missing or too much, or there are no images.
    """
    validation: Sequence[Record] = ()
    if Path(which).is_file():
        if calibrate is None or labels is None or images is None:
            raise UserError(
                "--quantize int8 of a model.tar.gz needs --calibrate FOLDER, and --labels FILE with --images FOLDER to "
                "measure what it costs; a version of the registry has its validation and test splits"
            )
        test, split = _labelled(labels, images, classes), f"images of {labels}"
    elif labels is not None:
        raise UserError("--labels is for a model.tar.gz; versions and local runs are measured on their test split")
    else:
        (validation, test), split = _splits(which, settings), "test images"
    read = _reader(which, settings, images)
    if calibrate is None:
        names, read_calibration = tuple(record.source_ref for record in validation), read
    else:
        names, read_calibration = tuple(ImageFolder(calibrate).names()), FolderImages(calibrate).body
    if not names or not test:
        raise UserError(
            f"{calibrate or 'the validation split'} holds no image" if not names else f"there are no {split}"
        )
    return QuantizationData(_spread(names), tuple(test), read, read_calibration, split)


def quantize(
    model: onnx.ModelProto, data: QuantizationData, *, max_loss: float, done: Callable[[int], None] = lambda count: None
) -> Quantized:
    """Quantize a model to int8 and measure it.

    Args:
        model: as `to_onnx` returns it.
        data: the images.
        max_loss: how much mAP it may lose.
        done: called with the number of images detected on so far; each is detected on twice.

    Raises:
        UserError: it loses more, nothing can be measured, or an image can't be read.
    """
    from groundloop.portable.onnx_detector import OnnxDetector
    from groundloop.portable.quantization import to_int8

    with tempfile.TemporaryDirectory() as folder:
        full, small = Path(folder) / "full.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, full)
        detector = OnnxDetector(full)
        images = (detector.pixels(_body(data.read_calibration, name)) for name in data.calibration)
        quantized = to_int8(model, images)
        onnx.save(quantized, small)
        before, after = _metrics((detector, OnnxDetector(small)), data, done)
    result = Quantized(quantized, len(data.calibration), len(data.labelled), data.split, before, after)
    if result.loss > max_loss:
        raise UserError(
            f"int8 would lower mAP from {before['map']:.3f} to {after['map']:.3f} on {result.images} {data.split}, "
            f"more than --max-loss {max_loss:g}: nothing was written; calibrate on images that are more like those "
            "of production, or export without --quantize"
        )
    return result


def _metrics(
    detectors: tuple[OnnxDetector, OnnxDetector], data: QuantizationData, done: Callable[[int], None]
) -> tuple[dict[str, float], dict[str, float]]:
    from groundloop.detections.dataset import ScoredImage, scored_image
    from groundloop.detections.evaluate import evaluate_at

    classes = detectors[0].classes
    ids = {name: class_id for class_id, name in enumerate(classes)}
    scored: tuple[list[ScoredImage], list[ScoredImage]] = ([], [])
    for number, record in enumerate(data.labelled, start=1):
        image = _body(data.read, record.source_ref)
        for detector, images in zip(detectors, scored, strict=True):
            images.append(scored_image(record, ids, detector.detect(image)))
        done(number)
    found = []
    for images in scored:
        metrics = evaluate_at(images, classes, dict.fromkeys(classes, _THRESHOLD)).metrics
        overall, at_50 = metrics["map"], metrics["map_50"]
        if overall is None or at_50 is None:
            raise UserError(f"the {data.split} have no ground-truth box, so nothing can be measured")
        found.append({"map": overall, "map_50": at_50})
    return found[0], found[1]


def _splits(which: str, settings: Callable[[], Config]) -> tuple[Sequence[Record], Sequence[Record]]:
    from pipeline.review.evaluated_model import evaluated_model
    from steps.evaluate.ground_truth import read_ground_truth

    model = evaluated_model(which, settings)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for split in ("validation", "test"):
            path = Path(folder) / f"{split}.manifest"
            path.write_bytes(b"\n".join(model.manifests[split]))
            found.append(read_ground_truth(path, model.classes))
    return found[0], found[1]


def _labelled(labels: Path, images: Path, classes: Sequence[str]) -> Sequence[Record]:
    from groundloop.labels.reading import read_labels

    dataset = read_labels(labels, images=images)
    unknown = sorted({box.class_name for image in dataset.images for box in image.boxes} - set(classes))
    if unknown:
        raise UserError(f"{labels}: class {unknown[0]!r} is none of the model's ({', '.join(classes)})")
    return [Record(image.name, image.width or 0, image.height or 0, image.boxes, ()) for image in dataset.images]


def _reader(which: str, settings: Callable[[], Config], images: Path | None) -> ImageReader:
    if images is not None:
        return FolderImages(images).body
    if Path(which).is_dir():
        raise UserError("--quantize int8 of a local run needs --images FOLDER, the folder of its images")
    from groundloop.images.s3 import S3Images

    return S3Images(settings().aws.region).body


def _body(read: ImageReader, name: str) -> bytes:
    try:
        return read(name)
    except UnusableImageError as error:
        raise UserError(f"{name}: {error}") from None


def _spread(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return at most `MAX_CALIBRATION_IMAGES` of the names, spread over all."""
    count = min(len(names), MAX_CALIBRATION_IMAGES)
    return tuple(names[number * len(names) // count] for number in range(count))
