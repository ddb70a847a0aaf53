"""Prediction on many images with a bounded number of calls at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from groundloop.errors import UserError
from groundloop.prediction.journal import ImageResult
from groundloop.prediction.sources import SourceImage

#: Predicts on one image; UserError means that this image fails, anything else that all do.
Predict = Callable[[SourceImage], ImageResult]


@dataclass(frozen=True)
class ImageFailure:
    """An image without a result, and why."""

    image: str
    message: str


def predict_all(
    images: Sequence[SourceImage], predict: Predict, workers: int, stop: threading.Event
) -> Iterator[ImageResult | ImageFailure]:
    """Predict on images in parallel; yield results and failures as they come.

    At most `workers` images are asked for and not yet taken by the caller, who records each before the next one: so
    many can be asked for again after the process was killed.

    Args:
        images: the images.
        predict: called from several threads.
        workers: calls at a time.
        stop: when it is set, no further call starts. Those that have begun are finished and their results yielded, so
            that no image is asked for twice when the run goes on later.

    Raises:
        Exception: what `predict` raised that is not a UserError.
    """
    outcomes: queue.Queue[ImageResult | ImageFailure | Exception | None] = queue.Queue()
    remaining, lock = iter(images), threading.Lock()
    unrecorded = threading.Semaphore(workers)

    def work() -> None:
        while not stop.is_set():
            unrecorded.acquire()
            with lock:
                image = None if stop.is_set() else next(remaining, None)
            if image is None:
                unrecorded.release()
                break
            try:
                outcomes.put(predict(image))
            except UserError as error:
                outcomes.put(ImageFailure(image.name, str(error)))
            except Exception as error:
                stop.set()
                outcomes.put(error)
        outcomes.put(None)

    running = min(workers, len(images))
    for _ in range(running):
        threading.Thread(target=work, daemon=True).start()
    failed: Exception | None = None
    while running:
        outcome = outcomes.get()
        if outcome is None:
            running -= 1
            continue
        if isinstance(outcome, Exception):
            failed = failed or outcome
        else:
            yield outcome
        unrecorded.release()
    if failed is not None:
        raise failed
