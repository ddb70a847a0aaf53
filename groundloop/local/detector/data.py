"""Reader of a training channel: one named pipe per epoch, RecordIO frames, alternating images and labels.

Where the built-in algorithm's own words for a failure are known from its users' reports, they stand first, so that
they can be searched for; ours follow and say what to look at.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from groundloop.local.detector.boxes import Boxes
from groundloop.local.detector.errors import StandInError
from groundloop.local.detector.hyperparameters import Hyperparameters
from groundloop.local.detector.images import UnreadableImageError, decode_image, working_size
from groundloop.local.recordio import MagicError, RecordIOError, read_records
from groundloop.spec.object_detection import RECORDIO, label_size

EMPTY_BATCH = (
    "Got empty batch from pipe. Please check if the manifest file contains valid batches and the value of training job "
    "parameter AttributeNames matches attributes names in the augmented manifest."
)
NO_MAGIC = "The Record IO header does not start with the magic number."
UNPARSABLE = "Unable to parse record. Please make sure input data is in correct recordio format."
LABEL_WIDTH = "Invalid parameter value 'label_width'."
TIMED_OUT = "Platform Error: SageMaker pipe channel timed out."

# Decoded images are kept by the hash of their bytes, as bytes at working size (77 kB at 160 px), up to this much per
# channel; the images beyond are decoded again in each epoch.
_CACHE_BYTES = 256 * 2**20
_POLL_SECONDS = 0.02


@dataclass(frozen=True, eq=False)
class Sample:
    """One line of the manifest: (S, S, 3) bytes and the boxes in it."""

    pixels: npt.NDArray[np.uint8]
    boxes: Boxes


class Channel:
    """The samples of one Pipe-mode channel, epoch by epoch.

    Epoch n comes through the pipe `<channel>_<n>`, which may not exist yet: the one who feeds it may make it only when
    the one before is done. Every method raises StandInError for what the user has to mend.
    """

    def __init__(
        self,
        name: str,
        config: Mapping[str, Any],
        data_folder: Path,
        hyperparameters: Hyperparameters,
        *,
        wait_seconds: float = 600.0,
    ) -> None:
        """Open a channel.

        Args:
            config: the channel's part of inputdataconfig.json.
            data_folder: the folder input/data.
        """
        self.name, self._folder, self._hyperparameters = name, data_folder, hyperparameters
        self._size = working_size(hyperparameters.image_shape)
        self._wait_seconds = wait_seconds
        self._cache: dict[bytes, tuple[npt.NDArray[np.uint8], tuple[int, int]]] = {}
        _require(name, config, "TrainingInputMode", "Pipe", "an augmented manifest travels in Pipe mode only")
        _require(name, config, "ContentType", RECORDIO, "an augmented manifest needs it")
        _require(name, config, "RecordWrapperType", "RecordIO", "without it nothing parts one record from the next")
        # SageMaker passes them to the feeder of the pipe, not to the algorithm; two records per sample otherwise.
        self._records_per_sample = len(config.get("AttributeNames") or ("image", "label"))
        if self._records_per_sample < 2:
            raise StandInError(
                f"channel {name}: AttributeNames needs two names, the image's first: [source-ref, label attribute]."
            )

    def samples(self, epoch: int) -> Iterator[Sample]:
        """Yield all samples of an epoch, at least one, in the order of the stream."""
        index = -1
        with self._open(epoch) as stream:
            for index, group in enumerate(self._groups(stream)):
                where = f"channel {self.name}, epoch {epoch}, sample {index} (counted from 0)"
                yield self._sample(group[0], group[1], where)
        if index < 0:
            raise StandInError(f"{EMPTY_BATCH} Channel {self.name} carried no record in epoch {epoch}.")

    def _open(self, epoch: int) -> BinaryIO:
        path = self._folder / f"{self.name}_{epoch}"
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                return path.open("rb")
            except FileNotFoundError:
                if time.monotonic() > deadline:
                    raise StandInError(
                        f"{TIMED_OUT} {path} didn't appear within {self._wait_seconds:g} s: nothing feeds the channel."
                    ) from None
                time.sleep(_POLL_SECONDS)

    def _groups(self, stream: BinaryIO) -> Iterator[list[bytes]]:
        group: list[bytes] = []
        try:
            for record in read_records(stream):
                group.append(record)
                if len(group) == self._records_per_sample:
                    yield group
                    group = []
        except MagicError as error:
            raise StandInError(
                f"{NO_MAGIC} Channel {self.name}: {error}. RecordWrapperType has to be RecordIO in the request."
            ) from error
        except RecordIOError as error:
            raise StandInError(f"{UNPARSABLE} Channel {self.name}: {error}.") from error
        if group:
            raise StandInError(
                f"{UNPARSABLE} Channel {self.name} ends within a sample: {len(group)} of {self._records_per_sample} "
                "records came. A line of the manifest lacks an attribute, or its image is missing."
            )

    def _sample(self, image: bytes, label: bytes, where: str) -> Sample:
        annotations, image_size = _read_label(label, where)
        needed = label_size(len(annotations))
        if needed > self._hyperparameters.label_width:
            raise StandInError(
                f"{LABEL_WIDTH} {where}: {len(annotations)} boxes need label_width {needed} (5 per box and 2), "
                f"it is {self._hyperparameters.label_width}. Raise label_width."
            )
        pixels, size = self._decode(image, where)
        return Sample(pixels, self._boxes(annotations, image_size or size, where))

    def _decode(self, image: bytes, where: str) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
        key = hashlib.blake2b(image, digest_size=16).digest()
        if key in self._cache:
            return self._cache[key]
        try:
            decoded = decode_image(image, self._size)
        except UnreadableImageError as error:
            raise StandInError(
                f"{EMPTY_BATCH} {where}: {error}. The image attribute has to be the first of AttributeNames; if it is, "
                "the object isn't a JPEG or PNG."
            ) from error
        if (len(self._cache) + 1) * decoded[0].nbytes <= _CACHE_BYTES:
            self._cache[key] = decoded
        return decoded

    def _boxes(self, annotations: list[dict[str, Any]], size: tuple[int, int], where: str) -> Boxes:
        classes, corners = [], []
        for annotation in annotations:
            try:
                class_id = int(annotation["class_id"])
                left, top, width, height = (float(annotation[key]) for key in ("left", "top", "width", "height"))
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise StandInError(
                    f"{where}: a box needs the numbers class_id, left, top, width and height, not {annotation!r}."
                ) from error
            if not all(map(math.isfinite, (left, top, width, height))):
                raise StandInError(f"{where}: a box has a number that isn't finite: {annotation!r}.")
            if not 0 <= class_id < self._hyperparameters.num_classes:
                raise StandInError(
                    f"{where}: class_id {class_id} is outside 0 to {self._hyperparameters.num_classes - 1} "
                    f"(num_classes is {self._hyperparameters.num_classes}). Ids have to be successive from 0."
                )
            classes.append(class_id)
            corners.append((left / size[0], top / size[1], (left + width) / size[0], (top + height) / size[1]))
        clipped = np.clip(np.array(corners, np.float64).reshape(-1, 4), 0, 1)
        # Nothing to learn from a box without area, or outside the image.
        kept = ((clipped[:, 2:] - clipped[:, :2]) > 0).all(axis=1)
        return Boxes(np.array(classes, np.intp)[kept], clipped[kept])


def _require(name: str, config: Mapping[str, Any], key: str, required: str, why: str) -> None:
    if config.get(key, required) != required:
        raise StandInError(f"channel {name}: {key} is {config[key]!r}, {required} is needed: {why}.")


def _read_label(label: bytes, where: str) -> tuple[list[dict[str, Any]], tuple[int, int] | None]:
    """Return a label's annotations, and the image's width and height if the label states them."""
    try:
        value = json.loads(label)
        annotations = value["annotations"]
        if not isinstance(annotations, list):
            raise TypeError("annotations isn't a list")
    except (ValueError, TypeError, KeyError) as error:
        # That of a decoder holds all the bytes: an image, where the attributes are in the wrong order.
        why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else repr(error)
        raise StandInError(
            f"{EMPTY_BATCH} {where}: its second record isn't a bounding-box label (JSON with annotations): {why}. "
            "AttributeNames has to be [source-ref, label attribute], in this order."
        ) from error
    try:
        width, height = (float(value["image_size"][0][key]) for key in ("width", "height"))
    except (KeyError, IndexError, TypeError, ValueError):
        return annotations, None
    return annotations, (int(width), int(height)) if width >= 1 and height >= 1 else None
