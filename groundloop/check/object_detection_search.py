"""Checks of a tuning job of the built-in Object Detection algorithm: its objective, and the values of its ranges."""

from __future__ import annotations

from collections.abc import Iterator

from groundloop.check.business_rules import items, part
from groundloop.check.detector_job import DetectorJob, TunedRange
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.known_values import UNKNOWN
from groundloop.spec.object_detection import HYPERPARAMETERS, OBJECTIVE_METRIC, max_batch_size
from groundloop.spec.tuning import RANGE_LISTS
from groundloop.suggestions import correction, quoted


def check_search(job: DetectorJob) -> Iterator[DefinitionFinding]:
    """Check what a Tuning step asks of the algorithm beyond a training job's request."""
    if job.step.type != "Tuning":
        return
    yield from _objective(job)
    for found in job.tuned.values():
        if found.name not in HYPERPARAMETERS or not HYPERPARAMETERS[found.name].tunable:
            names = [name for name, rule in HYPERPARAMETERS.items() if rule.tunable]
            message = f"the algorithm's {quoted(found.name)} can't be tuned"
            remedy = correction(found.name, names, f"tune {', '.join(names)}")
            yield _finding(job, DefinitionCode.HYPERPARAMETER, found.path, message, remedy)
            continue
        yield from _values(job, found)
        if found.name == "mini_batch_size":
            yield from _batches(job, found)
    yield from _instances(job)


def _finding(job: DetectorJob, code: DefinitionCode, path: str, message: str, remedy: str) -> DefinitionFinding:
    return DefinitionFinding(code, job.step.name, path, message, remedy)


def _objective(job: DetectorJob) -> Iterator[DefinitionFinding]:
    name, kind = job.objective.get("MetricName", OBJECTIVE_METRIC), job.objective.get("Type", "Maximize")
    if job.known(name) not in (OBJECTIVE_METRIC, UNKNOWN) or kind != "Maximize":
        message = (
            f"the objective is to {str(kind).lower()} {name}; the algorithm can only be tuned for {OBJECTIVE_METRIC}"
        )
        remedy = f"set MetricName {OBJECTIVE_METRIC} and Type Maximize"
        yield _finding(job, DefinitionCode.OBJECTIVE, job.objective_path, message, remedy)
    if part(job.request, "AlgorithmSpecification").get("MetricDefinitions"):
        message = "the built-in algorithm has metrics of its own, and MetricDefinitions are rejected"
        yield job.finding(
            DefinitionCode.METRICS, "AlgorithmSpecification.MetricDefinitions", message, "remove MetricDefinitions"
        )


def _values(job: DetectorJob, found: TunedRange) -> Iterator[DefinitionFinding]:
    rule = HYPERPARAMETERS[found.name]
    if found.kind not in (rule.range_kind, "categorical"):
        message = f"{found.name} is tuned by a range that is {rule.range_kind}, this one is {found.kind}"
        remedy = f"move it to {RANGE_LISTS[rule.range_kind]}"
        yield _finding(job, DefinitionCode.TUNING_RANGE, found.path, message, remedy)
        return
    keys = ("MinValue", "MaxValue")
    given = items(found.members, "Values") if found.kind == "categorical" else [found.members.get(key) for key in keys]
    for value in map(job.known, given):
        if isinstance(value, str) and not rule.allows(value):
            message = f"the range of {found.name} holds {quoted(value)}"
            remedy = f"use {rule.description}"
            yield _finding(job, DefinitionCode.HYPERPARAMETER, found.path, message, remedy)


def _batches(job: DetectorJob, found: TunedRange) -> Iterator[DefinitionFinding]:
    given = items(found.members, "Values") if found.kind == "categorical" else [found.members.get("MaxValue")]
    allows = HYPERPARAMETERS["mini_batch_size"].allows
    sizes = [int(value) for value in map(job.known, given) if isinstance(value, str) and allows(value)]
    if not sizes:
        return
    largest = max(sizes)
    samples = job.integer("num_training_samples")
    if samples is not None and largest > samples:
        message = f"mini_batch_size of up to {largest} is more than num_training_samples {samples}"
        yield _finding(job, DefinitionCode.BATCH_SIZE, found.path, message, f"use at most {samples}")
    network = job.value("base_network", HYPERPARAMETERS["base_network"].default)
    instance_type = job.known(part(job.request, "ResourceConfig").get("InstanceType"))
    if not (isinstance(network, str) and isinstance(instance_type, str)):
        return
    maximum = max_batch_size(instance_type, network)
    if maximum is not None and largest > maximum:
        message = f"mini_batch_size of up to {largest} does not fit the memory of {instance_type} with {network}"
        remedy = f"use at most {maximum}, or an instance type with more GPUs or memory"
        yield _finding(job, DefinitionCode.BATCH_MEMORY, found.path, message, remedy)


def _instances(job: DetectorJob) -> Iterator[DefinitionFinding]:
    config = part(job.step.arguments, "HyperParameterTuningJobConfig")
    count = job.known(part(job.request, "ResourceConfig").get("InstanceCount"))
    if job.known(config.get("Strategy")) == "Hyperband" and isinstance(count, int | float) and count > 1:
        message = f"each of {count} instances logs the epoch's mAP, and strategy Hyperband counts them as epochs"
        at = "ResourceConfig.InstanceCount"
        yield job.finding(DefinitionCode.TUNING_STRATEGY, at, message, "use 1 instance, or another Strategy")
