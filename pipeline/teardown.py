"""What this project has made in AWS, and its removal in an order that works.

Ours is what carries the project's tag, what an execution of our pipelines says it made, and what the configuration
names (pipelines, group, S3 prefix). Nothing is taken for ours because of how its name looks.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code, offline_endpoint
from groundloop.errors import UserError
from groundloop.executions.control import steps
from groundloop.models.autoscaling import Scaling
from groundloop.models.rollout import PROJECT_TAG
from pipeline.config import Config
from pipeline.dead_letter_queue import queue_name, queue_url
from pipeline.triggers import owned_rules, remove_rule

#: In the order of removal: first what starts things, last the pipelines, whose executions tell what they made.
KINDS = ("rule", "endpoint", "endpoint config", "model", "queue", "package", "package group", "S3 data", "pipeline")
#: How the Deploy job names configs and models (``groundloop/models/rollout.py``).
_BY_JOB = re.compile(r"-v\d+-[0-9a-f]{10}(-\d+)?")
_MISSING = {"ValidationException", "ResourceNotFound", "ResourceNotFoundException"}


@dataclass(frozen=True)
class Resource:
    """One thing to remove; ``note`` says what else goes with it."""

    kind: str
    name: str
    note: str = ""


def list_resources(config: Config, *, packages: bool = False, data: bool = False) -> list[Resource]:
    """All that the project has made, in the order of removal.

    Args:
        packages: The registered versions and their group too.
        data: Everything under the S3 prefix too: code, prepared data, models, evaluations, captured requests.

    Raises:
        UserError: an execution runs, or the labels lie where ``data`` would remove them.
    """
    if data:
        _check_labels(config)
    found = {Resource("rule", rule["Name"]) for rule in owned_rules(config)}
    if queue_url(config):
        found.add(Resource("queue", queue_name(config)))
    for name in (config.pipeline.name, config.pipeline.deploy_name):
        found |= _of_pipeline(config, name)
    found |= _tagged(config, found)
    found = _there(config, found)
    if packages:
        found |= set(_packages(config))
    if data:
        found |= set(_data(config))
    return sorted(found, key=lambda item: (KINDS.index(item.kind), item.name))


def remove_resources(config: Config, items: list[Resource], tell: Callable[[Resource], None]) -> None:
    """Remove the items in their order; ``tell`` gets each once it is gone. What is gone already is no error."""
    for item in items:
        try:
            _REMOVERS[item.kind](config, item.name)
        except ClientError as error:
            if error_code(error) not in _MISSING or not _says_missing(error):
                raise
        tell(item)


def _says_missing(error: ClientError) -> bool:
    return any(text in str(error) for text in ("does not exist", "Could not find", "ResourceNotFound", "NonExistent"))


def _of_pipeline(config: Config, name: str) -> set[Resource]:
    """Find a pipeline and the resources that its executions created."""
    sagemaker, region, found = client("sagemaker", config.aws.region), config.aws.region, set()
    try:
        sagemaker.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error_code(error) == "ResourceNotFound":
            return set()
        raise
    found.add(Resource("pipeline", name, "with the history of its executions"))
    kinds = {"Model": "model", "EndpointConfig": "endpoint config", "Endpoint": "endpoint"}
    for page in sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=name):
        for execution in page["PipelineExecutionSummaries"]:
            arn, status = execution["PipelineExecutionArn"], execution["PipelineExecutionStatus"]
            if status in {"Executing", "Stopping"}:
                raise UserError(
                    f"an execution of {name!r} is {status}, so it isn't known what it makes: stop it, {arn}"
                )
            for step in steps(region, arn):
                for kind, metadata in step.get("Metadata", {}).items():
                    if kind in kinds and "Arn" in metadata:
                        found.add(Resource(kinds[kind], metadata["Arn"].rsplit("/", 1)[-1]))
    return found


def _tagged(config: Config, known: set[Resource]) -> set[Resource]:
    """Find what the Deploy job created: endpoints with the project's tag, and their configs and models."""
    sagemaker, found = client("sagemaker", config.aws.region), set()
    for summary in _pages(sagemaker, "list_endpoints", "Endpoints"):
        if _is_tagged(config, summary["EndpointArn"]):
            found.add(Resource("endpoint", summary["EndpointName"]))
    names = {item.name for item in known | found if item.kind == "endpoint"} | {config.deploy.endpoint.name}
    for name in names:
        for kind, operation, key, member in (
            ("endpoint config", "list_endpoint_configs", "EndpointConfigs", "EndpointConfig"),
            ("model", "list_models", "Models", "Model"),
        ):
            # A long endpoint name is cut in the names of its configs and models.
            for summary in _pages(sagemaker, operation, key, NameContains=name[:40]):
                made = summary[f"{member}Name"]
                if _BY_JOB.search(made) and _is_tagged(config, summary[f"{member}Arn"]):
                    found.add(Resource(kind, made))
    return found


