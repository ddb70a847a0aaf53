"""What the Prepare step asks of SageMaker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Request = dict[str, Any]


@pytest.fixture(scope="module")
def arguments(define: Callable[..., dict[str, Any]]) -> Callable[..., Request]:
    """The Arguments of the step, from local.yaml and assignments."""

    def build(*assignments: str) -> Request:
        found: Request = define(*assignments)["Steps"][0]["Arguments"]
        return found

    return build


def test_further_labels_are_inputs_of_their_own(arguments: Callable[..., Request]) -> None:
    request = arguments(
        "labels.additional_sources=[{uri: 's3://b0b/reviews/', format: a2i}, "
        "{uri: 's3://b0b/coco.json', format: coco, images: 's3://b0b/images'}]"
    )
    inputs = {item["InputName"]: item["S3Input"] for item in request["ProcessingInputs"]}
    assert (inputs["additional-source-1"]["S3Uri"], inputs["additional-source-2"]["S3Uri"]) == (
        "s3://b0b/reviews/",
        "s3://b0b/coco.json",
    )
    given = request["AppSpecification"]["ContainerArguments"]
    first = given.index("--additional-source")
    assert given[first : first + 12] == [
        *(
            "--additional-source",
            inputs["additional-source-1"]["LocalPath"],
            "a2i",
            "auto",
            "none",
            "s3://b0b/reviews/",
        ),
        *(
            "--additional-source",
            inputs["additional-source-2"]["LocalPath"],
            "coco",
            "auto",
            "s3://b0b/images",
            "s3://b0b/coco.json",
        ),
    ]


def test_reviewed_labels_are_a_parameter_of_their_own(define: Callable[..., dict[str, Any]]) -> None:
    definition = define()
    request = definition["Steps"][0]["Arguments"]
    inputs = {item["InputName"]: item["S3Input"] for item in request["ProcessingInputs"]}
    assert inputs["reviewed-manifest"]["S3Uri"] == {"Get": "Parameters.ReviewedManifest"}
    given = request["AppSpecification"]["ContainerArguments"]
    assert given[given.index("--reviewed-manifest-uri") + 1] == {"Get": "Parameters.ReviewedManifest"}
    assert definition["Parameters"][1] == {
        "Name": "ReviewedManifest",
        "Type": "String",
        "DefaultValue": "s3://groundloop-local/groundloop/reviews/none.manifest",
    }


def test_the_most_that_the_configuration_allows_fits_the_jobs_arguments(arguments: Callable[..., Request]) -> None:
    classes = ", ".join(f"c{n}" for n in range(12))
    sources = ", ".join("{uri: 's3://b0b/n'}" for _ in range(7))
    labels = f"labels={{manifest: 's3://b0b/m', additional_sources: [{sources}], classes: [{classes}]}}"
    split = "prepare.split={stratify: true, group: {key: patient}}"
    request = arguments(labels, split)
    assert len(request["AppSpecification"]["ContainerArguments"]) <= 100
    assert len(request["ProcessingInputs"]) == 10  # what CreateProcessingJob takes


def test_on_spark_a_cluster_runs_the_same_archive(arguments: Callable[..., Request]) -> None:
    plain, spark = arguments(), arguments("processing.engine=spark", "processing.spark.instance_count=3")
    assert "sagemaker-spark-processing:3.5-cpu-py312" in spark["AppSpecification"]["ImageUri"]
    entry = spark["AppSpecification"]["ContainerEntrypoint"]
    assert entry == ["smspark-submit", *plain["AppSpecification"]["ContainerEntrypoint"][1:]]
    assert spark["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 3
    assert spark["ProcessingInputs"] == plain["ProcessingInputs"]
