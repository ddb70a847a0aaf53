"""Warm start of hyperparameter tuning jobs: what a job has to share with those whose results it starts with.

Source: SageMaker developer guide, "Run a warm start hyperparameter tuning job".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from groundloop.spec.tuning import CONFIG, JOB, MAX_CHANGED_STATICS, TERMINAL, TuningProblem, parameter_ranges, part


def warm_start_problems(request: Mapping[str, Any], parents: Sequence[Mapping[str, Any]]) -> Iterator[TuningProblem]:
    """Yield what keeps a tuning job from starting with the results of others.

    Args:
        request: of CreateHyperParameterTuningJob, with WarmStartConfig.
        parents: answers of DescribeHyperParameterTuningJob for each of the parents.
    """
    at = "WarmStartConfig.ParentHyperParameterTuningJobs"
    same = part(request.get("WarmStartConfig")).get("WarmStartType") == "IdenticalDataAndAlgorithm"
    mine, kinds = _hyperparameters(request), _kinds(request)
    for index, parent in enumerate(parents):
        name, path = parent["HyperParameterTuningJobName"], f"{at}[{index}]"
        if parent["HyperParameterTuningJobStatus"] not in TERMINAL:
            message = f"the parent {name} is {parent['HyperParameterTuningJobStatus']}"
            yield TuningProblem(path, message, "wait until it has ended")
        objective = _objective(parent)
        if objective != _objective(request):
            message = f"the objective of the parent {name} is another one: {' '.join(objective)}"
            yield TuningProblem(path, message, "use the same objective")
        theirs = _hyperparameters(parent)
        if len(theirs) != len(mine):
            message = (
                f"the parent {name} has {len(theirs)} static and tunable hyperparameters together, "
                f"this job has {len(mine)}"
            )
            yield TuningProblem(path, message, "keep the number of hyperparameters the same")
        for hyperparameter, kind in _kinds(parent).items():
            if kinds.get(hyperparameter, kind) != kind:
                message = f"{hyperparameter} is {kinds[hyperparameter]}, in the parent {name} it is {kind}"
                yield TuningProblem(path, message, "keep the type of the range")
        changed = changed_statics(request, parent)
        if len(changed) > MAX_CHANGED_STATICS:
            message = (
                f"{len(changed)} static hyperparameters differ from those of the parent {name}, at most "
                f"{MAX_CHANGED_STATICS} may"
            )
            yield TuningProblem(path, message, f"change fewer of {', '.join(changed)}")
        image = _image(parent)
        if same and image != _image(request):
            message = f"the parent {name} has another training image: {image}"
            yield TuningProblem(path, message, "use the same image, or WarmStartType TransferLearning")


def changed_statics(request: Mapping[str, Any], parent: Mapping[str, Any]) -> list[str]:
    """Return the names of the static hyperparameters of both whose values differ."""
    mine, theirs = (part(job.get(JOB), "StaticHyperParameters") for job in (request, parent))
    return sorted(name for name in mine.keys() & theirs.keys() if mine[name] != theirs[name])


def _kinds(job: Mapping[str, Any]) -> dict[str, str]:
    return {item["Name"]: kind for _, kind, item in parameter_ranges(job) if isinstance(item.get("Name"), str)}


def _hyperparameters(job: Mapping[str, Any]) -> set[str]:
    # SageMaker adds the objective's name to the static ones that it describes.
    statics = {name for name in part(job.get(JOB), "StaticHyperParameters") if not name.startswith("_")}
    return statics | _kinds(job).keys()


def _objective(job: Mapping[str, Any]) -> tuple[str, str]:
    objective = part(job.get(CONFIG), "HyperParameterTuningJobObjective")
    return str(objective.get("Type")), str(objective.get("MetricName"))


def _image(job: Mapping[str, Any]) -> Any:
    return part(job.get(JOB), "AlgorithmSpecification").get("TrainingImage")
