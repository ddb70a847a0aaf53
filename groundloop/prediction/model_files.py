"""Models on this machine: an ONNX file, a `model.tar.gz`, or the folder of a local run."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from groundloop.detections.count_error import CountError
from groundloop.detections.endpoint import SupportsDetect
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError

if TYPE_CHECKING:
    from groundloop.models.packages import Package
    from groundloop.portable.model_archive import ModelArchive

_ONNX_SUFFIX = ".onnx"


class UndecodableImageError(UserError):
    """The bytes are not an image that the offline stand-in can decode."""


@dataclass(frozen=True)
class OpenedModel:
    """A model that detects on this machine, with what is known of it."""

    source: SupportsDetect
    classes: tuple[str, ...]
    name: str
    thresholds: dict[str, float] = field(default_factory=dict)
    count_error: CountError | None = None


def open_model(path: Path, classes: Sequence[str] = ()) -> OpenedModel:
    """Open the model in a file or folder; see `Detector.from_model`."""
    if path.suffix == _ONNX_SUFFIX:
        return _of_onnx(path, classes)
    if path.is_dir() and not _is_model_folder(path):
        return _of_local_run(path, classes)
    if not path.exists():
        raise UserError(f"{path} does not exist: give an ONNX file, a model.tar.gz or the folder of a local run")
    if not classes:
        raise UserError(f"{path} holds no class names: give them in the model's order, such as --classes nut,bolt")
    return _of_artifact(path, tuple(classes), str(path))


def open_package(arn: str) -> tuple[OpenedModel, Package]:
    """Download and open the model of a model package; see `Detector.from_package`."""
    from groundloop.models.packages import package

    region = arn.split(":")[3] if arn.count(":") >= 5 else ""
    if ":model-package/" not in arn or not region:
        raise UserError(
            f"{arn!r} is not the ARN of a model package: arn:aws:sagemaker:REGION:ACCOUNT:model-package/..."
        )
    found = package(region, arn)
    archive = package_archive(region, arn)
    return _of_archive(archive, tuple(found.classes), arn), found


def package_archive(region: str, arn: str) -> ModelArchive:
    """Download the model of a model package.

    Raises:
        UserError: its model is not one model.tar.gz, or can't be read.
    """
    from groundloop.aws import client
    from groundloop.portable.model_archive import read_model_archive
    from groundloop.s3_download import S3Download

    described = client("sagemaker", region).describe_model_package(ModelPackageName=arn)
    container = described["InferenceSpecification"]["Containers"][0]
    if "ModelDataUrl" not in container:
        raise UserError(f"{arn}: its model is not one model.tar.gz, so only its endpoint can use it")
    with tempfile.TemporaryDirectory() as folder:
        return read_model_archive(S3Download(container["ModelDataUrl"], region, Path(folder)).path)


def _of_onnx(path: Path, classes: Sequence[str]) -> OpenedModel:
    from groundloop.portable.onnx_detector import OnnxDetector

    if classes:
        raise UserError("an ONNX file has its class names inside: leave --classes out")
    source = OnnxDetector(path)
    info = source.info
    name = info.model_package or f"sha256:{info.artifact_sha256}"
    if info.quantization:  # its detections differ, and are not to be mixed with the model's own
        name += f" ({info.quantization})"
    return OpenedModel(source, source.classes, name, dict(info.thresholds), info.count_error)


def _of_local_run(folder: Path, classes: Sequence[str]) -> OpenedModel:
    if classes:
        raise UserError("--classes is for a model.tar.gz; a local run has its class names")
    from groundloop.prediction.local_run import TrainedModel

    run = TrainedModel.of_run(folder)
    opened = _of_artifact(run.folder, run.classes, str(folder))
    return OpenedModel(opened.source, opened.classes, opened.name, run.thresholds, run.count_error)


def _is_model_folder(path: Path) -> bool:
    from groundloop.portable.model_archive import STAND_IN_FILE

    return (path / STAND_IN_FILE).is_file()


def _of_artifact(path: Path, classes: tuple[str, ...], name: str) -> OpenedModel:
    """Open a model.tar.gz or the folder of a model."""
    from groundloop.portable.model_archive import read_model_archive

    if path.is_dir():
        return OpenedModel(_stand_in(path, classes), classes, name)
    return _of_archive(read_model_archive(path), classes, name)


def _of_archive(archive: ModelArchive, classes: tuple[str, ...], name: str) -> OpenedModel:
    """Open the files of a model: the stand-in's is run as it is, the algorithm's as ONNX."""
    if not archive.is_stand_in:
        return OpenedModel(_converted(archive, classes), classes, name)
    with tempfile.TemporaryDirectory() as folder:
        for file, content in archive.files.items():
            (Path(folder) / file).write_bytes(content)
        return OpenedModel(_stand_in(Path(folder), classes), classes, name)


def _converted(archive: ModelArchive, classes: tuple[str, ...]) -> SupportsDetect:
    try:
        import onnx
    except ImportError:
        raise UserError(
            f"{archive.name}: a model of the built-in algorithm is converted to ONNX first: "
            "pip install 'groundloop[export]'"
        ) from None
    from groundloop.portable.conversion import to_onnx
    from groundloop.portable.onnx_detector import OnnxDetector

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "detector.onnx"
        onnx.save(to_onnx(archive, classes), target)
        return OnnxDetector(target)


def _stand_in(folder: Path, classes: tuple[str, ...]) -> SupportsDetect:
    from groundloop.local.detector.artifact import load
    from groundloop.local.detector.errors import StandInError
    from groundloop.local.detector.images import UnreadableImageError

    try:
        detector = load(folder)
    except StandInError as error:
        raise UserError(str(error)) from None

    def detect(image: bytes) -> Detections:
        try:
            rows = detector.detect(image)
        except UnreadableImageError as error:
            raise UndecodableImageError(str(error)) from None
        return Detections.from_sagemaker(json.dumps({"prediction": rows}).encode(), classes, "the model")

    return _OneThread(detect)


class _OneThread:
    """Lets one thread at a time use a detector that takes no more."""

    def __init__(self, detect: Callable[[bytes], Detections]) -> None:
        self._detect = detect
        self._lock = threading.Lock()

    def detect(self, image: bytes) -> Detections:
        """Detect the objects on one encoded image."""
        with self._lock:
            return self._detect(image)
