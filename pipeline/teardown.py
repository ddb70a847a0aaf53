"""List what the project has created in AWS, and delete it in an order that works.

The project's resources are those with its tag, those that the steps of its pipelines' executions list, and those that
the configuration names (pipelines, group, S3 prefix). A name alone never makes a resource the project's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from groundloop.aws import client, is_not_found, poll_seconds
from groundloop.batch.transform import JOB_PREFIX
from groundloop.errors import UserError
from groundloop.executions.control import steps
from groundloop.models.autoscaling import Scaling
from groundloop.models.desired_endpoint import is_serverless
from pipeline.config import Config
from pipeline.dead_letter_queue import queue_name, queue_url
from pipeline.shared_resources import OtherProjects, project_tag
from pipeline.triggers import owned_rules, remove_rule

#: In the order of deletion: first what starts executions, last the pipelines, whose executions list what they created.
KINDS = ("rule", "endpoint", "endpoint config", "model", "queue", "package", "package group", "S3 data", "pipeline")
#: How the Deploy job names configs and models (`groundloop/models/desired_endpoint.py`).
_BY_JOB = re.compile(r"-v\d+-[0-9a-f]{10}(-\d+)?")
# Attempts of the waiter, one every 5 seconds: an hour.
_MAX_ATTEMPTS = 720


@dataclass(frozen=True)
class Resource:
    """A resource; `note` says what is deleted with it, or why it is kept."""

    kind: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class Resources:
    """What the project created, in the order of deletion, and the endpoints that it used and that others need."""

    removed: list[Resource]
    kept: list[Resource]


def list_resources(config: Config, *, packages: bool = False, data: bool = False) -> Resources:
    """List the resources of the project.

    Args:
        config: the configuration.
        packages: include the registered versions and their group.
        data: include everything under the S3 prefix: code, prepared data, models, evaluations, captured requests.

    Raises:
        UserError: an execution is in progress, or `packages` or `data` would delete what others use, or the labels.
    """
    others = OtherProjects(config)
    if packages:
        others.check_packages()
    if data:
        _check_labels(config)
        others.check_data()
    found = {Resource("rule", rule["Name"]) for rule in owned_rules(config)}
    if queue_url(config):
        found.add(Resource("queue", queue_name(config)))
    names = config.pipeline
    for name in (names.name, names.deploy_name, names.predict_name, names.monitor_name):
        found |= _of_pipeline(config, name)
    found |= _tagged(config, found)
    found = _existing(config, found)
    used = [item.name for item in found if item.kind == "endpoint"]
    foreign = [endpoint for name in {*used, config.deploy.endpoint.name} if (endpoint := others.endpoint(name))]
    needed = {item for endpoint in foreign for item in endpoint.parts}
    found = {item for item in found if (item.kind, item.name) not in needed}
    kept = [Resource("endpoint", endpoint.name, f"of {endpoint.owner!r}") for endpoint in foreign]
    if packages:
        found |= set(_packages(config))
    if data:
        found |= set(_data(config))
    return Resources(sorted(found, key=lambda item: (KINDS.index(item.kind), item.name)), kept)


def remove_resources(config: Config, items: list[Resource], tell: Callable[[Resource], None]) -> None:
    """Delete resources in the given order. A resource that no longer exists is not an error.

    Args:
        config: the configuration.
        items: the resources.
        tell: called with each resource once it is deleted.
    """
    for item in items:
        try:
            _REMOVERS[item.kind](config, item.name)
        except ClientError:
            # SageMaker answers a ValidationException for a missing resource, but not only for that.
            if _exists(config, item):
                raise
        tell(item)


def _of_pipeline(config: Config, name: str) -> set[Resource]:
    """Return a pipeline and what its executions created."""
    sagemaker, region, found = client("sagemaker", config.aws.region), config.aws.region, set()
    try:
        sagemaker.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if is_not_found(error):
            return set()
        raise
    found.add(Resource("pipeline", name, "with the history of its executions"))
    kinds = {"Model": "model", "EndpointConfig": "endpoint config", "Endpoint": "endpoint"}
    for page in sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=name):
        for execution in page["PipelineExecutionSummaries"]:
            arn, status = execution["PipelineExecutionArn"], execution["PipelineExecutionStatus"]
            if status in {"Executing", "Stopping"}:
                raise UserError(f"an execution of {name!r} is {status} and may still create resources: stop it, {arn}")
            for step in steps(region, arn):
                for kind, metadata in step.get("Metadata", {}).items():
                    if kind in kinds and "Arn" in metadata:
                        found.add(Resource(kinds[kind], metadata["Arn"].rsplit("/", 1)[-1]))
    return found


def _tagged(config: Config, known: set[Resource]) -> set[Resource]:
    """Return what no step created: endpoints with the project's tag, their configs and models, those of batch jobs."""
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
            # A long endpoint name is shortened in the names of its configs and models.
            for summary in _pages(sagemaker, operation, key, NameContains=name[:40]):
                created = summary[f"{member}Name"]
                if _BY_JOB.search(created) and _is_tagged(config, summary[f"{member}Arn"]):
                    found.add(Resource(kind, created))
    # The model of a batch job that nobody waited for; the others are deleted when their job ends.
    for summary in _pages(sagemaker, "list_models", "Models", NameContains=JOB_PREFIX):
        if _is_tagged(config, summary["ModelArn"]):
            found.add(Resource("model", summary["ModelName"]))
    return found


