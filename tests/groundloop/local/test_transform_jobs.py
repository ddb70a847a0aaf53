"""Batch transform runs at the API: one .out per object, or a failure that names the object."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Finished = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def transform(sm: Any, make_model: Callable[..., str]) -> Callable[..., None]:
    """Start a transform job over an input."""

    def transform(name: str, data_type: str, uri: str, **members: Any) -> None:
        sm.create_transform_job(
            **{
                "TransformJobName": name,
                "ModelName": make_model(),
                "TransformInput": {
                    "ContentType": "application/x-image",
                    "DataSource": {"S3DataSource": {"S3DataType": data_type, "S3Uri": uri}},
                },
                "TransformOutput": {"S3OutputPath": f"s3://bucket/predicted/{name}", "Accept": "application/json"},
                "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge"},
                **members,
            }
        )

    return transform


def test_each_entry_of_a_manifest_gets_an_out(
    transform: Any, finished: Finished, put: Callable[..., str], get: Callable[[str], bytes], keys: Any
) -> None:
    put("images/a.jpg", b"\xff\xd8a")
    put("images/sub/b.jpg", b"\xff\xd8bb")
    transform(
        "listed", "ManifestFile", put("list.json", [{"prefix": "s3://bucket/"}, "images/a.jpg", "images/sub/b.jpg"])
    )
    done = finished("transform", "listed")
    assert done["TransformJobStatus"] == "Completed"
    assert keys("predicted/listed") == ["predicted/listed/images/a.jpg.out", "predicted/listed/images/sub/b.jpg.out"]
    answer = json.loads(get("s3://bucket/predicted/listed/images/sub/b.jpg.out"))
    assert answer == {"bytes": 4, "type": "application/x-image", "accept": "application/json", "model": ["weights"]}
    assert done["TransformStartTime"] <= done["TransformEndTime"]


def test_a_prefix_names_outputs_below_it(
    transform: Any, finished: Finished, put: Callable[..., str], keys: Any
) -> None:
    for name in ("a.jpg", "sub/b.jpg"):
        put(f"tree/{name}", b"x")
    transform("below", "S3Prefix", "s3://bucket/tree/", MaxConcurrentTransforms=4)
    assert finished("transform", "below")["TransformJobStatus"] == "Completed"
    assert keys("predicted/below") == ["predicted/below/a.jpg.out", "predicted/below/sub/b.jpg.out"]


@pytest.mark.parametrize(
    ("name", "content", "members", "message"),
    [
        pytest.param(
            "unreadable",
            b"bad bytes",
            {},
            "s3://bucket/mixed/unreadable.jpg: the model answered 400: unreadable image",
            id="an object that the model refuses",
        ),
        pytest.param(
            "large",
            bytes(1024 * 1024 + 1),
            {"MaxPayloadInMB": 1},
            "s3://bucket/mixed/large.jpg: 1.0 MB is over the MaxPayloadInMB of 1",
            id="an object over the payload limit",
        ),
    ],
)
def test_one_bad_object_fails_the_job_and_is_named(
    transform: Any, finished: Finished, put: Callable[..., str], name: str, content: bytes, members: Any, message: str
) -> None:
    put("mixed/good.jpg", b"x")
    put(f"mixed/{name}.jpg", content)
    manifest = put(f"{name}.json", [{"prefix": "s3://bucket/mixed/"}, "good.jpg", f"{name}.jpg"])
    transform(name, "ManifestFile", manifest, **members)
    done = finished("transform", name)
    assert done["TransformJobStatus"] == "Failed"
    assert message in done["FailureReason"]


def test_a_missing_object_is_named(transform: Any, finished: Finished, put: Callable[..., str]) -> None:
    transform("gone", "ManifestFile", put("gone.json", [{"prefix": "s3://bucket/"}, "gone.jpg"]))
    assert (
        finished("transform", "gone")["FailureReason"]
        == "ClientError: the S3 object s3://bucket/gone.jpg does not exist"
    )


def test_what_is_not_offered_is_told(transform: Any, finished: Finished, put: Callable[..., str]) -> None:
    with pytest.raises(ClientError, match="Augmented manifest files are not supported"):
        transform("augmented", "AugmentedManifestFile", put("x.manifest", "{}"))
    with pytest.raises(ClientError, match="Could not find model"):
        transform("no-model", "S3Prefix", "s3://bucket/tree/", ModelName="nobody")
    transform("joined", "S3Prefix", put("one.csv", "x"), DataProcessing={"JoinSource": "Input"})
    assert "the offline AWS offers None only" in finished("transform", "joined")["FailureReason"]


def test_a_model_that_does_not_start_is_told(
    transform: Any, finished: Finished, put: Callable[..., str], make_model: Callable[..., str]
) -> None:
    transform("broken", "S3Prefix", put("broken/a.jpg", b"x"), ModelName=make_model(broken="1"))
    reason = finished("transform", "broken")["FailureReason"]
    assert reason.startswith("AlgorithmError: this model is broken, exit code: 3 (log: ")