def _is_tagged(config: Config, arn: str) -> bool:
    try:
        tags = client("sagemaker", config.aws.region).list_tags(ResourceArn=arn)["Tags"]
    except ClientError as error:
        if error_code(error) in _MISSING:  # it went in the meantime
            return False
        raise
    return {"Key": PROJECT_TAG, "Value": config.pipeline.name} in tags


def _there(config: Config, items: set[Resource]) -> set[Resource]:
    """Those that still exist, endpoints with what they carry."""
    sagemaker, found = client("sagemaker", config.aws.region), set()
    describe = {
        "endpoint": lambda name: sagemaker.describe_endpoint(EndpointName=name),
        "endpoint config": lambda name: sagemaker.describe_endpoint_config(EndpointConfigName=name),
        "model": lambda name: sagemaker.describe_model(ModelName=name),
    }
    for item in items:
        if item.kind in describe:
            try:
                described = describe[item.kind](item.name)
            except ClientError as error:
                if error_code(error) in _MISSING:
                    continue
                raise
            if item.kind == "endpoint":
                item = Resource("endpoint", item.name, f"{described['EndpointStatus']}, with its autoscaling")
        found.add(item)
    return found


def _packages(config: Config) -> Iterator[Resource]:
    sagemaker, group = client("sagemaker", config.aws.region), config.registry.group
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    except ClientError as error:
        if error_code(error) in _MISSING:
            return
        raise
    for summary in _pages(sagemaker, "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=group):
        yield Resource("package", summary["ModelPackageArn"], summary["ModelApprovalStatus"])
    yield Resource("package group", group)


def _data(config: Config) -> Iterator[Resource]:
    count = size = 0
    for version in _object_versions(config):
        count, size = count + 1, size + version.get("Size", 0)
    if count:
        yield Resource(
            "S3 data", _prefix(config), f"{count} objects, {size / 1e6:.1f} MB, whichever project wrote them"
        )


def _prefix(config: Config) -> str:
    return f"s3://{config.aws.bucket}/{config.aws.prefix}/"


def _check_labels(config: Config) -> None:
    if config.labels.manifest.startswith(_prefix(config)):
        raise UserError(
            f"--data would remove your labels: labels.manifest ({config.labels.manifest}) lies under "
            f"{_prefix(config)}; move it, or leave --data out"
        )


def _object_versions(config: Config) -> Iterator[dict[str, Any]]:
    """Every object below the prefix, its older versions and delete markers too."""
    pages = client("s3", config.aws.region).get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=config.aws.bucket, Prefix=f"{config.aws.prefix}/"):
        yield from page.get("Versions", [])
        yield from page.get("DeleteMarkers", [])


def _pages(sagemaker: Any, operation: str, key: str, **members: Any) -> Iterator[dict[str, Any]]:
    for page in sagemaker.get_paginator(operation).paginate(**members):
        yield from page[key]


def _remove_endpoint(config: Config, name: str) -> None:
    """Deregister its variants, delete it, and wait: its configs and models are in use until it is gone."""
    region = config.aws.region
    sagemaker, scaling = client("sagemaker", region), Scaling(client("application-autoscaling", region), name)
    variants = sagemaker.describe_endpoint(EndpointName=name).get("ProductionVariants") or []
    scaling.remove(scaling.registered([variant["VariantName"] for variant in variants]))
    sagemaker.delete_endpoint(EndpointName=name)
    pause = 0.1 if offline_endpoint() else 5.0
    while True:
        # Ends with "Could not find endpoint", which is what was wanted.
        status = sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
        if status != "Deleting":
            raise UserError(f"endpoint {name!r} is not deleted but {status}")
        time.sleep(pause)


def _remove_queue(config: Config, name: str) -> None:
    url = queue_url(config)
    if url:
        client("sqs", config.aws.region).delete_queue(QueueUrl=url)


def _remove_data(config: Config, name: str) -> None:
    s3, batch = client("s3", config.aws.region), []
    for version in [*_object_versions(config), None]:
        if version is not None:
            batch.append({"Key": version["Key"], "VersionId": version["VersionId"]})
        if batch and (version is None or len(batch) == 1000):
            answer = s3.delete_objects(Bucket=config.aws.bucket, Delete={"Objects": batch, "Quiet": True})
            if failed := answer.get("Errors"):
                raise UserError(f"S3 refused to delete {failed[0]['Key']}: {failed[0].get('Message')}")
            batch = []


def _deleter(operation: str, member: str) -> Callable[[Config, str], None]:
    def delete(config: Config, name: str) -> None:
        getattr(client("sagemaker", config.aws.region), operation)(**{member: name})

    return delete


_REMOVERS: dict[str, Callable[[Config, str], None]] = {
    "rule": lambda config, name: remove_rule(client("events", config.aws.region), name),
    "endpoint": _remove_endpoint,
    "endpoint config": _deleter("delete_endpoint_config", "EndpointConfigName"),
    "model": _deleter("delete_model", "ModelName"),
    "queue": _remove_queue,
    "package": _deleter("delete_model_package", "ModelPackageName"),
    "package group": _deleter("delete_model_package_group", "ModelPackageGroupName"),
    "S3 data": _remove_data,
    "pipeline": _deleter("delete_pipeline", "PipelineName"),
}
