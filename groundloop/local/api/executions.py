"""Executions of pipelines: start, describe, stop and retry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.pipelines import Pipeline, Pipelines, Version
from groundloop.local.api.rules import starts_asked_for, undelivered
from groundloop.local.context import Context, now, random_id
from groundloop.local.errors import ApiError, invalid, not_found
from groundloop.local.executor.cache import StepCache
from groundloop.local.executor.expressions import as_text
from groundloop.local.executor.parameters import DefinitionError, cast
from groundloop.local.executor.run import Execution


@dataclass
class Started:
    """An execution with the request that started it."""

    execution: Execution
    pipeline: Pipeline
    version: Version
    parameters: dict[str, Any]
    request: dict[str, Any]


class Executions:
    """All executions of one offline AWS."""

    def __init__(self, context: Context, pipelines: Pipelines) -> None:
        self._context, self._pipelines = context, pipelines
        self._started: dict[str, Started] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._cache = StepCache()

    def count_running(self) -> int:
        """Return how many executions have not ended."""
        return sum(started.execution.status in ("Executing", "Stopping") for started in list(self._started.values()))

    def state(self) -> dict[str, Any]:
        """Return all executions, which have ended, and the step cache as JSON values and times."""
        return {
            "started": [
                {
                    "arn": arn,
                    "pipeline": started.pipeline.name,
                    "version": started.version.number,
                    "parameters": started.parameters,
                    "request": started.request,
                    "execution": started.execution.state(),
                }
                for arn, started in self._started.items()
            ],
            "cache": self._cache.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned, but for executions of pipelines that were deleted."""
        self._cache.restore(state["cache"])
        for item in state["started"]:
            try:
                pipeline = self._pipelines.find(item["pipeline"])
                version = pipeline.version(item["version"])
            except ApiError:
                continue
            request, parameters = item["request"], item["parameters"]
            variables = item["execution"]["variables"]
            limit = _max_parallel(request, pipeline)
            execution = Execution(self._context, version.definition, parameters, variables, self._cache, limit)
            execution.restore(item["execution"])
            self._started[item["arn"]] = Started(execution, pipeline, version, parameters, request)
            self._tokens[pipeline.arn, request["ClientRequestToken"]] = item["arn"]

    def _find(self, request: dict[str, Any]) -> Started:
        arn = request["PipelineExecutionArn"]
        if arn not in self._started:
            raise not_found(f"Pipeline execution with ARN {arn} does not exist.")
        return self._started[arn]

    def start_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start an execution; a repeated request with the same token returns the first one."""
        pipeline = self._pipelines.find(request["PipelineName"])
        if request.get("SelectiveExecutionConfig"):
            raise invalid("SelectiveExecutionConfig is not offered by the offline AWS.")
        version = pipeline.version(request.get("PipelineVersionId"))
        parameters = _parameters(version, request.get("PipelineParameters") or [])
        with self._context.lock:
            token = (pipeline.arn, request["ClientRequestToken"])
            if token in self._tokens:
                return {"PipelineExecutionArn": self._tokens[token]}
            identifier = random_id(12)
            arn = f"{pipeline.arn}/execution/{identifier}"
            variables = {
                "PipelineName": pipeline.name,
                "PipelineArn": pipeline.arn,
                "PipelineExecutionId": identifier,
                "PipelineExecutionArn": arn,
                "StartDateTime": now().isoformat(),
            }
            limit = _max_parallel(request, pipeline)
            execution = Execution(self._context, version.definition, parameters, variables, self._cache, limit)
            self._started[arn] = Started(execution, pipeline, version, parameters, request)
            self._tokens[token] = arn
            pipeline.last_run = now()
            execution.start()
        return {"PipelineExecutionArn": arn}

    def start_by_rule(self, event: dict[str, Any]) -> None:
        """Start the pipelines that EventBridge rules want started by an event."""
        for start in starts_asked_for(self._context, event):
            try:
                self.start_pipeline_execution(start.request)
            except ApiError as error:
                # Whoever caused the event hears nothing of it: EventBridge tries again, then the queue has it.
                undelivered(self._context, start, error.message)

    def describe_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the status of an execution and why it failed."""
        started = self._find(request)
        limit = started.request.get("ParallelismConfiguration")
        return {
            **_summary(started),
            "PipelineArn": started.pipeline.arn,
            "FailureReason": started.execution.failure_reason,
            "CreationTime": started.execution.started,
            "LastModifiedTime": started.execution.modified,
            "ParallelismConfiguration": limit,
            "PipelineVersionId": started.version.number,
        }

    def update_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Change an execution's display name and description."""
        started = self._find(request)
        for member in ("PipelineExecutionDisplayName", "PipelineExecutionDescription"):
            if member in request:
                started.request[member] = request[member]
        return {"PipelineExecutionArn": started.execution.arn}

    def describe_pipeline_definition_for_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the definition that an execution runs, which a later update does not change."""
        started = self._find(request)
        return {"PipelineDefinition": started.version.text, "CreationTime": started.version.created}

    def list_pipeline_executions(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the executions of a pipeline by creation time."""
        pipeline = self._pipelines.find(request["PipelineName"])
        found = [
            started
            for started in self._started.values()
            if started.pipeline is pipeline
            and within(request, started.execution.started, "CreatedAfter", "CreatedBefore")
        ]
        keys = {
            "CreationTime": lambda started: started.execution.started,
            "PipelineExecutionArn": lambda started: started.execution.arn,
        }
        summaries = [_summary(started) for started in in_order(found, request, keys, "Descending")]
        return page(summaries, request, "PipelineExecutionSummaries", default=10)

    def list_pipeline_execution_steps(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the steps that an execution has started."""
        if not request.get("PipelineExecutionArn"):
            raise invalid("PipelineExecutionArn is required.")
        records = self._find(request).execution.steps()
        # The service lists the latest first unless the request says otherwise.
        ordered = in_order(records, request, {"CreationTime": lambda record: record.number}, "Descending")
        return page([record.summary() for record in ordered], request, "PipelineExecutionSteps", default=20)

    def list_pipeline_parameters_for_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the parameters of an execution with the values that it runs with."""
        parameters = [{"Name": name, "Value": as_text(value)} for name, value in self._find(request).parameters.items()]
        return page(parameters, request, "PipelineParameters", default=50)

    def stop_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a running execution to stop; its running jobs are stopped too."""
        execution = self._find(request).execution
        if execution.status not in ("Executing", "Stopping"):
            raise invalid(
                f"Pipeline execution with ARN {execution.arn} has status {execution.status}: it can't be stopped."
            )
        execution.stop()
        return {"PipelineExecutionArn": execution.arn}

    def retry_pipeline_execution(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the steps of a failed or stopped execution again that did not succeed."""
        execution = self._find(request).execution
        if execution.status not in ("Failed", "Stopped"):
            raise invalid(
                f"Pipeline execution with ARN {execution.arn} has status {execution.status}: it can't be retried."
            )
        execution.retry()
        return {"PipelineExecutionArn": execution.arn}

    def delete_pipeline(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a pipeline that has no running execution."""
        pipeline = self._pipelines.find(request["PipelineName"])
        mine = [started for started in self._started.values() if started.pipeline is pipeline]
        if any(started.execution.status in ("Executing", "Stopping") for started in mine):
            raise ApiError("ConflictException", f"Pipeline {pipeline.arn} has executions that are not finished.")
        self._pipelines.drop(pipeline)
        return {"PipelineArn": pipeline.arn}

    def stop_all(self) -> None:
        """Stop every execution and wait for its end."""
        running = [started.execution for started in list(self._started.values())]
        for execution in running:
            execution.stop()
        for execution in running:
            execution.join()


def _max_parallel(request: dict[str, Any], pipeline: Pipeline) -> int | None:
    asked = (request.get("ParallelismConfiguration") or {}).get("MaxParallelExecutionSteps")
    return asked or pipeline.max_parallel


def _parameters(version: Version, given: list[dict[str, str]]) -> dict[str, Any]:
    """Return the values of all parameters with their types.

    Raises:
        ApiError: ValidationException, for a value that the definition does not allow.
    """
    declared = version.definition.parameters
    values = {
        name: cast(parameter, parameter.default)
        for name, parameter in declared.items()
        if parameter.default is not None
    }
    seen: set[str] = set()
    for item in given:
        name = item["Name"]
        if name not in declared:
            raise invalid(f"Unknown parameters [{name}]: the pipeline declares {', '.join(declared) or 'none'}.")
        if name in seen:
            raise invalid(f"Parameter {name} is given twice.")
        seen.add(name)
        try:
            values[name] = cast(declared[name], item["Value"])
        except DefinitionError as error:
            raise invalid(f"Invalid pipeline parameter: {error}") from error
    if missing := [name for name in declared if name not in values]:
        raise invalid(f"Parameters [{', '.join(missing)}] do not have default values and are missing.")
    return values


def _summary(started: Started) -> dict[str, Any]:
    execution = started.execution
    return {
        "PipelineExecutionArn": execution.arn,
        "StartTime": execution.started,
        "PipelineExecutionStatus": execution.status,
        "PipelineExecutionDescription": started.request.get("PipelineExecutionDescription"),
        "PipelineExecutionDisplayName": started.request.get("PipelineExecutionDisplayName")
        or f"execution-{int(execution.started.timestamp() * 1000)}",
        "PipelineExecutionFailureReason": execution.failure_reason,
    }
