"""Rules of the API beyond its shapes: members that need or exclude each other, names that must differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Definition, Json, Step
from groundloop.spec.expressions import expression, expressions
from groundloop.spec.known_values import UNKNOWN, known
from groundloop.suggestions import quoted

_MAX_TRANSFORM_MB = 100


def check_rules(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check the rules of every step's API that its shapes do not express."""
    for step in definition.steps:
        rules = _Rules(definition, step)
        if step.type == "Training":
            yield from rules.training(step.arguments, "Arguments")
        elif step.type == "Tuning":
            jobs = ("TrainingJobDefinition", "TrainingJobDefinitions")
            warm = part(step.arguments, "WarmStartConfig").get("WarmStartType") is not None
            yield from rules.one_of(step.arguments, "Arguments", *jobs, needed=not warm)
            for job, path in training_jobs(step):
                yield from rules.training(job, path)
        elif step.type in {"Processing", "QualityCheck", "ClarifyCheck"}:
            yield from rules.processing()
        elif step.type == "Model":
            yield from rules.model()
        elif step.type == "Transform":
            yield from rules.transform()
        elif step.type == "RegisterModel":
            yield from rules.package()
        elif step.type == "EndpointConfig":
            yield from rules.endpoint_config()
        yield from rules.distinct(step.arguments.get("Tags"), "Arguments.Tags", "Key")


def training_jobs(step: Step) -> Iterator[tuple[Json, str]]:
    """Yield (request, path) of each training job that a Training or Tuning step describes."""
    if step.type == "Training":
        yield step.arguments, "Arguments"
    elif step.type == "Tuning":
        if isinstance(one := step.arguments.get("TrainingJobDefinition"), dict):
            yield one, "Arguments.TrainingJobDefinition"
        several = step.arguments.get("TrainingJobDefinitions")
        for index, item in enumerate(several if isinstance(several, list) else []):
            if isinstance(item, dict):
                yield item, f"Arguments.TrainingJobDefinitions[{index}]"


def part(holder: Any, *keys: str) -> Json:
    """Return a structure inside a request; empty if it is missing."""
    for key in keys:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) and not expression(holder) else {}


