"""The removal of what a proof has made, whatever state it is in; what is gone already is not an error."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_message, poll_seconds
from groundloop.errors import UserError
from groundloop.executions.control import RUNNING, steps, stop
from pipeline.config import Config
from pipeline.prove.journal import Journal
from pipeline.teardown import Resource, remove_resources

#: How long an execution or a job may take to stop, and an endpoint to be deleted.
_PATIENCE_SECONDS = 900
_MADE_BY_STEPS = {"Endpoint": "endpoint", "EndpointConfig": "endpoint config", "Model": "model"}
_ENDED = {"Completed", "Failed", "Stopped"}


def remove_all(
    config: Config,
    client: Callable[[str], Any],
    journal: Journal,
    tell: Callable[[str], None],
    kept: Collection[Resource] = (),
) -> None:
    """Remove everything that the journal names, the newest first.

    Args:
        config: for region and bucket.
        kept: what is left alone for now.

    Raises:
        UserError: some of it could not be removed; the rest is.
    """
    faults = []
    for resource in journal.left:
        if resource in kept:
            continue
        try:
            remove(config, client, resource)
        except (ClientError, UserError) as error:
            text = error_message(error) if isinstance(error, ClientError) else str(error)
            faults.append(f"{resource.kind} {resource.name}: {text}")
        else:
            journal.removed(resource)
            # SageMaker keeps the record of a job for ever; it costs nothing.
            done = "ended" if resource.kind.endswith("job") else "removed"
            tell(f"  {done} {resource.kind} {resource.name}")
    if faults:
        raise UserError(*faults, "not removed; `groundloop prove --clean` tries again")


def remove(config: Config, client: Callable[[str], Any], resource: Resource) -> None:
    """Remove one resource and what came of it."""
    REMOVERS[resource.kind](config, client, resource.name)


def _remover(kind: str) -> Callable[[Config, Callable[[str], Any], str], None]:
    def remove_one(config: Config, _client: Callable[[str], Any], name: str) -> None:
        remove_resources(config, [Resource(kind, name)], lambda _: None)

    return remove_one


def _remove_prefix(config: Config, _client: Callable[[str], Any], prefix: str) -> None:
    """Remove all objects under a key prefix of the configuration's bucket."""
    aws = config.aws.model_copy(update={"prefix": prefix})
    remove_resources(config.model_copy(update={"aws": aws}), [Resource("S3 data", prefix)], lambda _: None)


def _remove_pipeline(config: Config, client: Callable[[str], Any], name: str) -> None:
    """Stop a pipeline's executions, remove what their steps made, then the pipeline."""
    sagemaker, region = client("sagemaker"), config.aws.region
    found: dict[str, set[str]] = {kind: set() for kind in _MADE_BY_STEPS.values()}
    try:
        pages = list(sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=name))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFound":
            return
        raise
    for execution in (execution for page in pages for execution in page["PipelineExecutionSummaries"]):
        arn = execution["PipelineExecutionArn"]
        if stop(region, arn, _PATIENCE_SECONDS) in RUNNING:
            raise UserError(f"its execution {arn} does not stop")
        for step in steps(region, arn):
            for kind, metadata in step.get("Metadata", {}).items():
                if kind in _MADE_BY_STEPS and "Arn" in metadata:
                    found[_MADE_BY_STEPS[kind]].add(metadata["Arn"].rsplit("/", 1)[-1])
    items = [Resource(kind, made) for kind, names in found.items() for made in sorted(names)]
    remove_resources(config, [*items, Resource("pipeline", name)], lambda _: None)


def _remove_group(config: Config, client: Callable[[str], Any], group: str) -> None:
    """Remove the versions of a model package group, then the group."""
    try:
        pages = list(client("sagemaker").get_paginator("list_model_packages").paginate(ModelPackageGroupName=group))
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ValidationException", "ResourceNotFound"}:
            pages = []
        else:
            raise
    arns = [package["ModelPackageArn"] for page in pages for package in page["ModelPackageSummaryList"]]
    items = [Resource("package", arn) for arn in arns]
    remove_resources(config, [*items, Resource("package group", group)], lambda _: None)


def _job_stopper(kind: str) -> Callable[[Config, Callable[[str], Any], str], None]:
    """Return what stops a job; its record stays, as SageMaker keeps all jobs, and costs nothing."""

    def stop_job(_config: Config, client: Callable[[str], Any], name: str) -> None:
        sagemaker, member = client("sagemaker"), {f"{kind}JobName": name}
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                status = getattr(sagemaker, f"describe_{kind.lower()}_job")(**member)[f"{kind}JobStatus"]
            except ClientError as error:
                if error.response["Error"]["Code"] in {"ValidationException", "ResourceNotFound"}:
                    return
                raise
            if status in _ENDED:
                return
            if status == "InProgress":
                getattr(sagemaker, f"stop_{kind.lower()}_job")(**member)
            time.sleep(poll_seconds(5))
        raise UserError("it does not stop")

    return stop_job


REMOVERS: dict[str, Callable[[Config, Callable[[str], Any], str], None]] = {
    "pipeline": _remove_pipeline,
    "endpoint": _remover("endpoint"),
    "endpoint config": _remover("endpoint config"),
    "model": _remover("model"),
    "package group": _remove_group,
    "processing job": _job_stopper("Processing"),
    "training job": _job_stopper("Training"),
    "transform job": _job_stopper("Transform"),
    "S3 prefix": _remove_prefix,
}
