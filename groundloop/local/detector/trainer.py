"""A training job: reads what SageMaker would put under /opt/ml, trains, writes the model there."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from groundloop.local.detector import artifact
from groundloop.local.detector.artifact import Detector
from groundloop.local.detector.augmentation import augment
from groundloop.local.detector.boxes import Boxes, Detections, Floats
from groundloop.local.detector.data import Channel, Sample
from groundloop.local.detector.decoding import decode
from groundloop.local.detector.errors import StandInError
from groundloop.local.detector.helper import Task
from groundloop.local.detector.hyperparameters import IGNORED, Hyperparameters, parse
from groundloop.local.detector.images import normalise, working_size
from groundloop.local.detector.loss import Loss, detection_loss
from groundloop.local.detector.metric import voc07_map
from groundloop.local.detector.network import STRIDE, Network
from groundloop.local.detector.optimiser import AdamW
from groundloop.local.detector.schedule import EarlyStopping, learning_rate
from groundloop.local.detector.targets import Targets, make_targets

SEED = 1
_BATCH_AT_VALIDATION = 8
# Eight images of 160 x 160 pixels in a pass: batch normalisation needs no more, and memory grows with it.
_VALUES_AT_ONCE = 8 * 160 * 160 * 3
_log = logging.getLogger("groundloop.local.detector")


def train(opt_ml: Path, *, seed: int = SEED) -> None:
    """Run the training job whose folder this is.

    Raises:
        StandInError: the hyperparameters, channels or data are not valid.
    """
    hyperparameters = parse(_read_json(opt_ml, "hyperparameters"))
    channels = _read_json(opt_ml, "inputdataconfig")
    host = str(_read_json(opt_ml, "resourceconfig").get("current_host", "algo-1"))
    _log.info(_banner(hyperparameters))
    _check(hyperparameters, channels)
    network = Network(hyperparameters.num_classes, seed=seed)
    if "model" in channels:
        network = _warm_start(opt_ml / "input/data/model/model.tar.gz", hyperparameters)
    data = opt_ml / "input/data"
    training = Channel("train", channels["train"], data, hyperparameters)
    validation = Channel("validation", channels["validation"], data, hyperparameters)
    detector = Detector(hyperparameters, network)
    run = _Run(detector, host, seed)
    stopping = EarlyStopping(hyperparameters)
    best_score, best_epoch = -1.0, 0
    for epoch in range(hyperparameters.epochs):
        run.train_epoch(epoch, training.samples(epoch))
        score = run.validate(epoch, validation.samples(epoch))
        if score > best_score:
            best_score, best_epoch = score, epoch
            artifact.save(opt_ml / "model", detector)
        if stopping.should_stop(epoch, score):
            _log.info("early stopping: the mAP hasn't risen for %d epochs", hyperparameters.early_stopping_patience)
            break
    _log.info("The model of epoch %d is kept, the best by validation mAP: %.4f", best_epoch, best_score)


def _read_json(opt_ml: Path, name: str) -> dict[str, Any]:
    path = opt_ml / "input/config" / f"{name}.json"
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        raise StandInError(f"{path} is missing: the folder isn't laid out like /opt/ml.") from None
    except ValueError as error:
        raise StandInError(f"{path} isn't JSON: {error}.") from error
    if not isinstance(value, dict):
        raise StandInError(f"{path} holds {type(value).__name__}, an object is needed.")
    return value


def _banner(hyperparameters: Hyperparameters) -> str:
    size = working_size(hyperparameters.image_shape)
    return (
        "This is groundloop's offline stand-in for the built-in Object Detection algorithm: a small NumPy network, "
        f"trained from scratch on at most two cores at {size}x{size} pixels. Its mAP is not AWS's. "
        "It honours num_classes, num_training_samples, image_shape (works at about half), epochs, mini_batch_size, "
        "learning_rate, lr_scheduler_*, overlap_threshold, nms_threshold, label_width and early_stopping*; "
        f"it accepts but ignores {', '.join(IGNORED)}; base_network only has to be the same in a warm start."
    )


def _check(hyperparameters: Hyperparameters, channels: dict[str, Any]) -> None:
    missing = [name for name in ("train", "validation") if name not in channels]
    if missing:
        raise StandInError(
            f"channel {' and '.join(missing)} missing: Object Detection needs train and validation, "
            f"the job has {', '.join(channels) or 'none'}."
        )
    other = [name for name in channels if name not in ("train", "validation", "model")]
    if other:
        raise StandInError(f"channel {other[0]}: the stand-in reads the channels train, validation and model only.")
    if hyperparameters.num_training_samples < hyperparameters.mini_batch_size:
        raise _too_few(hyperparameters.num_training_samples, hyperparameters)


def _too_few(images: int, hyperparameters: Hyperparameters) -> StandInError:
    return StandInError(
        "The number of input images must be bigger or equal to the mini_batch_size. "
        f"There are {images} in the training split, mini_batch_size is {hyperparameters.mini_batch_size}: "
        "lower mini_batch_size, or label more images."
    )


def _warm_start(archive: Path, hyperparameters: Hyperparameters) -> Network:
    if not archive.is_file():
        raise StandInError(f"channel model: {archive} is missing; incremental training needs the model.tar.gz there.")
    earlier = artifact.load_archive(archive)
    for key in ("num_classes", "base_network"):
        before, now = getattr(earlier.hyperparameters, key), getattr(hyperparameters, key)
        if before != now:
            raise StandInError(
                f"channel model: the model was trained with {key}={before}, this job has {key}={now}; "
                "incremental training needs the same."
            )
    _log.info("Starting from the weights of the channel model")
    return earlier.network


@dataclass(frozen=True, eq=False)
class _Part:
    """Views of some images of a mini-batch, and what the network should answer."""

    pixels: Floats
    targets: Targets


class _Run:
    """The state of one training run."""

    def __init__(self, detector: Detector, host: str, seed: int) -> None:
        self._detector, self._host = detector, host
        self._optimiser = AdamW(detector.network.parameters())
        self._rng = np.random.default_rng(seed)
        hyperparameters = detector.hyperparameters
        self._steps_per_epoch = math.ceil(hyperparameters.num_training_samples / hyperparameters.mini_batch_size)
        self._step = 0

    def train_epoch(self, epoch: int, samples: Iterable[Sample]) -> None:
        hyperparameters = self._detector.hyperparameters
        started = time.perf_counter()
        batches, cross_entropy, smooth_l1, records = 0, 0.0, 0.0, 0
        for parts in self._prepared(_batches(samples, hyperparameters)):
            losses = self._train_batch(parts)
            batches += 1
            records += sum(len(part.pixels) for part in parts)
            cross_entropy += losses[0]
            smooth_l1 += losses[1]
        if batches != self._steps_per_epoch:
            _log.warning(
                "Expected number of batches: %d, did not match the number of batches processed: %d. "
                "num_training_samples is %d: it has to be the number of lines of the train manifest.",
                self._steps_per_epoch,
                batches,
                hyperparameters.num_training_samples,
            )
        where = f"#quality_metric: host={self._host}, epoch={epoch}, batch={batches} train"
        _log.info("%s cross_entropy <loss>=%.6f", where, cross_entropy / batches)
        _log.info("%s smooth_l1 <loss>=%.6f", where, smooth_l1 / batches)
        _log.info(
            "#progress_metric: host=%s, completed %.4g %%", self._host, 100 * (epoch + 1) / hyperparameters.epochs
        )
        speed = records / (time.perf_counter() - started)
        _log.info("#throughput_metric: host=%s, train throughput=%.2f records/second", self._host, speed)

    def _prepared(self, batches: Iterator[list[Sample]]) -> Iterator[list[_Part]]:
        """Yield the parts of each batch; the next one is prepared while the network learns from this one."""
        following: Task[list[_Part]] | None = None
        for batch in batches:
            # One after the other: each takes its random numbers where the one before has left off.
            current = None if following is None else following.result()
            following = Task(partial(self._prepare, batch))
            if current is not None:
                yield current
        if following is not None:
            yield following.result()

    def _prepare(self, batch: list[Sample]) -> list[_Part]:
        parts = []
        for samples in _parts(batch):
            views = [augment(self._rng, sample.pixels, sample.boxes) for sample in samples]
            pixels = np.stack([view for view, _ in views])
            cells = pixels.shape[1] // STRIDE
            targets = make_targets([boxes for _, boxes in views], self._detector.network.num_classes, cells)
            parts.append(_Part(pixels, targets))
        return parts

    def _train_batch(self, parts: list[_Part]) -> tuple[float, float]:
        """Take one step of the optimiser; return the mean losses of the batch."""
        hyperparameters = self._detector.hyperparameters
        losses = [self._collect_gradients(part) for part in parts]
        self._optimiser.step(learning_rate(hyperparameters, self._step, self._steps_per_epoch))
        self._step += 1
        cross_entropy = sum(loss.cross_entropy for loss in losses) / len(losses)
        smooth_l1 = sum(loss.smooth_l1 for loss in losses) / len(losses)
        if not math.isfinite(cross_entropy + smooth_l1):
            raise StandInError(
                f"the loss isn't a finite number any more after {self._step} steps: learning_rate "
                f"{hyperparameters.learning_rate:g} is too high for this data, lower it."
            )
        return cross_entropy, smooth_l1

    def _collect_gradients(self, part: _Part) -> Loss:
        network = self._detector.network
        loss = detection_loss(network.forward(part.pixels, training=True), part.targets)
        network.backward(loss.gradient)
        self._optimiser.collect()
        return loss

    def validate(self, epoch: int, samples: Iterable[Sample]) -> float:
        hyperparameters = self._detector.hyperparameters
        truth: list[Boxes] = []
        found: list[Task[list[Detections]]] = []
        for batch in _groups(samples, _BATCH_AT_VALIDATION):
            truth += [sample.boxes for sample in batch]
            pixels = normalise(np.stack([sample.pixels for sample in batch]))
            # A copy: the network's next output takes the place of this one.
            output = self._detector.network.forward(pixels, training=False).copy()
            nms = hyperparameters.nms_threshold
            found.append(Task(partial(decode, output, hyperparameters.num_classes, nms_threshold=nms)))
        threshold = hyperparameters.overlap_threshold
        detections = [of_image for task in found for of_image in task.result()]
        score = voc07_map(truth, detections, hyperparameters.num_classes, overlap_threshold=threshold)
        _log.info("#quality_metric: host=%s, epoch=%d, validation mAP <score>=(%.6f)", self._host, epoch, score)
        return score


def _batches(samples: Iterable[Sample], hyperparameters: Hyperparameters) -> Iterator[list[Sample]]:
    """Yield mini-batches in stream order; the last one is filled from the epoch's start, as MXNet's iterator does."""
    size = hyperparameters.mini_batch_size
    first: list[Sample] = []
    for batch in _groups(samples, size):
        first = first or batch
        if len(first) < size:
            raise _too_few(len(first), hyperparameters)
        yield list(chain(batch, first[: size - len(batch)]))


def _parts(batch: list[Sample]) -> list[list[Sample]]:
    """Cut a mini-batch into nearly equal parts that fit the processor's cache and a laptop's memory."""
    count = math.ceil(sum(sample.pixels.size for sample in batch) / _VALUES_AT_ONCE)
    bounds = [round(i * len(batch) / count) for i in range(count + 1)]
    return [batch[low:high] for low, high in pairwise(bounds) if high > low]


def _groups(samples: Iterable[Sample], size: int) -> Iterator[list[Sample]]:
    group: list[Sample] = []
    for sample in samples:
        group.append(sample)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
