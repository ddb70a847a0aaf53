"""Pipelines and their versions."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context, now
from groundloop.local.errors import JobError, invalid, not_found
from groundloop.local.executor.definition import parse
from groundloop.local.executor.parameters import DefinitionError
from groundloop.local.s3 import S3
from groundloop.spec.definition import Definition


@dataclass(frozen=True)
class Version:
    """A version of a pipeline: its definition, as text and parsed."""

    number: int
    text: str
    definition: Definition
    created: datetime


@dataclass
class Pipeline:
    """A pipeline."""

    name: str
    arn: str
    role: str
    display_name: str | None
    description: str | None
    max_parallel: int | None
    versions: list[Version]
    token: str
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    last_run: datetime | None = None

    @property
    def latest(self) -> Version:
        """The version that a start uses unless it names another."""
        return self.versions[-1]

    def version(self, number: int | None) -> Version:
        """Return a version by number, the latest for None.

        Raises:
            ApiError: ResourceNotFound, if there is none.
        """
        if number is None:
            return self.latest
        for version in self.versions:
            if version.number == number:
                return version
        raise not_found(f"Pipeline {self.arn} has no version {number}.")


class Pipelines:
    """All pipelines of one offline AWS."""

    def __init__(self, context: Context, tags: Tags) -> None:
        self._context, self._tags = context, tags
        self._pipelines: dict[str, Pipeline] = {}

    def find(self, name: str) -> Pipeline:
        """Return a pipeline by name or ARN.

        Raises:
            ApiError: ResourceNotFound, if there is none.
        """
        key = name.rsplit("/", 1)[-1]
        if key not in self._pipelines:
            raise not_found(f"Pipeline '{self._context.arn(f'pipeline/{key}')}' does not exist.")
        return self._pipelines[key]

    def state(self) -> list[dict[str, Any]]:
        """Return all pipelines as JSON values and times."""
        return [
            {
                **{item.name: getattr(pipeline, item.name) for item in fields(Pipeline)},
                "versions": [
                    {"number": version.number, "text": version.text, "created": version.created}
                    for version in pipeline.versions
                ],
            }
            for pipeline in self._pipelines.values()
        ]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `state` returned."""
        for item in state:
            versions = [Version(**version, definition=parse(version["text"])) for version in item["versions"]]
            self._pipelines[item["name"]] = Pipeline(**{**item, "versions": versions})

    def _definition(self, request: dict[str, Any], number: int) -> Version | None:
        text, place = request.get("PipelineDefinition"), request.get("PipelineDefinitionS3Location")
        if text and place:
            raise invalid("Only one of PipelineDefinition and PipelineDefinitionS3Location may be given.")
        if place:
            try:
                text = S3(self._context.account).read(f"s3://{place['Bucket']}/{place['ObjectKey']}").decode()
            except (JobError, UnicodeDecodeError) as error:
                raise invalid(f"Unable to read the pipeline definition: {error}") from error
        if not text:
            return None
        try:
            return Version(number, text, parse(text), now())
        except DefinitionError as error:
            raise invalid(f"Invalid pipeline definition: {error}") from error

    def create_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create a pipeline from a definition; a repeated request with the same token returns the first one."""
        name = request["PipelineName"]
        version = self._definition(request, 1)
        if version is None:
            raise invalid("One of PipelineDefinition and PipelineDefinitionS3Location is required.")
        with self._context.lock:
            if known := self._pipelines.get(name):
                if known.token == request["ClientRequestToken"]:
                    return {"PipelineArn": known.arn}
                raise invalid(
                    "Pipeline names must be unique within an AWS account and region. "
                    f"Pipeline with name ({name}) already exists."
                )
            pipeline = Pipeline(
                name,
                self._context.arn(f"pipeline/{name}"),
                request["RoleArn"],
                request.get("PipelineDisplayName") or name,
                request.get("PipelineDescription"),
                (request.get("ParallelismConfiguration") or {}).get("MaxParallelExecutionSteps"),
                [version],
                request["ClientRequestToken"],
            )
            self._pipelines[name] = pipeline
            self._tags.set(pipeline.arn, request)
        return {"PipelineArn": pipeline.arn}

    def update_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        """Change a pipeline; a new definition becomes its next version."""
        pipeline = self.find(request["PipelineName"])
        with self._context.lock:
            version = self._definition(request, pipeline.latest.number + 1)
            if version:
                pipeline.versions.append(version)
            pipeline.role = request.get("RoleArn") or pipeline.role
            pipeline.display_name = request.get("PipelineDisplayName") or pipeline.display_name
            pipeline.description = request.get("PipelineDescription") or pipeline.description
            if parallelism := request.get("ParallelismConfiguration"):
                pipeline.max_parallel = parallelism["MaxParallelExecutionSteps"]
            pipeline.modified = now()
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": pipeline.latest.number}

    def describe_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a pipeline with the definition of its latest, or of the requested, version."""
        pipeline = self.find(request["PipelineName"])
        return {
            **_summary(pipeline),
            "PipelineDefinition": pipeline.version(request.get("PipelineVersionId")).text,
            "PipelineStatus": "Active",
            "LastRunTime": pipeline.last_run,
            "ParallelismConfiguration": (
                {"MaxParallelExecutionSteps": pipeline.max_parallel} if pipeline.max_parallel else None
            ),
        }

    def list_pipelines(self, request: dict[str, Any]) -> dict[str, Any]:
        """List pipelines by name and creation time."""
        found = [
            pipeline
            for pipeline in self._pipelines.values()
            if pipeline.name.startswith(request.get("PipelineNamePrefix", ""))
            and within(request, pipeline.created, "CreatedAfter", "CreatedBefore")
        ]
        keys = {"CreationTime": lambda pipeline: pipeline.created, "Name": lambda pipeline: pipeline.name}
        summaries = [_summary(pipeline) for pipeline in in_order(found, request, keys, "Descending")]
        return page(summaries, request, "PipelineSummaries", default=10)

    def list_pipeline_versions(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the versions of a pipeline."""
        pipeline = self.find(request["PipelineName"])
        versions = in_order(pipeline.versions, request, {"CreationTime": lambda version: version.number}, "Descending")
        summaries = [
            {"PipelineArn": pipeline.arn, "PipelineVersionId": version.number, "CreationTime": version.created}
            for version in versions
        ]
        return page(summaries, request, "PipelineVersionSummaries", default=10)

    def drop(self, pipeline: Pipeline) -> None:
        """Forget a pipeline."""
        del self._pipelines[pipeline.name]
        self._tags.drop(pipeline.arn)


def _summary(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "PipelineArn": pipeline.arn,
        "PipelineName": pipeline.name,
        "PipelineDisplayName": pipeline.display_name,
        "PipelineDescription": pipeline.description,
        "RoleArn": pipeline.role,
        "CreationTime": pipeline.created,
        "LastModifiedTime": pipeline.modified,
        "LastExecutionTime": pipeline.last_run,
    }
