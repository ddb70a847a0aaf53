"""What data capture costs a request: latency of an offline endpoint with it and without, taking turns.

Run with `make bench`, or `python benchmarks/capture.py [--requests N] [--rounds N]`. Both endpoints serve the stand-in
detector of one run, on a photo of 640 by 480 pixels, one request after the other, to each in turn, so that a machine
whose speed drifts treats them alike. Printed is each round's ratio of the medians (p50), with capture
over without, and the median of all rounds: over 1.05 is a failure. Every request has to be captured.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

MAX_RATIO = 1.05
WARM_UP = 10
CAPTURED, PLAIN = "with-capture", "without-capture"
_WAIT_SECONDS = 60.0


def photo() -> bytes:
    """Return a JPEG of about 100 kB that has something on every pixel."""
    shades = np.random.default_rng(3).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(shades).resize((640, 480), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def ratios(send: Callable[[str], None], requests: int, rounds: int) -> tuple[list[float], dict[str, float]]:
    """Return the ratio of the medians of each round, and the medians of all rounds in seconds.

    Args:
        send: sends one request to the endpoint of that name.
        requests: to each endpoint in each round.
        rounds: their number.
    """
    for name in (PLAIN, CAPTURED):
        for _ in range(WARM_UP):
            send(name)
    found: list[float] = []
    seconds: dict[str, list[float]] = {PLAIN: [], CAPTURED: []}
    for _ in range(rounds):
        taken: dict[str, list[float]] = {PLAIN: [], CAPTURED: []}
        for number in range(requests):
            for name in (PLAIN, CAPTURED) if number % 2 else (CAPTURED, PLAIN):
                begun = time.perf_counter()
                send(name)
                taken[name].append(time.perf_counter() - begun)
        found.append(statistics.median(taken[CAPTURED]) / statistics.median(taken[PLAIN]))
        for name, values in taken.items():
            seconds[name] += values
    return found, {name: statistics.median(values) for name, values in seconds.items()}


def create_endpoints(sagemaker: Any, bucket: str) -> None:
    """Create two endpoints of the model that the run's endpoint serves, one of them with data capture."""
    described = sagemaker.describe_endpoint(EndpointName="groundloop")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": config["ProductionVariants"][0]["ModelName"],
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/bench-capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    for name in (PLAIN, CAPTURED):
        extra = {"DataCaptureConfig": capture} if name == CAPTURED else {}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **extra)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    deadline = time.monotonic() + _WAIT_SECONDS
    for name in (PLAIN, CAPTURED):
        while sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != "InService":
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} does not come into service")
            time.sleep(0.1)


def main() -> None:
    """Run the pipeline once offline, time requests to both endpoints, and print the ratio."""
    from groundloop.aws import client
    from groundloop.detections.captures.files import capture_files
    from groundloop.detections.captures.requests import CaptureReader
    from groundloop.executions.watching import watch
    from groundloop.prediction.endpoints import runtime_client
    from pipeline.cli.local.settings import load_local
    from pipeline.demo.offline_run import offline_aws, start_run, upload_labels
    from pipeline.demo.synthetic_images import write_dataset

    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100, help="to each endpoint in each round")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    settings = load_local(None, ["training.hyperparameters.epochs=4"], project=False)
    with tempfile.TemporaryDirectory() as place, offline_aws(settings, Path(place)):
        folder, region, bucket = Path(place), settings.aws.region, settings.aws.bucket
        manifest = write_dataset(folder / "data", 60, bucket)
        upload_labels(settings, manifest, folder / "data" / "images", lambda line: None)
        watch(region, start_run(settings, lambda line: None), lambda change: None)
        create_endpoints(client("sagemaker", region), bucket)
        runtime, body, sent = runtime_client(region, 1), photo(), {PLAIN: 0, CAPTURED: 0}

        def send(name: str) -> None:
            runtime.invoke_endpoint(EndpointName=name, ContentType="image/jpeg", Body=body)["Body"].read()
            sent[name] += 1

        found, seconds = ratios(send, given.requests, given.rounds)
        for name in (PLAIN, CAPTURED):
            client("sagemaker", region).delete_endpoint(EndpointName=name)  # which writes what it still holds
        reader = CaptureReader(capture_files(f"s3://{bucket}/bench-capture", region))
        captured = sum(request.image == body for request in reader.requests())
    ratio = statistics.median(found)
    print(
        f"data capture, p50 of {given.rounds} x {given.requests} requests of {len(body) // 1000} kB to each endpoint\n"
    )
    print("| | p50, ms |\n| --- | ---: |")
    for name, value in seconds.items():
        print(f"| {name.replace('-', ' ')} | {1000 * value:.1f} |")
    print(f"\nratio of the p50, median of the rounds: {ratio:.3f} ({min(found):.3f} to {max(found):.3f})")
    if captured != sent[CAPTURED]:
        sys.exit(f"{captured} of {sent[CAPTURED]} requests were captured")
    if ratio > MAX_RATIO:
        sys.exit(f"data capture may add 5 % to the latency: {ratio:.3f} is over {MAX_RATIO}")


if __name__ == "__main__":
    main()