def _is_tagged(config: Config, arn: str) -> bool:
    return project_tag(config, arn) == config.pipeline.name


def _existing(config: Config, items: set[Resource]) -> set[Resource]:
    """Return those that still exist, endpoints with their status."""
    found = set()
    for item in items:
        if item.kind not in _DESCRIBERS:
            found.add(item)
        elif (description := _described(config, item)) is not None:
            endpoint = item.kind == "endpoint"
            note = f"{description['EndpointStatus']}, with its autoscaling" if endpoint else item.note
            found.add(Resource(item.kind, item.name, note))
    return found


def _exists(config: Config, item: Resource) -> bool:
    return item.kind not in _DESCRIBERS or _described(config, item) is not None


def _described(config: Config, item: Resource) -> dict[str, Any] | None:
    operation, member = _DESCRIBERS[item.kind]
    try:
        description: dict[str, Any] = getattr(client("sagemaker", config.aws.region), operation)(**{member: item.name})
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    return description


def _packages(config: Config) -> Iterator[Resource]:
    sagemaker, group = client("sagemaker", config.aws.region), config.registry.group
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    except ClientError as error:
        if is_not_found(error):
            return
        raise
    for summary in _pages(sagemaker, "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=group):
        yield Resource("package", summary["ModelPackageArn"], summary["ModelApprovalStatus"])
    yield Resource("package group", group)


def _data(config: Config) -> Iterator[Resource]:
    count = size = 0
    for version in _object_versions(config):
        count, size = count + 1, size + (version.size or 0)
    if count:
        yield Resource("S3 data", _prefix(config), f"{count} object versions, {size / 1e6:.1f} MB, of any project")


def _prefix(config: Config) -> str:
    return f"s3://{config.aws.bucket}/{config.aws.prefix}/"


def _check_labels(config: Config) -> None:
    if config.labels.manifest.startswith(_prefix(config)):
        raise UserError(
            f"--data would delete your labels: labels.manifest ({config.labels.manifest}) is under "
            f"{_prefix(config)}; move it, or omit --data"
        )


def _object_versions(config: Config) -> Any:
    """Return the collection of all object versions and delete markers below the prefix."""
    import boto3

    s3 = boto3.Session(region_name=config.aws.region).resource("s3")
    return s3.Bucket(config.aws.bucket).object_versions.filter(Prefix=f"{config.aws.prefix}/")


def _pages(sagemaker: Any, operation: str, key: str, **members: Any) -> Iterator[dict[str, Any]]:
    for page in sagemaker.get_paginator(operation).paginate(**members):
        yield from page[key]


def _remove_endpoint(config: Config, name: str) -> None:
    """Deregister its variants, delete it, and wait: its configs and models are in use until it is deleted."""
    region = config.aws.region
    sagemaker = client("sagemaker", region)
    scaling = Scaling(client("application-autoscaling", region), client("cloudwatch", region), name)
    variants = sagemaker.describe_endpoint(EndpointName=name).get("ProductionVariants") or []
    scaling.remove(scaling.registered([variant["VariantName"] for variant in variants if not is_serverless(variant)]))
    sagemaker.delete_endpoint(EndpointName=name)
    waiting = {"Delay": poll_seconds(5), "MaxAttempts": _MAX_ATTEMPTS}
    try:
        sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=waiting)
    except WaiterError as error:
        raise UserError(f"endpoint {name!r} was not deleted: {error}") from None


def _remove_queue(config: Config, name: str) -> None:
    url = queue_url(config)
    if url:
        client("sqs", config.aws.region).delete_queue(QueueUrl=url)


def _remove_data(config: Config, name: str) -> None:
    for response in _object_versions(config).delete():
        if errors := response.get("Errors"):
            raise UserError(f"S3 could not delete {errors[0]['Key']}: {errors[0].get('Message')}")


def _deleter(operation: str, member: str) -> Callable[[Config, str], None]:
    def delete(config: Config, name: str) -> None:
        getattr(client("sagemaker", config.aws.region), operation)(**{member: name})

    return delete


#: Operation and member that describe a resource of a kind.
_DESCRIBERS = {
    "endpoint": ("describe_endpoint", "EndpointName"),
    "endpoint config": ("describe_endpoint_config", "EndpointConfigName"),
    "model": ("describe_model", "ModelName"),
    "package": ("describe_model_package", "ModelPackageName"),
    "package group": ("describe_model_package_group", "ModelPackageGroupName"),
    "pipeline": ("describe_pipeline", "PipelineName"),
}
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
