"""Paid by request: a serverless endpoint with the algorithm's image, created, asked and updated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_message
from pipeline.prove.trial import Trial
from pipeline.prove.trials.transform import create_model, picture
from pipeline.prove.verdict import Assumption, NotTriedError, Verdict, broke, held
from pipeline.prove.workbench import Workbench

MEMORY_MB = 4096
#: A serverless endpoint is billed by the second of a request, about $0.00002 per GB: a few requests of a minute.
REQUESTS_USD = 0.05
_CREATION_SECONDS = 1800
_PAGE = "Amazon SageMaker developer guide, 'Deploy models with Amazon SageMaker Serverless Inference'"

SERVES = Assumption(
    "serverless-serves",
    f"The built-in algorithm's image serves on a serverless endpoint of {MEMORY_MB} MB.",
    "`deploy.endpoint.serverless` would never come into service: the image is made for instances, most of them GPUs.",
    "An endpoint of the run's model, asked with one image.",
    _PAGE,
)
UPDATES = Assumption(
    "serverless-update",
    "UpdateEndpoint moves a serverless endpoint to another config when no DeploymentConfig is sent.",
    "A second version could not be deployed.",
    "UpdateEndpoint to a config with another concurrency.",
    "Amazon SageMaker developer guide, 'Update a serverless endpoint'",
)


def _run(bench: Workbench) -> Iterator[Verdict]:
    sagemaker = bench.client("sagemaker")
    bench.allotment.begin()
    model, endpoint = create_model(bench, bench.name("serverless")), bench.name("serverless")
    first, second = (_config(bench, model, number) for number in (1, 2))
    bench.create(
        "endpoint",
        endpoint,
        lambda: sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=first, Tags=bench.tags),
    )
    described = in_service(bench, endpoint)
    if described["EndpointStatus"] != "InService":
        yield broke(SERVES, f"the endpoint is {described['EndpointStatus']}", described.get("FailureReason", ""))
        raise NotTriedError("the serverless endpoint never came into service")
    yield _asked(bench, endpoint)
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=second)
    described = in_service(bench, endpoint)
    if described["EndpointStatus"] == "InService" and described["EndpointConfigName"] == second:
        yield held(UPDATES, "the endpoint is InService with the second config")
    else:
        yield broke(UPDATES, f"the endpoint is {described['EndpointStatus']}", described.get("FailureReason", ""))


def _config(bench: Workbench, model: str, concurrency: int) -> str:
    """Create an endpoint config of one serverless variant and return its name."""
    name = bench.name(f"serverless-{concurrency}")
    serverless = {"MemorySizeInMB": MEMORY_MB, "MaxConcurrency": concurrency}
    variant = {"VariantName": "AllTraffic", "ModelName": model, "ServerlessConfig": serverless}
    request = {"EndpointConfigName": name, "ProductionVariants": [variant], "Tags": bench.tags}
    bench.create("endpoint config", name, lambda: bench.client("sagemaker").create_endpoint_config(**request))
    return name


def in_service(bench: Workbench, endpoint: str) -> dict[str, Any]:
    """Wait until an endpoint has settled and return its description."""
    return bench.wait(
        f"endpoint {endpoint}",
        lambda: dict(bench.client("sagemaker").describe_endpoint(EndpointName=endpoint)),
        "EndpointStatus",
        {"Creating", "Updating", "SystemUpdating", "RollingBack"},
        _CREATION_SECONDS,
    )


def _asked(bench: Workbench, endpoint: str) -> Verdict:
    try:
        answer = bench.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=picture("JPEG"), ContentType="application/x-image"
        )
    except ClientError as error:
        return broke(SERVES, "the endpoint is InService but does not answer", error_message(error))
    text = answer["Body"].read().decode("utf-8", "replace")
    try:
        detections = json.loads(text)["prediction"]
    except (ValueError, KeyError, TypeError):
        return broke(SERVES, "the endpoint's answer holds no prediction", text[:300])
    return held(SERVES, f"the endpoint answered with {len(detections)} detections")


TRIAL = Trial(
    "serverless",
    (SERVES, UPDATES),
    ("a model", "2 endpoint configs", "a serverless endpoint"),
    _run,
    requests_usd=REQUESTS_USD,
)
