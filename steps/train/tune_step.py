"""Tune: a search for hyperparameters in Train's place, whose best model is evaluated and registered.

Its training jobs are described by Train's own request, so that keys, network, spot capacity and tags are never lost.
What differs:

- tuned hyperparameters are ranges of the search, no static values;
- tags are the tuning job's, which gives them to its training jobs;
- no checkpoints are written: their S3 URI would be one for all jobs, and a job could go on from another's weights. An
  interrupted job on spot capacity begins again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker.core.workflow.pipeline_context import PipelineSession, _JobStepArguments, _StepArguments
from sagemaker.mlops.workflow.steps import TrainingStep, TuningStep

from groundloop.spec.object_detection import OBJECTIVE_METRIC
from groundloop.spec.shapes import input_shape
from groundloop.spec.tuning import RANGE_LISTS, SCALES, STRATEGIES
from steps.build_context import BuildContext, Parameters
from steps.train.settings import TrainingSettings
from steps.train.tuning import IntegerRange, NumberRange, TuningSettings

NAME = "Tune"
#: Members of a training request that a tuning job's definition of its training jobs has under another name.
_RENAMED = {"HyperParameters": "StaticHyperParameters"}
#: Members that it doesn't have, for the reasons above.
_ELSEWHERE = frozenset({"Tags", "CheckpointConfig"})


@dataclass(frozen=True)
class _Owner:
    """The attribute that TuningStep reads of the object which its arguments came from.

    The SDK's own is HyperparameterTuner, which drops keys, network isolation and tags of the training request.
    """

    sagemaker_session: PipelineSession


def tune_step(context: BuildContext, train: TrainingStep) -> TuningStep:
    """Return the Tune step.

    Args:
        context: what steps are built from.
        train: the Train step, which isn't part of the pipeline then.
    """
    settings = context.settings(TrainingSettings).tuning

    def capture(owner: _Owner) -> None:
        request = tuning_request(settings, context.parameters, train.arguments)
        owner.sagemaker_session.context = _JobStepArguments("tune", request)

    return TuningStep(
        name=NAME,
        display_name="Tune detector",
        description="Searches hyperparameters of the built-in Object Detection (SSD); the best model goes on.",
        step_args=_StepArguments("tune", capture, _Owner(context.session)),
        cache_config=context.cache,
        retry_policies=context.job_retries,
    )


def tuning_request(settings: TuningSettings, parameters: Parameters, train: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request of the tuning job.

    Args:
        settings: of the search.
        parameters: the pipelines' parameters.
        train: the request of the training job.
    """
    request: dict[str, Any] = {
        "HyperParameterTuningJobConfig": _search(settings, parameters),
        "TrainingJobDefinition": training_definition(train, settings.tuned),
    }
    if settings.warm_start:
        kind = "IdenticalDataAndAlgorithm" if settings.warm_start_data == "same" else "TransferLearning"
        parents = [{"HyperParameterTuningJobName": name} for name in settings.warm_start]
        request["WarmStartConfig"] = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": kind}
    if train.get("Tags"):
        request["Tags"] = train["Tags"]
    return request


def training_definition(train: Mapping[str, Any], tuned: tuple[str, ...]) -> dict[str, Any]:
    """Return a training request as a tuning job's definition of its training jobs.

    Args:
        train: the CreateTrainingJob request.
        tuned: names of the hyperparameters that the search sets.

    Raises:
        ValueError: the request has a member that the definition has no place for.
    """
    places = input_shape("CreateHyperParameterTuningJob").members["TrainingJobDefinition"].members
    definition: dict[str, Any] = {}
    for member, value in train.items():
        if member in _ELSEWHERE:
            continue
        name = _RENAMED.get(member, member)
        if name not in places:
            raise ValueError(f"a tuning job's training jobs can't be given {member}")
        definition[name] = value
    static = definition["StaticHyperParameters"]
    definition["StaticHyperParameters"] = {name: value for name, value in static.items() if name not in tuned}
    return definition


def _search(settings: TuningSettings, parameters: Parameters) -> dict[str, Any]:
    limits: dict[str, Any] = {"MaxParallelTrainingJobs": parameters.tuning_parallel_jobs}
    if settings.strategy != "grid":  # which has as many as there are combinations
        limits["MaxNumberOfTrainingJobs"] = parameters.tuning_jobs
    if settings.max_hours is not None:
        limits["MaxRuntimeInSeconds"] = round(settings.max_hours * 3600)
    config: dict[str, Any] = {
        "Strategy": STRATEGIES[settings.strategy],
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": OBJECTIVE_METRIC},
        "ResourceLimits": limits,
        "ParameterRanges": _ranges(settings),
        "TrainingJobEarlyStoppingType": "Auto" if settings.stops_early else "Off",
        "RandomSeed": settings.seed,
    }
    if settings.strategy == "hyperband":
        resources = {"MinResource": settings.hyperband.min_epochs, "MaxResource": parameters.epochs}
        config["StrategyConfig"] = {"HyperbandStrategyConfig": resources}
    if criteria := _completion_criteria(settings):
        config["TuningJobCompletionCriteria"] = criteria
    return config


def _ranges(settings: TuningSettings) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, given in settings.ranges.given():
        item: dict[str, Any] = {"Name": name}
        if isinstance(given, IntegerRange | NumberRange):
            kind = "integer" if isinstance(given, IntegerRange) else "continuous"
            item |= {"MinValue": str(given.min), "MaxValue": str(given.max), "ScalingType": SCALES[given.scale]}
        else:
            kind = "categorical"
            item["Values"] = [str(value) for value in given]
        found.setdefault(RANGE_LISTS[kind], []).append(item)
    return found


def _completion_criteria(settings: TuningSettings) -> dict[str, Any]:
    when = settings.stop_when
    criteria: dict[str, Any] = {}
    if when.map_reaches is not None:
        criteria["TargetObjectiveMetricValue"] = when.map_reaches
    if when.no_better_for_jobs is not None:
        criteria["BestObjectiveNotImproving"] = {"MaxNumberOfTrainingJobsNotImproving": when.no_better_for_jobs}
    if when.converged:
        criteria["ConvergenceDetected"] = {"CompleteOnConvergence": "Enabled"}
    return criteria
