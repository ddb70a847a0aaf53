"""Images in parallel: never more asked for and not recorded than there are workers."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

from groundloop.prediction.running import predict_all


def test_no_worker_goes_on_before_its_result_is_recorded() -> None:
    """What was asked for and not recorded is asked for again after the process was killed."""
    workers, asked = 3, []
    lock = threading.Lock()

    def predict(image: Any) -> Any:
        with lock:
            asked.append(image.name)
        return image

    images: Any = [SimpleNamespace(name=f"{number}.jpg") for number in range(20)]
    for recorded, _ in enumerate(predict_all(images, predict, workers, threading.Event())):
        time.sleep(0.005)  # the other workers have time to run ahead
        with lock:
            assert len(asked) - recorded <= workers
    assert sorted(asked) == sorted(image.name for image in images)
