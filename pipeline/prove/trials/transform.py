"""Paid: Batch Transform of the run's model over keys in folders, keys with odd characters, and a PNG."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from typing import Any

from pipeline.demo.synthetic_images import draw_image
from pipeline.prove.probe_config import CPU_INSTANCE
from pipeline.prove.trial import Trial, TrialInstance
from pipeline.prove.verdict import Assumption, NotTriedError, Verdict, broke, held
from pipeline.prove.workbench import Trained, Workbench, prerequisite

_PAGE = "Amazon SageMaker developer guide, 'Use Batch Transform' and the API reference, 'S3DataSource'"

NESTED = Assumption(
    "transform-nested-keys",
    "The output of an object in a folder keeps the folder: a/x.jpg gives a/x.jpg.out.",
    "Two images of the same file name would overwrite each other's predictions; the guide's example loses a folder.",
    "A transform job over a/x.jpg and b/x.jpg.",
    _PAGE,
)
ODD_KEYS = Assumption(
    "transform-odd-keys",
    "A ManifestFile may name keys with spaces, plus signs and letters beyond ASCII.",
    "Cameras and people name files so; one key that isn't found fails the whole job.",
    "A transform job over three such keys.",
    _PAGE,
)
PNG = Assumption(
    "transform-png",
    "The algorithm's container reads a PNG that is sent as application/x-image.",
    "Prepare lets PNG through; one image that isn't read fails the whole job.",
    "A transform job over one PNG.",
    "Amazon SageMaker developer guide, 'Object Detection - MXNet'",
)
_KEYS: dict[Assumption, tuple[str, ...]] = {
    NESTED: ("a/x.jpg", "b/x.jpg"),
    ODD_KEYS: ("odd/with space.jpg", "odd/plus+sign.jpg", "odd/größe.jpg"),
    PNG: ("png/x.png",),
}


def require_trained(bench: Workbench) -> Trained:
    """Return the model of the whole pipeline's run.

    Raises:
        NotTriedError: there is none.
    """
    if bench.trained is None:
        raise NotTriedError("it needs the model of the trial pipeline-run, which trained none")
    return bench.trained


def create_model(bench: Workbench, name: str) -> str:
    """Create a model of the run's artifact and return its name."""
    trained, sagemaker = require_trained(bench), bench.client("sagemaker")
    container = {"Image": trained.image, "ModelDataUrl": trained.model_data_url}
    request = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": bench.config.aws.role}
    with prerequisite():
        bench.create("model", name, lambda: sagemaker.create_model(**request, Tags=bench.tags))
    return name


def picture(kind: str) -> bytes:
    """Return a rendered image, JPEG or PNG."""
    content = io.BytesIO()
    draw_image(random.Random(3)).image.save(content, kind)  # noqa: S311 - a picture, not a secret
    return content.getvalue()


def _run(bench: Workbench) -> Iterator[Verdict]:
    model = create_model(bench, bench.name("transform"))
    for assumption, keys in _KEYS.items():
        yield _transformed(bench, assumption, model, keys)


def _transformed(bench: Workbench, assumption: Assumption, model: str, keys: tuple[str, ...]) -> Verdict:
    for key in keys:
        bench.store(f"transform/{key}", picture("PNG" if key.endswith(".png") else "JPEG"))
    listed: list[Any] = [{"prefix": bench.uri("transform/")}, *keys]
    manifest = bench.store(f"{assumption.id}.json", json.dumps(listed).encode())
    output = f"{assumption.id}/"
    described = bench.run_job(
        "Transform",
        assumption.id,
        {
            "TransformJobName": bench.name(assumption.id),
            "ModelName": model,
            "BatchStrategy": "SingleRecord",
            "MaxPayloadInMB": 6,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest}},
                "ContentType": "application/x-image",
                "SplitType": "None",
            },
            "TransformOutput": {
                "S3OutputPath": bench.uri(output),
                "Accept": "application/json",
                **bench.output_key,
            },
            "TransformResources": {"InstanceType": CPU_INSTANCE, "InstanceCount": 1},
        },
    )
    if described["TransformJobStatus"] != "Completed":
        reason = described.get("FailureReason", "")
        return broke(assumption, f"the transform job is {described['TransformJobStatus']}", reason)
    found = sorted(bench.keys(output))
    expected = sorted(f"{key}.out" for key in keys)
    if found != expected:
        return broke(assumption, f"outputs {found}, not {expected}")
    return held(assumption, f"outputs {found}")


TRIAL = Trial(
    "transform",
    tuple(_KEYS),
    ("a model", f"{len(_KEYS)} transform jobs", "6 images and their predictions in S3"),
    _run,
    tuple(TrialInstance(assumption.id, CPU_INSTANCE, "Batch Transform", 15) for assumption in _KEYS),
)
