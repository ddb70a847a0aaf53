"""Predict on a folder through an endpoint, as the command does; a test kills it. Run as a program."""

from __future__ import annotations

import sys
from pathlib import Path

from groundloop.detections.endpoint import EndpointClient
from groundloop.prediction.detector import Detector
from groundloop.prediction.endpoints import runtime_client
from groundloop.prediction.journal import Journal
from pipeline.cli.predicting import PredictionOptions, finish, run_prediction

CLASSES = ("nut", "bolt")
WORKERS = 8


def run(folder: Path, output: Path) -> None:
    """Predict on the images of a folder; the environment says where the endpoint is."""
    options = PredictionOptions([str(folder)], None, None, None, 0.5, WORKERS, None, 1, None, None)
    client = EndpointClient(runtime_client("us-east-1", WORKERS), "detector", CLASSES)
    detector = Detector(client, CLASSES, name="version 1", max_bytes=6 * 2**20, on_aws=True)
    with Journal(output, detector.name, options.thresholds(detector)) as journal:
        result = run_prediction(options, detector, options.find_images(), journal, None)
    finish(result, output)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