def items(holder: Any, key: str) -> list[Any]:
    """Return a list inside a request; empty if it is missing."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


class _Rules:
    def __init__(self, definition: Definition, step: Step) -> None:
        self._definition, self._step = definition, step

    def _finding(self, code: DefinitionCode, path: str, message: str, remedy: str) -> DefinitionFinding:
        return DefinitionFinding(code, self._step.name, path, message, remedy)

    def _number(self, value: Any) -> float | None:
        value = known(value, self._definition)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def one_of(self, holder: Json, path: str, *names: str, needed: bool = True) -> Iterator[DefinitionFinding]:
        """Check that exactly one of some members is given (at most one, if none is needed)."""
        given = [name for name in names if holder.get(name) is not None]
        if len(given) > 1:
            message = f"{' and '.join(given)} exclude each other"
            yield self._finding(DefinitionCode.EXCLUSIVE, path, message, "keep one of them")
        elif not given and needed:
            message = f"one of {', '.join(names)} is required"
            yield self._finding(DefinitionCode.REQUIRED, path, message, f"add {names[0]}")

    def distinct(self, listed: Any, path: str, member: str) -> Iterator[DefinitionFinding]:
        """Check that the names in a list differ."""
        seen: set[str] = set()
        for index, item in enumerate(listed if isinstance(listed, list) else []):
            name = item.get(member) if isinstance(item, dict) else None
            if isinstance(name, str):
                if name in seen:
                    message = f"{member} {quoted(name)} is there twice"
                    yield self._finding(
                        DefinitionCode.DUPLICATE_NAME, f"{path}[{index}].{member}", message, "rename one of them"
                    )
                seen.add(name)

    def training(self, job: Json, path: str) -> Iterator[DefinitionFinding]:
        serverless = job.get("ServerlessJobConfig") is not None
        needed = ["AlgorithmSpecification", "StoppingCondition"]
        if job.get("HyperParameterTuningResourceConfig") is None:
            needed.append("ResourceConfig")
        for name in [] if serverless else needed:
            if job.get(name) is None:
                message = f"{name} is required for a job that isn't serverless, and missing"
                yield self._finding(DefinitionCode.REQUIRED, f"{path}.{name}", message, f"add {name}")
        if algorithm := part(job, "AlgorithmSpecification"):
            at = f"{path}.AlgorithmSpecification"
            yield from self.one_of(algorithm, at, "TrainingImage", "AlgorithmName", needed=not serverless)
        if resources := part(job, "ResourceConfig"):
            at = f"{path}.ResourceConfig"
            yield from self.one_of(resources, at, "InstanceType", "InstanceGroups", "InstancePreferences")
            count = self._number(resources.get("InstanceCount"))
            if resources.get("InstanceType") is not None and resources.get("InstanceCount") is None:
                message = "InstanceCount is required with InstanceType, and missing"
                yield self._finding(DefinitionCode.REQUIRED, f"{at}.InstanceCount", message, "add InstanceCount")
            # The model's minimum is 0, for the answers of serverless jobs.
            elif count is not None and count < 1:
                message = f"{quoted(count)} is out of range"
                yield self._finding(DefinitionCode.OUT_OF_RANGE, f"{at}.InstanceCount", message, "use at least 1")
        yield from self._spot(job, path)
        channels = items(job, "InputDataConfig")
        yield from self.distinct(channels, f"{path}.InputDataConfig", "ChannelName")
        mode = part(job, "AlgorithmSpecification").get("TrainingInputMode")
        for index, channel in enumerate(channels):
            yield from self._channel(channel, f"{path}.InputDataConfig[{index}]", mode)

    def _spot(self, job: Json, path: str) -> Iterator[DefinitionFinding]:
        stopping = part(job, "StoppingCondition")
        spot = known(job.get("EnableManagedSpotTraining"), self._definition)
        wait, run = stopping.get("MaxWaitTimeInSeconds"), stopping.get("MaxRuntimeInSeconds")
        at = f"{path}.StoppingCondition.MaxWaitTimeInSeconds"
        if spot is True:
            if wait is None:
                message = "spot training needs MaxWaitTimeInSeconds, for waiting and running together"
                yield self._finding(DefinitionCode.SPOT, at, message, "add it, at least MaxRuntimeInSeconds")
            longest, runtime = self._number(wait), self._number(run)
            if longest is not None and runtime is not None and longest < runtime:
                message = f"MaxWaitTimeInSeconds {longest} is less than MaxRuntimeInSeconds {runtime}"
                yield self._finding(DefinitionCode.SPOT, at, message, f"use at least {runtime}")
            # The jobs of a tuning job would share one S3 URI: groundloop/check/tuning.py.
            if job.get("CheckpointConfig") is None and self._step.type == "Training":
                message = "spot training without CheckpointConfig repeats all its work after an interruption"
                yield self._finding(
                    DefinitionCode.NO_CHECKPOINTS, f"{path}.CheckpointConfig", message, "add CheckpointConfig.S3Uri"
                )
        elif spot is not UNKNOWN and wait is not None:
            message = "MaxWaitTimeInSeconds is rejected without spot training"
            yield self._finding(DefinitionCode.SPOT, at, message, "remove it, or set EnableManagedSpotTraining")

    def _channel(self, channel: Any, path: str, mode: Any) -> Iterator[DefinitionFinding]:
        source = part(channel, "DataSource", "S3DataSource")
        if known(source.get("S3DataType"), self._definition) != "AugmentedManifestFile":
            return
        at = f"{path}.DataSource.S3DataSource"
        if not source.get("AttributeNames"):
            message = "an augmented manifest needs AttributeNames: what of each line is sent"
            yield self._finding(
                DefinitionCode.AUGMENTED_MANIFEST, f"{at}.AttributeNames", message, 'add ["source-ref", "<label>"]'
            )
        used = known(channel.get("InputMode") or mode, self._definition)
        if used not in ("Pipe", UNKNOWN):
            message = f"an augmented manifest can only be streamed, input mode is {quoted(used)}"
            remedy = "set InputMode of the channel (or TrainingInputMode) to Pipe"
            yield self._finding(DefinitionCode.AUGMENTED_MANIFEST, f"{path}.InputMode", message, remedy)

    def processing(self) -> Iterator[DefinitionFinding]:
        arguments = self._step.arguments
        inputs, outputs = (
            items(arguments, "ProcessingInputs"),
            items(part(arguments, "ProcessingOutputConfig"), "Outputs"),
        )
        for listed, path, member, forms in (
            (inputs, "Arguments.ProcessingInputs", "InputName", ("S3Input", "DatasetDefinition")),
            (outputs, "Arguments.ProcessingOutputConfig.Outputs", "OutputName", ("S3Output", "FeatureStoreOutput")),
        ):
            yield from self.distinct(listed, path, member)
            for index, item in enumerate(listed):
                if isinstance(item, dict):
                    yield from self.one_of(item, f"{path}[{index}]", *forms)

    def model(self) -> Iterator[DefinitionFinding]:
        arguments = self._step.arguments
        yield from self.one_of(arguments, "Arguments", "PrimaryContainer", "Containers")
        containers = [("Arguments.PrimaryContainer", arguments.get("PrimaryContainer"))]
        containers += [(f"Arguments.Containers[{i}]", item) for i, item in enumerate(items(arguments, "Containers"))]
        for path, container in containers:
            if isinstance(container, dict) and not expression(container):
                yield from self.one_of(container, path, "Image", "ModelPackageName")
                yield from self.one_of(container, path, "ModelDataUrl", "ModelDataSource", needed=False)

    def transform(self) -> Iterator[DefinitionFinding]:
        arguments = self._step.arguments
        path = "Arguments.TransformInput.DataSource.S3DataSource.S3DataType"
        source = part(arguments, "TransformInput", "DataSource", "S3DataSource")
        if known(source.get("S3DataType"), self._definition) == "AugmentedManifestFile":
            message = "Batch Transform takes no augmented manifest"
            yield self._finding(
                DefinitionCode.AUGMENTED_MANIFEST, path, message, "use ManifestFile with a plain manifest, or S3Prefix"
            )
        at_once, size = (self._number(arguments.get(name)) for name in ("MaxConcurrentTransforms", "MaxPayloadInMB"))
        if size is not None and size > _MAX_TRANSFORM_MB:
            message = f"MaxPayloadInMB {size} is out of range"
            yield self._finding(
                DefinitionCode.OUT_OF_RANGE, "Arguments.MaxPayloadInMB", message, f"use up to {_MAX_TRANSFORM_MB}"
            )
        elif at_once is not None and size is not None and at_once * size > _MAX_TRANSFORM_MB:
            message = f"MaxConcurrentTransforms {at_once} x MaxPayloadInMB {size} is more than {_MAX_TRANSFORM_MB} MB"
            yield self._finding(
                DefinitionCode.OUT_OF_RANGE, "Arguments.MaxConcurrentTransforms", message, "lower one of them"
            )

    def package(self) -> Iterator[DefinitionFinding]:
        arguments = self._step.arguments
        if arguments.get("ModelPackageGroupName") is None and arguments.get("ModelPackageName") is None:
            message = "the package belongs to no group and has no name"
            at = "Arguments.ModelPackageGroupName"
            yield self._finding(DefinitionCode.REQUIRED, at, message, "add ModelPackageGroupName")
        logged = arguments.get("ModelPackageRegistrationType") is not None
        specifications = ("InferenceSpecification", "SourceAlgorithmSpecification", "SourceUri")
        if not logged and not any(arguments.get(name) is not None for name in specifications):
            message = f"one of {', '.join(specifications)} is required"
            yield self._finding(
                DefinitionCode.REQUIRED, "Arguments.InferenceSpecification", message, "say how the model is served"
            )

    def endpoint_config(self) -> Iterator[DefinitionFinding]:
        arguments = self._step.arguments
        name = arguments.get("EndpointConfigName")
        if name is not None and not list(expressions(name, "")):
            message = f"EndpointConfigName {quoted(name)} is the same in each execution; the second one is rejected"
            remedy = "join a prefix and Execution.PipelineExecutionId"
            yield self._finding(DefinitionCode.FIXED_NAME, "Arguments.EndpointConfigName", message, remedy)
        for key in ("ProductionVariants", "ShadowProductionVariants"):
            variants = items(arguments, key)
            yield from self.distinct(variants, f"Arguments.{key}", "VariantName")
            for index, variant in enumerate(variants):
                if isinstance(variant, dict):
                    kinds = ("InstanceType", "ServerlessConfig", "InstancePools")
                    yield from self.one_of(variant, f"Arguments.{key}[{index}]", *kinds)
