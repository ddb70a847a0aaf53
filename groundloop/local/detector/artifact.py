"""The trained model: two flat files in model/, which SageMaker would pack as model.tar.gz.

`hyperparams.json` holds strings only, as in the real artifact. The weights are a plain .npz whose name says what they
are: MXNet can't read them, and no endpoint of the real image would.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundloop.local.detector.boxes import Detections
from groundloop.local.detector.decoding import decode
from groundloop.local.detector.errors import StandInError
from groundloop.local.detector.hyperparameters import Hyperparameters, as_strings, parse
from groundloop.local.detector.images import decode_image, normalise, working_size
from groundloop.local.detector.network import Network

HYPERPARAMETERS_FILE = "hyperparams.json"
WEIGHTS_FILE = "groundloop-stand-in-weights.npz"
#: What reading damaged weights and hyperparameters raises.
DAMAGED_WEIGHTS = (
    *(StandInError, ValueError, TypeError, AttributeError, KeyError, OSError, EOFError, RecursionError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, SyntaxError, MemoryError, OverflowError),
)


@dataclass(eq=False)
class Detector:
    """A trained network with what is needed to use it. One thread at a time."""

    hyperparameters: Hyperparameters
    network: Network

    def look(self, image: bytes) -> tuple[Detections, tuple[int, int]]:
        """Detect objects in a JPEG or PNG.

        Returns:
            The detections, and the image's (width, height) in pixels.

        Raises:
            UnreadableImageError: the bytes are not an image that can be decoded.
        """
        pixels, size = decode_image(image, working_size(self.hyperparameters.image_shape))
        output = self.network.forward(normalise(pixels[None]), training=False)
        threshold = self.hyperparameters.nms_threshold
        return decode(output, self.hyperparameters.num_classes, nms_threshold=threshold)[0], size

    def detect(self, image: bytes) -> list[list[float]]:
        """Detect objects; return rows [class, score, xmin, ymin, xmax, ymax], best first, coordinates from 0 to 1.

        As in the answer of the built-in algorithm. Raises UnreadableImageError.
        """
        found, _ = self.look(image)
        rows = np.column_stack([found.classes, found.scores, found.corners]).astype(float)
        return [[round(value, 6) for value in row] for row in rows.tolist()]


def save(folder: Path, detector: Detector) -> None:
    """Write both files, each whole or not at all: the job may be stopped at any time."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = _beside(folder, WEIGHTS_FILE)
    with weights.open("wb") as file:
        np.savez(file, **detector.network.state())  # type: ignore[arg-type]  # mypy takes ** for allow_pickle
    weights.replace(folder / WEIGHTS_FILE)
    texts = _beside(folder, HYPERPARAMETERS_FILE)
    texts.write_text(json.dumps(as_strings(detector.hyperparameters), indent=1, sort_keys=True) + "\n")
    texts.replace(folder / HYPERPARAMETERS_FILE)


def _beside(folder: Path, name: str) -> Path:
    return folder / f".{name}.{os.getpid()}"


def load(folder: Path) -> Detector:
    """Load the detector saved in a folder.

    Raises:
        StandInError: the folder holds no detector of this stand-in.
    """
    for name in (HYPERPARAMETERS_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise StandInError(
                f"{folder} has no {name}: it isn't a model of groundloop's stand-in. Models of the real algorithm "
                "can't be used offline; train one here."
            )
    try:
        hyperparameters = parse(json.loads((folder / HYPERPARAMETERS_FILE).read_text()))
        network = Network(hyperparameters.num_classes, seed=None)
        with (folder / WEIGHTS_FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            network.load_state({name: arrays[name] for name in arrays.files})
    except DAMAGED_WEIGHTS as error:
        raise StandInError(f"the model in {folder} is damaged: {error}") from error
    return Detector(hyperparameters, network)


def load_archive(archive: Path) -> Detector:
    """Load the detector packed in a model.tar.gz.

    Raises:
        StandInError: the archive holds no detector of this stand-in.
    """
    # Here, because a server, which starts often, loads a folder.
    import tarfile
    import tempfile

    from groundloop.local.archive import DAMAGED_ARCHIVE

    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        except DAMAGED_ARCHIVE as error:
            raise StandInError(f"{archive} can't be unpacked as a model.tar.gz: {error}") from error
        return load(Path(folder))
